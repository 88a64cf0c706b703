"""Bringing images to one size, against Pillow."""

import numpy as np
import PIL.Image
import pytest

from tf_ttur.data import pillow
from tf_ttur.data.images import Images, open_images
from tf_ttur.data.resizing import FILTERS, Resizing
from tf_ttur.errors import UserError

METHODS = {name: PIL.Image.Resampling[name.upper()] for name in FILTERS}
SIDES = [(40, 64), (64, 40), (33, 21), (16, 16), (24, 24)]  # width, height


@pytest.fixture(scope="module")
def pictures():
    """Pictures of several sizes."""
    random = np.random.default_rng(0)
    return [
        PIL.Image.fromarray(random.integers(0, 256, (height, width, 3), np.uint8))
        for width, height in SIDES
    ]


@pytest.fixture
def mixed(pictures, tmp_path):
    """A folder of them, of which the last is grey."""
    for number, picture in enumerate(pictures):
        kind = "L" if number == len(pictures) - 1 else "RGB"
        picture.convert(kind).save(tmp_path / f"{number}.png")
    return str(tmp_path)


def expected(picture, size, crop, filter):
    """What Pillow makes of a picture."""
    if crop == "square":
        side = min(picture.size)
        left = (picture.width - side) // 2
        top = (picture.height - side) // 2
        picture = picture.crop((left, top, left + side, top + side))
    return np.asarray(picture.resize((size, size), METHODS[filter]))


@pytest.mark.parametrize("filter", FILTERS)
@pytest.mark.parametrize("crop", ["square", "none"])
@pytest.mark.parametrize("size", [24, 50])
def test_a_folder_of_several_sizes_has_the_pixels_of_pillow(mixed, pictures, size, crop, filter):
    images = open_images(mixed, size=size, crop=crop, filter=filter)
    assert images.shape == (size, size, 3)
    found = np.concatenate(list(images.in_order(2)))
    pictures = [*pictures[:-1], pictures[-1].convert("L").convert("RGB")]
    wanted = np.stack([expected(picture, size, crop, filter) for picture in pictures])
    np.testing.assert_array_equal(found, wanted)
    assert images.resizing.record == {"size": size, "crop": crop, "filter": filter}


def test_the_defaults_are_the_square_and_the_filter_of_pillow(mixed, pictures):
    found = next(open_images(mixed, size=24).in_order(1))[0]
    np.testing.assert_array_equal(found, expected(pictures[0], 24, "square", "bicubic"))


def test_an_image_of_that_size_does_not_change(mixed, pictures):
    found = np.concatenate(list(open_images(mixed, size=16).in_order(5)))[3]
    np.testing.assert_array_equal(found, np.asarray(pictures[3]))


def test_floats_are_resized_like_whole_numbers_but_not_rounded(pictures):
    image = np.asarray(pictures[0]) // 2 + 64  # so that no filter leaves 0 ... 255
    resizing = Resizing(24, "none", "lanczos")
    found = pillow.resized(image.astype(np.float32), resizing)
    assert found.dtype == np.float32
    # Pillow rounds whole numbers after each of its two passes.
    np.testing.assert_allclose(found, pillow.resized(image, resizing).astype(float), atol=1.01)
    contrast = np.asarray(pictures[0]) // 128 * 255
    clipped = pillow.resized(contrast, Resizing(24, "none", "lanczos", in_floats=True))
    assert (clipped.min(), clipped.max()) == (0, 255)
    np.testing.assert_array_equal(clipped, pillow.resized(contrast.astype(np.float32), resizing))


def test_sizes_change_the_identity(mixed):
    options = [{}, {"size": 24}, {"size": 24, "crop": "none"}, {"size": 24, "filter": "lanczos"}]
    identities = {open_images(mixed, **each).identity for each in options}
    assert len(identities) == len(options)
    assert Images(mixed).identity in identities  # of what is not resized it is as before


def test_several_sizes_are_refused_with_the_flag_that_helps(mixed):
    with pytest.raises(
        UserError, match=r"1.png has 64x40 pixels, .*0.png has 40x64\n.*\n.*--size 40 \[--crop"
    ):
        list(open_images(mixed).in_order(2))


@pytest.mark.parametrize(
    "options, message",
    [
        ({"size": 0}, "size 0"),
        ({"size": 10**6}, "size 1000000"),
        ({"size": 32.0}, "size 32.0"),
        ({"size": 32, "crop": "circle"}, "crop 'circle'"),
        ({"size": 32, "filter": "nearest"}, "filter 'nearest'"),
        ({"crop": "none"}, "a crop without a size"),
        ({"filter": "bicubic"}, "a filter without a size"),
    ],
)
def test_what_is_no_size(options, message):
    with pytest.raises(UserError, match=message):
        open_images("digits:9", **options)
