import numpy as np
import pytest
import skimage.filters
import skimage.transform

from tf_ttur.data import disturbances
from tf_ttur.data.disturbances import DISTURBANCES, disturb
from tf_ttur.errors import UserError


@pytest.fixture(scope="module")
def images():
    """Smooth images, which a higher level changes more; images of noise would not show that."""
    noise = np.random.default_rng(0).uniform(-1, 1, (6, 64, 64, 3))
    smooth = np.stack([skimage.filters.gaussian(image, 2, channel_axis=-1) for image in noise])
    return (smooth / np.abs(smooth).max()).astype(np.float32)


@pytest.mark.parametrize("name", DISTURBANCES)
def test_what_all_share(images, name):
    kept = images.copy()
    assert disturb(images, name, 0) is images
    last = 0
    for level in (1, 2, 3):
        result = disturb(images, name, level, seed=3)
        assert result.shape == images.shape and result.dtype == np.float32
        assert np.abs(result).max() <= 1 + 1e-6
        change = np.mean(np.abs(result - images))
        assert change > last
        last = change
        # An image is disturbed in the same way in every batch, and in another way with another
        # seed.
        np.testing.assert_array_equal(
            disturb(images[2:4], name, level, seed=3, first=2), result[2:4]
        )
        assert name == "blur" or not np.array_equal(disturb(images, name, level, seed=4), result)
    np.testing.assert_array_equal(images, kept)


def test_levels_are_the_published_ones():
    assert {name: kind.alphas for name, kind in DISTURBANCES.items()} == {
        "gaussian_noise": (0, 0.25, 0.5, 0.75),
        "blur": (0, 1, 2, 4),
        "rectangles": (0, 0.25, 0.5, 0.75),
        "swirl": (0, 1, 2, 4),
        "salt_and_pepper": (0, 0.1, 0.2, 0.3),
    }


def test_gaussian_noise_fades_to_grey(images):
    noise = (disturb(images, "gaussian_noise", 2) - 0.5 * images) / 0.5
    assert np.std(noise) * 127.5 == pytest.approx(21.5, rel=4 / np.sqrt(2 * noise.size))
    assert abs(np.mean(noise)) < 4 * disturbances.NOISE_STD / np.sqrt(noise.size)


def test_blur_is_that_of_scikit_image(images):
    for level, sigma in ((1, 1), (3, 4)):
        expected = [
            skimage.filters.gaussian(image, sigma, mode="nearest", truncate=4, channel_axis=-1)
            for image in images
        ]
        np.testing.assert_allclose(disturb(images, "blur", level), expected, atol=1e-6)


def test_rectangles():
    images = np.zeros((200, 32, 32, 3), np.float32)
    for level, side in ((1, 8), (2, 16), (3, 24)):
        result = disturb(images, "rectangles", level)
        assert set(np.unique(result)) == {-1, 0}
        black = (result[..., 0] == -1).sum((1, 2))
        assert black.max() <= 5 * side**2
        # A pixel stays free of a square with the share of corners that miss it; five squares are
        # independent.
        places = 32 - side + 1
        corners = np.arange(places)
        pixels = np.arange(32)[:, None]
        covering = ((corners <= pixels) & (pixels < corners + side)).mean(axis=1)
        expected = (1 - (1 - np.outer(covering, covering)) ** 5).sum()
        assert abs(black.mean() - expected) < 4 * black.std() / np.sqrt(len(black))
        # Corners are uniform over all places, the last included.
        top = (result == -1).any((2, 3)).argmax(axis=1)
        assert top.min() == 0 and (result[:, -1] == -1).any()


def test_swirl_turns_the_middle_and_keeps_the_margin(images):
    result = disturb(images, "swirl", 3, seed=1)
    for margin in (np.s_[:, :3], np.s_[:, -4:], np.s_[:, :, :3], np.s_[:, :, -4:]):
        np.testing.assert_array_equal(result[margin], images[margin])
    signs = []
    for image, swirled in zip(images, result, strict=True):
        inner = swirled[3:-4, 3:-4]
        right = skimage.transform.swirl(image, (32, 32), 4, 70)[3:-4, 3:-4]
        left = skimage.transform.swirl(image, (32, 32), -4, 70)[3:-4, 3:-4]
        signs.append((np.array_equal(inner, right), np.array_equal(inner, left)))
    assert set(signs) == {(True, False), (False, True)}
    assert disturbances.original_swirl_radius(64) == 70
    assert disturbances.original_swirl_radius(32) == 25
    assert not np.array_equal(disturb(images, "swirl", 3, seed=1, swirl_radius=25), result)


@pytest.mark.parametrize("radius", [10, 25, 70])
@pytest.mark.parametrize("strength", [1, -2, 4])
@pytest.mark.parametrize("size", [32, 33, 64, 100])
def test_swirl_is_that_of_scikit_image_to_the_bit(size, strength, radius):
    image = np.random.default_rng(size).uniform(-1, 1, (size, size, 3)).astype(np.float32)
    expected = skimage.transform.swirl(image, (size / 2, size / 2), strength, radius)
    sources = disturbances.swirl_sources(size, strength, radius)
    found = disturbances.interpolate(image, sources)
    assert found.dtype == expected.dtype
    np.testing.assert_array_equal(found, expected)


def test_unknown_names_are_refused():
    disturbances.check_names(["blur", "mixed"])
    with pytest.raises(UserError, match="no disturbance fog"):
        disturbances.check_names(["blur", "fog"])


def test_salt_and_pepper_hits_whole_pixels():
    images = np.zeros((20, 64, 64, 3), np.float32)
    pixels = 20 * 64 * 64
    for level, alpha in ((1, 0.1), (2, 0.2), (3, 0.3)):
        result = disturb(images, "salt_and_pepper", level)
        assert (result == result[..., :1]).all()
        hit = result[..., 0] != 0
        assert hit.mean() == pytest.approx(alpha, abs=4 * np.sqrt(alpha * (1 - alpha) / pixels))
        assert result[..., 0][hit].mean() == pytest.approx(0, abs=4 / np.sqrt(hit.sum()))


def test_replacements():
    chosen = {alpha: disturbances.replacements(1000, 7, alpha, seed=1) for alpha in (0, 0.25, 0.75)}
    assert (chosen[0] == -1).all()
    assert (chosen[0.25] >= 0).sum() == 250 and (chosen[0.75] >= 0).sum() == 750
    assert set(chosen[0.75][chosen[0.75] >= 0]) == set(range(7))
    kept = chosen[0.25] >= 0
    np.testing.assert_array_equal(chosen[0.75][kept], chosen[0.25][kept])
