"""Zips and tarballs that are not safe to read; tests/data has those of each kind of source."""

import io
import stat
import tarfile
import zipfile

import pytest

from tests.faults.bad_files import zipped
from tf_ttur.errors import UserError
from tf_ttur.io import archives


@pytest.mark.parametrize("packing", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_members_of_which_python_unpacks_more_than_they_say(packing):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", packing) as archive:
        archive.writestr("mu.npy", b"0" * 1000)
    with (
        zipfile.ZipFile(content) as archive,
        pytest.raises(UserError, match=r"mu\.npy of it is compressed by an unsupported method"),
    ):
        archives.check_unpacked_sizes("it", archive)


def test_a_zip_that_would_unpack_to_gigabytes(tmp_path):
    path = zipped(tmp_path / "a.zip", {"a.npy": b"0"}, claimed_bytes=2**30 + 1)
    with (
        zipfile.ZipFile(path) as archive,
        pytest.raises(UserError, match=r"a\.npy of it takes .* and 1,073,741,825 when it is"),
    ):
        archives.check_unpacked_sizes("it", archive)


def test_members_of_a_zip(tmp_path):
    def check(name, most_bytes=None, **options):
        path = zipped(tmp_path / "a.zip", {name: b"four"}, **options)
        with zipfile.ZipFile(path) as archive:
            archives.check_zip_member("it", archive.infolist()[0], most_bytes)

    check("folder/a.png", most_bytes=4)
    with pytest.raises(UserError, match=r"takes 4 bytes when it is unpacked\n.*at most 3 bytes"):
        check("a.png", most_bytes=3)
    with pytest.raises(UserError, match=r"it has the member \.\./a\.png"):
        check("../a.png")
    with pytest.raises(UserError, match=r"it has the link a\.png"):
        check("a.png", mode=stat.S_IFLNK | 0o777)


def test_members_of_a_tarball():
    member = tarfile.TarInfo("a")
    member.size = 4
    archives.check_tar_member("it", member, "a", 4)
    with pytest.raises(UserError, match="it has a a of 4 bytes"):
        archives.check_tar_member("it", member, "a", 3)
    member.type = tarfile.SYMTYPE
    with pytest.raises(UserError, match="it has a a that is a link or a device"):
        archives.check_tar_member("it", member, "a")


def test_a_tarball_is_read_to_its_end(tmp_path):
    """Also where the reader stops early, as damage behind it counts."""
    path = tmp_path / "a.tar"
    with tarfile.open(path, "w") as archive:
        for name in ("a", "b"):
            member = tarfile.TarInfo(name)
            member.size = 1000
            archive.addfile(member, io.BytesIO(b"x" * 1000))
    with archives.open_tar(path) as archive:
        assert next(iter(archive)).name == "a"
    content = path.read_bytes()
    path.write_bytes(content[:2000])
    with pytest.raises(tarfile.ReadError), archives.open_tar(path) as archive:
        assert next(iter(archive)).name == "a"
