"""The files of samples."""

import numpy as np
import PIL.Image
import pytest

from tf_ttur.data import samples
from tf_ttur.errors import UserError


def test_images_are_numbered_so_that_names_sort_and_pixels_stay(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (11, 4, 5, 3), np.uint8)
    samples.write_images(images, tmp_path / "new")
    paths = sorted((tmp_path / "new").iterdir())
    assert [path.name for path in paths] == [f"{number:02}.png" for number in range(11)]
    np.testing.assert_array_equal([np.asarray(PIL.Image.open(path)) for path in paths], images)


def test_lines_end_with_a_newline_each(tmp_path):
    samples.write_lines([b"one", "zwölf".encode()], tmp_path)
    assert (tmp_path / "lines.txt").read_bytes() == "one\nzwölf\n".encode()


def test_a_folder_that_holds_something_is_refused(tmp_path):
    assert samples.check_new(tmp_path / "new") == tmp_path / "new"
    assert samples.check_new(tmp_path) == tmp_path
    (tmp_path / "notes.txt").touch()
    with pytest.raises(UserError, match="is not empty"):
        samples.check_new(tmp_path)
