"""Grey images for networks of one channel, against Pillow; and as RGB for everything else."""

import io

import numpy as np
import PIL.Image
import pytest

from tf_ttur.data import channels, order
from tf_ttur.data.images import Images

PIXELS = np.random.default_rng(0).integers(0, 256, (12, 40, 32, 3), np.uint8)
SEED = np.array([1, 2], np.int32)


@pytest.fixture
def word(tmp_path):
    np.save(tmp_path / "images.npy", PIXELS)
    return str(tmp_path / "images.npy")


def grey(image):
    return np.asarray(PIL.Image.fromarray(image).convert("L"))


def first_batch(images, size=12):
    batch = next(iter(images.batches(SEED, 0, 1, size))).numpy()
    return np.rint((batch + 1) * 127.5).astype(np.uint8)


def test_brightness_is_that_of_pillow():
    every = (
        np.stack(np.meshgrid(*[np.arange(0, 256, 5)] * 3), -1).reshape(-1, 1, 3).astype(np.uint8)
    )
    np.testing.assert_array_equal(channels.to_grey(every)[..., 0], grey(every))
    levels = np.repeat(np.arange(256, dtype=np.uint8)[:, None], 3, 1)
    np.testing.assert_array_equal(channels.to_grey(levels)[:, 0], np.arange(256))


@pytest.mark.parametrize("memory_gib", [4.0, 0.0])
def test_networks_get_one_channel_and_measures_three(word, memory_gib):
    images = Images(word, 32, "square", memory_gib, channels=1)
    batch = first_batch(images)
    assert batch.shape == (12, 32, 32, 1)
    expected = np.stack([grey(image)[4:36] for image in PIXELS])
    assert sorted(map(bytes, batch)) == sorted(map(bytes, expected))
    shown = next(images.in_order(12))
    np.testing.assert_array_equal(shown, np.repeat(expected[..., None], 3, -1))
    assert images.shape == (32, 32, 3)
    assert images.preparation["channels"] == "1, used as R, G and B"
    rgb = Images(word, 32, "square")
    assert "channels" not in rgb.preparation
    assert images.identity != rgb.identity and images.fingerprints != rgb.fingerprints


@pytest.mark.parametrize("is_array", [True, False])
def test_only_what_becomes_of_grey_images_is_said(tmp_path, capsys, is_array):
    if is_array:
        np.save(tmp_path / "grey.npy", PIXELS[..., 0])
        source = tmp_path / "grey.npy"
    else:
        source = tmp_path / "grey"
        source.mkdir()
        for number, image in enumerate(PIXELS):
            PIL.Image.fromarray(image).convert("L").save(source / f"{number}.png")
    first_batch(Images(str(source), 32, "square", channels=1))
    assert capsys.readouterr().err == ""
    for _ in range(2):
        first_batch(Images(str(source), 32, "square"))
    assert capsys.readouterr().err.count("12 grey images") == 1


def test_grey_jpeg_is_that_of_pillow(word):
    images = Images(word, 32, "square", jpeg_quality=70, channels=1)
    expected = []
    for image in PIXELS:
        file = io.BytesIO()
        PIL.Image.fromarray(grey(image)[4:36]).save(file, "JPEG", quality=70)
        expected.append(np.asarray(PIL.Image.open(file)))
    np.testing.assert_array_equal(next(images.in_order(12))[..., 1], expected)


def test_grey_images_are_the_same_by_either_way(tmp_path):
    """Stored as one channel, and read as grey: nothing is lost on the way through RGB."""
    one = np.stack([grey(image) for image in PIXELS])
    np.save(tmp_path / "grey.npy", one)
    batch = first_batch(Images(str(tmp_path / "grey.npy"), 32, "square", channels=1))
    assert sorted(map(bytes, batch)) == sorted(map(bytes, one[:, 4:36]))


def test_a_flip_mirrors_half_of_the_images(word):
    plain = first_batch(Images(word, 32, "square"))
    flipped = first_batch(Images(word, 32, "square", flip=True))
    is_mirrored = [not np.array_equal(a, b) for a, b in zip(plain, flipped, strict=True)]
    assert 0 < sum(is_mirrored) < 12
    for before, after, mirrored in zip(plain, flipped, is_mirrored, strict=True):
        picture = PIL.Image.fromarray(before)
        if mirrored:
            picture = picture.transpose(PIL.Image.Transpose.FLIP_LEFT_RIGHT)
        np.testing.assert_array_equal(after, picture)
    unmirrored = Images(word, 32, "square", flip=True)
    np.testing.assert_array_equal(next(unmirrored.in_order(3)), PIXELS[:3, 4:36])


def test_flips_are_a_function_of_the_update_and_the_place_in_it(word):
    images = Images(word, 32, "square", flip=True)

    def batches(first, stride, size, count, wanted=None):
        taken = images.batches(SEED, first, stride, size, wanted).take(count)
        return np.stack(list(taken.as_numpy_iterator()))

    whole = batches(0, 1, 12, 6)
    # Two replicas, and four.
    np.testing.assert_array_equal(batches(0, 2, 6, 12).reshape(whole.shape), whole)
    np.testing.assert_array_equal(batches(0, 4, 3, 24).reshape(whole.shape), whole)
    # A resume, and the second of two workers.
    np.testing.assert_array_equal(batches(4, 1, 12, 2), whole[4:])
    second = batches(0, 2, 6, 3, lambda number: number % 2 == 1)
    np.testing.assert_array_equal(second, whole[:3, 6:])


def test_coins_are_fair_and_differ_from_update_to_update():
    coins = np.stack([order.coins(SEED, np.int64(number), 1, 1000) for number in range(20)])
    assert abs(coins.mean() - 0.5) < 4 * 0.5 / np.sqrt(coins.size)
    agreement = np.corrcoef(coins.astype(float))[np.triu_indices(20, 1)]
    assert abs(agreement).max() < 0.15
