import io
import zipfile

import pytest

from tf_ttur.errors import UserError
from tf_ttur.io import files


@pytest.mark.parametrize("packing", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_members_of_which_python_unpacks_more_than_they_say(packing):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", packing) as archive:
        archive.writestr("mu.npy", b"0" * 1000)
    with (
        zipfile.ZipFile(content) as archive,
        pytest.raises(UserError, match="mu.npy of it is packed in another way"),
    ):
        files.check_unpacked_sizes("it", archive)


def test_damaged_lines_are_left_out_and_counted(tmp_path):
    (tmp_path / "rows").write_bytes(
        b'{"a": 1, "b": "x"}\n{"a": 3}\n[1]\n{"a"\n\xff\n{"a": null, "b": "x"}\n{"a": true, "b": "x"}\n{"a": 4, "b": "y", "c": 6}\n{"a": 7, "b"'
    )
    found, damaged = files.read_json_lines(tmp_path / "rows", {"a": (int, float), "b": str})
    assert (found, damaged) == ([{"a": 1, "b": "x"}, {"a": 4, "b": "y", "c": 6}], 7)


def test_a_lock_is_for_one(tmp_path):
    with files.lock(tmp_path / "lock"), pytest.raises(UserError, match="in use by process .* on "):
        files.lock(tmp_path / "lock")
    files.lock(tmp_path / "lock").close()
