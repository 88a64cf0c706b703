"""Images that are compressed to JPEG after crop and resize, as the original code's files were."""

import io
import json

import numpy as np
import PIL.Image
import pytest

from tests.conftest import assert_refused
from tf_ttur import config as configs
from tf_ttur.data import prepare
from tf_ttur.data.images import Images, open_for_training
from tf_ttur.errors import UserError

SEED = np.array([1, 2], np.int32)


@pytest.fixture
def smooth(tmp_path):
    """The path and the content of 9 smooth images of 40x40 pixels in an array."""
    waves = np.sin(np.arange(40) / 5)
    images = np.stack([np.stack([waves * k, waves + k / 9, -waves], -1) for k in range(9)])
    images = np.uint8(127 + 40 * (images[:, :, None] + images[:, None]))
    np.save(tmp_path / "smooth.npy", images)
    return str(tmp_path / "smooth.npy"), images


def by_pillow(image, quality):
    file = io.BytesIO()
    PIL.Image.fromarray(image).save(file, "JPEG", quality=quality)
    return np.asarray(PIL.Image.open(file))


@pytest.mark.parametrize("quality", [1, 30, 75, 95, 100])
def test_the_pixels_are_those_of_pillow(smooth, quality):
    word, images = smooth
    noise = np.random.default_rng(0).integers(0, 256, images.shape, np.uint8)
    np.save(f"{word}.noise.npy", noise)
    for name, originals in ((word, images), (f"{word}.noise.npy", noise)):
        [found] = Images(name, jpeg_quality=quality).in_order(9)
        expected = [by_pillow(image, quality) for image in originals]
        np.testing.assert_array_equal(found, expected)
        assert (found != originals).any()


def test_compressed_after_crop_and_resize(smooth):
    word, _ = smooth
    [resized] = Images(word, 32, "square").in_order(9)
    [found] = Images(word, 32, "square", jpeg_quality=50).in_order(9)
    np.testing.assert_array_equal(found, [by_pillow(image, 50) for image in resized])


@pytest.mark.parametrize("memory_gib", [1.0, 0.0])
def test_training_sees_what_the_reference_is_made_of(smooth, memory_gib):
    word, _ = smooth
    images = Images(word, 32, "square", memory_gib, jpeg_quality=50)
    [reference] = images.in_order(9)
    batch = next(images.batches(SEED, 0, 1, 9).as_numpy_iterator())
    batch = np.uint8(np.rint((batch + 1) * 127.5))
    assert {image.tobytes() for image in batch} == {image.tobytes() for image in reference}


def test_without_jpeg_nothing_changes(smooth):
    """Not the provenance, and so not the identities of version 0.1.0."""
    word, _ = smooth
    plain = Images(word, 32, "square")
    assert plain.preparation == {
        "size": 32,
        "crop": "square",
        "resize": "bilinear, antialiased, rounded",
    }
    compressed = Images(word, 32, "square", jpeg_quality=95)
    assert compressed.preparation == plain.preparation | {"jpeg_quality": 95}
    others = [compressed, Images(word, 32, "square", jpeg_quality=94), plain]
    assert len({images.identity for images in others}) == 3


def test_the_config_key(smooth):
    word, _ = smooth
    changes = {"data.source": word, "data.crop": "square", "data.jpeg_quality": 95}
    config = configs.load("celeba", changes)
    assert open_for_training(config.data).preparation["jpeg_quality"] == 95
    assert configs.load("celeba").data.jpeg_quality == 0
    for wrong in (-1, 101):
        with pytest.raises(UserError, match=f"jpeg_quality = {wrong}"):
            configs.load("celeba", {"data.jpeg_quality": wrong})
    with pytest.raises(UserError, match=r"config\.data\.jpeg_quality"):
        configs.load("billion_word", {"data.jpeg_quality": 95})


def test_prepared_folders(smooth, tmp_path):
    word, _ = smooth

    def make(name, quality):
        return prepare.prepare("lsun", word, tmp_path / name, size=32, jpeg_quality=quality)

    record = make("jpeg", 95)
    assert record == json.loads((tmp_path / "jpeg/prepared.json").read_text(encoding="utf-8"))
    assert record["jpeg_quality"] == 95 and "jpeg_quality" not in make("plain", 0)
    direct = Images(word, 32, "square", jpeg_quality=95)
    [expected] = direct.in_order(9)
    folder = str(tmp_path / "jpeg")
    for images in (Images(folder, 32), Images(folder, 32, "square", jpeg_quality=95)):
        [found] = images.in_order(9)
        np.testing.assert_array_equal(found, expected)  # not compressed twice
        assert images.preparation == direct.preparation
    assert make("jpeg", 95) == record
    for name, quality in (("jpeg", 0), ("jpeg", 75), ("plain", 95)):
        with pytest.raises(UserError, match="was made with jpeg_quality"):
            make(name, quality)


@pytest.mark.parametrize(
    "name, crop, quality", [("jpeg", "square", 0), ("jpeg", "none", 75), ("plain", "none", 95)]
)
def test_another_quality_than_that_of_the_folder(smooth, tmp_path, name, crop, quality):
    word, _ = smooth
    stored = 95 if name == "jpeg" else 0
    prepare.prepare("lsun", word, tmp_path / name, size=32, jpeg_quality=stored)
    words = (
        rf"JPEG quality {stored or 'none'}\n.*JPEG quality {quality or 'none'} "
        r"\(config.data.jpeg_quality\)\n.*config.data.jpeg_quality=0"
    )
    with pytest.raises(UserError, match=words):
        Images(str(tmp_path / name), 32, crop, jpeg_quality=quality)


def test_the_command(smooth, tmp_path, tool):
    word, _ = smooth
    command = ("tools/prepare_data.py", "lsun", "--input", word, "--output")
    process = tool(*command, tmp_path / "made", "--size", 32, "--jpeg", 95)
    assert process.returncode == 0
    assert "config.data.crop is square or none and config.data.jpeg_quality is 95" in (
        process.stdout
    )
    for wrong in ("0", "101", "high"):
        process = tool(*command, tmp_path / "other", "--jpeg", wrong)
        assert process.returncode == 2 and "is not a JPEG quality" in process.stderr
    lines = ("tools/prepare_data.py", "billion_word", "--input", word, "--output")
    assert_refused(tool(*lines, tmp_path / "other", "--jpeg", 95), "an option for images")
    assert not (tmp_path / "other").exists()
