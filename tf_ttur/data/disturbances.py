"""The disturbances under which the paper compares the FID with the Inception Score.

Each has four levels. Images are (n, size, size, 3) float32 in -1 ... 1 before and after; level 0
leaves them unchanged. The random numbers of an image depend on the seed, the disturbance and the
number of the image. They depend neither on the batch nor on the level, so a higher level disturbs
the same image more.

Formulas and levels are those of the original code (`FIDvsINC/fidutils.py`). Where it differs from
the paper, this file follows the code.
"""

import dataclasses
from collections.abc import Callable, Iterable, Sequence

import numpy as np
import scipy.ndimage

from tf_ttur.errors import UserError

LEVELS = (0, 1, 2, 3)

# The original draws one array of normal noise for the whole data set and scales it to -1 ... 1, so
# the standard deviation depends on the number of images. With the 50,000 images of the paper it is
# 21.5 grey levels; this value is used here for any number of images.
NOISE_STD = 21.5 / 127.5

MIXED = "mixed"  # replaces images by those of another data set, see `replacements`
MIXED_ALPHAS = (0, 0.25, 0.5, 0.75)

_RECTANGLES = 5
# Pixels that a swirl leaves alone: at the top and left, and at the bottom and right.
_SWIRL_MARGIN = (3, 4)

Generators = Sequence[np.random.Generator]


@dataclasses.dataclass(frozen=True)
class Disturbance:
    """One kind of disturbance.

    Attributes:
      title: for figures.
      alphas: the strength at the levels 0 to 3.
      apply: function (images, alpha, generators, radius) -> images. `generators` holds one
        `np.random.Generator` per image; `radius` is that of a swirl, in pixels.
    """

    title: str
    alphas: tuple[float, ...]
    apply: Callable[[np.ndarray, float, Generators, float], np.ndarray]


def disturb(
    images: np.ndarray,
    name: str,
    level: int,
    seed: int = 0,
    first: int = 0,
    swirl_radius: float | None = None,
) -> np.ndarray:
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
    radius = swirl_radius or original_swirl_radius(images.shape[1])
    return kind.apply(images, kind.alphas[level], generators, radius).astype(np.float32)


def replacements(num_images: int, num_others: int, alpha: float, seed: int = 0) -> np.ndarray:
    """Which images the disturbance "mixed" replaces, and by which image of the other data set.

    Exactly int(alpha * num_images) images are replaced. The replacements are drawn with
    replacement, because the 5,000 other images of the paper are too few for its levels. A larger
    alpha replaces the same images and more.

    Args:
      num_images: images to be disturbed.
      num_others: images of the other data set.
      alpha: the share to replace, 0 ... 1.
      seed: of all random numbers.

    Returns:
      (num_images,) int64: the number of the replacement, or -1 if the image stays.
    """
    generator = np.random.default_rng([seed, len(DISTURBANCES)])
    order = generator.permutation(num_images)
    others = generator.integers(num_others, size=num_images)
    result = np.full(num_images, -1)
    replaced = order[: int(alpha * num_images)]
    result[replaced] = others[replaced]
    return result


def original_swirl_radius(size: int) -> int:
    """The radius in pixels that the original code uses.

    It is 70 for 64 x 64 images such as CelebA's, although the paper says 25, and 25 for all others.
    """
    return 70 if size == 64 else 25


def check_names(names: Iterable[str]) -> None:
    """Raises `UserError` if one of these names is not a disturbance."""
    allowed = [*DISTURBANCES, MIXED]
    unknown = sorted(set(names) - set(allowed))
    if unknown:
        found = f"there is no disturbance {', '.join(unknown)}"
        raise UserError(found, ", ".join(allowed), "correct --only")


def _gaussian_noise(
    images: np.ndarray, alpha: float, generators: Generators, _: float
) -> np.ndarray:
    noise = np.stack(
        [generator.standard_normal(images.shape[1:], np.float32) for generator in generators]
    )
    return (1 - alpha) * images + alpha * np.clip(NOISE_STD * noise, -1, 1)


def _blur(images: np.ndarray, alpha: float, generators: Generators, _: float) -> np.ndarray:
    return scipy.ndimage.gaussian_filter(images, (0, alpha, alpha, 0), mode="nearest", truncate=4)


def _rectangles(images: np.ndarray, alpha: float, generators: Generators, _: float) -> np.ndarray:
    images = images.copy()
    size = images.shape[1]
    side = int(alpha * size)
    for image, generator in zip(images, generators, strict=True):
        for corner in generator.random((_RECTANGLES, 2)):
            top, left = (corner * (size - side + 1)).astype(int)
            image[top : top + side, left : left + side] = -1
    return images


def _swirl(images: np.ndarray, alpha: float, generators: Generators, radius: float) -> np.ndarray:
    size = images.shape[1]
    low, high = _SWIRL_MARGIN
    inner = slice(low, size - high)
    sources = {sign: swirl_sources(size, sign * alpha, radius) for sign in (-1, 1)}
    result = images.copy()
    for image, generator, target in zip(images, generators, result, strict=True):
        swirled = interpolate(image, sources[int(generator.choice((-1, 1)))])
        target[inner, inner] = swirled[inner, inner]
    return result


def swirl_sources(size: int, strength: float, radius: float) -> np.ndarray:
    """The position in the original image that each pixel of a swirled image comes from.

    The source of a point at distance rho from the centre (size / 2, size / 2) is that point,
    rotated about the centre by strength exp(-rho / r), with r = radius ln(2) / 5. This is the
    definition of `skimage.transform.swirl` (scikit-image 0.26), which the original code calls.

    Args:
      size: height and width of the image in pixels.
      strength: the angle at the centre, in radians.
      radius: distance in pixels at which the swirl has nearly vanished.

    Returns:
      (2, size, size) float64: row and column of each pixel's source.
    """
    centre = size / 2
    y, x = np.indices((size, size), dtype=np.float64) - centre
    rho = np.sqrt(x**2 + y**2)
    angle = strength * np.exp(-rho / (radius / 5 * np.log(2))) + np.arctan2(y, x)
    return np.stack([centre + rho * np.sin(angle), centre + rho * np.cos(angle)])


def interpolate(image: np.ndarray, sources: np.ndarray) -> np.ndarray:
    """Interpolates an image bilinearly at given positions; the image is mirrored at its edges.

    The result equals that of `skimage.transform.warp` with mode "reflect" and order 1 bit for bit.

    Args:
      image: (size, size, channels) floats.
      sources: (2, size, size) positions, as `swirl_sources` returns them.

    Returns:
      An array of the image's shape and dtype, within the range of the image.
    """
    channels = [
        scipy.ndimage.map_coordinates(image[..., channel], sources, order=1, mode="mirror")
        for channel in range(image.shape[-1])
    ]
    return np.clip(np.stack(channels, axis=-1), image.min(), image.max())


def _salt_and_pepper(
    images: np.ndarray, alpha: float, generators: Generators, _: float
) -> np.ndarray:
    images = images.copy()
    for image, generator in zip(images, generators, strict=True):
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
