"""The disturbances under which the paper compares the FID with the Inception Score, in four levels
each.

Images are (n, size, size, 3) float32 in -1 ... 1, and come back so; level 0 leaves them as they
are. What is random about an image depends on the seed, the disturbance and the image's number
alone: not on the batch, and not on the level, so that a higher level disturbs the same image more.
Formulas and levels are those of the original code (`FIDvsINC/fidutils.py`); where it and the paper
differ, the code is followed.
"""

import dataclasses
from collections.abc import Callable

import numpy as np
import scipy.ndimage
import skimage.transform

LEVELS = (0, 1, 2, 3)

# The original scales one array of normal noise for the whole data set to -1 ... 1, so that its
# spread depends on the number of images. With the 50,000 published ones it is 21.5 grey levels,
# which is kept here for any number.
NOISE_STD = 21.5 / 127.5

_RECTANGLES = 5
_SWIRL_MARGIN = (
    3,
    4,
)  # pixels that a swirl leaves alone: at the top and left, at the bottom and right


@dataclasses.dataclass(frozen=True)
class Disturbance:
    """One kind of disturbance.

    Attributes:
      title: for figures.
      alphas: the strength at the levels 0 to 3.
      apply: function (images, alpha, generators) -> images, where `generators` holds one
        `np.random.Generator` for each image.
    """

    title: str
    alphas: tuple
    apply: Callable


def disturb(images, name, level, seed=0, first=0, swirl_radius=None):
    """Disturbs images.

    Args:
      images: (n, size, size, 3) float32 in -1 ... 1.
      name: a key of `DISTURBANCES`.
      level: 0, 1, 2 or 3.
      seed: of all random numbers.
      first: number of the first image in its data set.
      swirl_radius: in pixels; None takes `original_swirl_radius`.

    Returns:
      float32 of the same shape.
    """
    if level == 0:
        return images
    number = list(DISTURBANCES).index(name)
    generators = [np.random.default_rng([seed, number, first + i]) for i in range(len(images))]
    kind = DISTURBANCES[name]
    options = (
        {"radius": swirl_radius or original_swirl_radius(images.shape[1])}
        if name == "swirl"
        else {}
    )
    return kind.apply(images, kind.alphas[level], generators, **options).astype(np.float32)


def replacements(num_images, num_others, alpha, seed=0):
    """Which images the disturbance "mixed" replaces by images of another data set, and by which.

    Exactly int(alpha * num_images) images are replaced. The others are drawn with replacement, as
    the paper's 5,000 are too few for its levels. A larger alpha replaces the same images and more.

    Returns:
      (num_images,) int64: -1, or the number of the other image.
    """
    generator = np.random.default_rng([seed, len(DISTURBANCES)])
    order, chosen = (
        generator.permutation(num_images),
        generator.integers(num_others, size=num_images),
    )
    result = np.full(num_images, -1)
    replaced = order[: int(alpha * num_images)]
    result[replaced] = chosen[replaced]
    return result


def original_swirl_radius(size):
    """The radius in pixels that the original code takes: 70 for CelebA's 64 x 64 images (the paper
    says 25), else 25.
    """
    return 70 if size == 64 else 25


def _gaussian_noise(images, alpha, generators):
    noise = np.stack(
        [generator.standard_normal(images.shape[1:], np.float32) for generator in generators]
    )
    return (1 - alpha) * images + alpha * np.clip(NOISE_STD * noise, -1, 1)


def _blur(images, alpha, generators):
    return scipy.ndimage.gaussian_filter(images, (0, alpha, alpha, 0), mode="nearest", truncate=4)


def _rectangles(images, alpha, generators):
    images = images.copy()
    size = images.shape[1]
    side = int(alpha * size)
    for image, generator in zip(images, generators):
        for corner in generator.random((_RECTANGLES, 2)):
            top, left = (corner * (size - side + 1)).astype(int)
            image[top : top + side, left : left + side] = -1
    return images


def _swirl(images, alpha, generators, radius):
    size, (low, high) = images.shape[1], _SWIRL_MARGIN
    inner = slice(low, size - high)
    result = images.copy()
    for image, generator, target in zip(images, generators, result):
        strength = alpha * generator.choice((-1, 1))
        swirled = skimage.transform.swirl(image, (size / 2, size / 2), strength, radius)
        target[inner, inner] = swirled[inner, inner]
    return result


def _salt_and_pepper(images, alpha, generators):
    images = images.copy()
    for image, generator in zip(images, generators):
        hit, salt = generator.random((2, *image.shape[:2]))
        image[hit < alpha] = np.where(salt < 0.5, -1, 1)[hit < alpha][:, None]
    return images


DISTURBANCES = {
    "gaussian_noise": Disturbance("Gaussian noise", (0, 0.25, 0.5, 0.75), _gaussian_noise),
    "blur": Disturbance("Gaussian blur", (0, 1, 2, 4), _blur),
    "rectangles": Disturbance("black rectangles", (0, 0.25, 0.5, 0.75), _rectangles),
    "swirl": Disturbance("swirl", (0, 1, 2, 4), _swirl),
    "salt_and_pepper": Disturbance("salt and pepper", (0, 0.1, 0.2, 0.3), _salt_and_pepper),
}
MIXED_ALPHAS = (0, 0.25, 0.5, 0.75)
