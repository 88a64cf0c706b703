"""What `tf_ttur.metrics` offers to Python programs, and the forms that images may have there."""

import warnings

import numpy as np
import tensorflow as tf

from tf_ttur.data import QUANTISATIONS
from tf_ttur.data.quantisation import quantise
from tf_ttur.errors import UserError
from tf_ttur.io import console
from tf_ttur.metrics import extraction, inception, measures
from tf_ttur.metrics.inception import load as load_inception  # noqa: F401
from tf_ttur.metrics.statistics import Statistics
from tf_ttur.metrics.statistics import load as load_statistics  # noqa: F401

_FAR = 4  # Generators without a tanh go beyond 1, but not this far.


def evaluate(
    generated,
    real,
    network=None,
    names=("fid",),
    num_images=50_000,
    batch_size=100,
    quantisation="round",
    seed=0,
    allow_mixed=False,
):
    """Measures of generated images against real ones, from one pass over the images of each side.

    Args:
      generated, real: images in any of the forms above, or `Statistics`.
      network: what `load_inception` gives; None loads the original one if there are images.
      names: of "fid", "fid_inf", "kid", "is" and "prdc".
      num_images: how many to draw from a function.
      batch_size: images that go through the network, and are drawn from a function, at a time.
      quantisation: how floats in -1 ... 1 become 0 ... 255: "round" as in files, "truncate" or
        "float" (`quantisation.quantise`).
      seed: of the blocks of KID.
      allow_mixed: whether to compare features of different precision, which moves the distance.

    Returns:
      {name of a value: dict with value, and where known standard_error, low and high (95 %
      interval)}. "is" gives inception_score, with the std of its ten parts too; "prdc" gives
      precision, recall, density and coverage.

    Raises:
      UserError: sides that do not belong together, images that cannot be used, or too few of them
        for a measure.
    """
    names = names.split(",") if isinstance(names, str) else list(names)
    measures.check(names, *[not isinstance(side, Statistics) for side in (generated, real)])
    opened = _open({"generated": generated, "real": real}, num_images, batch_size, quantisation)
    sides = _collect(names, opened, network, allow_mixed)
    return measures.measure(names, measures.network_name(sides), *sides, seed)


def compare(
    first,
    second,
    reference,
    network=None,
    num_images=50_000,
    batch_size=100,
    quantisation="round",
    allow_mixed=False,
):
    """Whether the first images are nearer to the reference, by their Fréchet distance, than the
    second ones.

    Args:
      first, second: images in any of the forms above.
      reference: the same, or `Statistics`.
      network, num_images, batch_size, quantisation, allow_mixed: as in `evaluate`.

    Returns:
      dict: answer ("yes", "no", or "inconclusive" where the 95 % interval of the difference holds
        0), difference (first minus second),
      corrected (whether for the numbers of images), standard_error, low, high.

    Raises:
      UserError: as of `evaluate`; or unequal numbers of images too small for the correction.
    """
    if isinstance(first, Statistics) or isinstance(second, Statistics):
        raise UserError(
            "statistics of one of the two",
            "images of both, as statistics do not tell how sure they are",
            "pass the images",
        )
    opened = _open(
        {"first": first, "second": second, "reference": reference},
        num_images,
        batch_size,
        quantisation,
    )
    network = network or inception.load()
    measures.can_compare(
        network.dimension, *[getattr(side, "num_images", None) for _, side in opened]
    )
    return measures.compare(*_collect(["fid"], opened, network, allow_mixed))


def compute_statistics(
    images, network=None, num_images=50_000, batch_size=100, quantisation="round"
):
    """Mean and covariance of the features of images.

    Args:
      images: in any of the forms above.
      network, num_images, batch_size, quantisation: as in `evaluate`.

    Returns:
      `Statistics`, which has `save`.

    Raises:
      UserError: images that cannot be used.
    """
    return _extract(
        _Images("images", images, num_images, batch_size, quantisation), network or inception.load()
    )


def _open(sides, *how):
    """[(name, `Statistics` or `_Images`)]"""
    return [
        (name, side if isinstance(side, Statistics) else _Images(name, side, *how))
        for name, side in sides.items()
    ]


def _collect(names, opened, network, allow_mixed):
    images = [side for _, side in opened if isinstance(side, _Images)]
    if images and not network:
        network = inception.load()
    shapes = [
        side.shape if isinstance(side, _Images) else side.provenance.get("image_shape")
        for _, side in opened
    ]

    def extract(side, observers):
        # What a function draws has the shape of the other side from its first batch on, or is
        # refused.
        side.shape = side.shape or next((tuple(shape) for shape in shapes if shape), None)
        made = _extract(side, network, observers)
        shapes.append(made.provenance["image_shape"])
        return made

    return measures.collect(names, opened, network, extract, allow_mixed)


def _extract(images, network, observers=()):
    batches = console.track(images, f"statistics of {images.name}", images.known_number)
    return extraction.compute(batches, network, images.provenance, images.name, observers=observers)


class _Images:
    """Batches of images from an array, a data set or a function.

    Attributes:
      shape: (height, width, 3), or None where only the images will tell.
      known_number: of images, or None for a data set that has not been counted.
      provenance: dict with source and quantisation, which is known after the first batch.
    """

    def __init__(self, name, images, num_images, batch_size, quantisation):
        for what, number in (("num_images", num_images), ("batch_size", batch_size)):
            if not isinstance(number, int | np.integer) or number < 1:
                raise UserError(f"{what} {number!r}", "a whole number above 0", f"correct {what}")
        if quantisation not in QUANTISATIONS:
            raise UserError(
                f"quantisation {quantisation!r}", ", ".join(QUANTISATIONS), "correct quantisation"
            )
        self.name, self._quantisation = name, quantisation
        if isinstance(images, tf.data.Dataset):
            form, (self._batches, self.known_number, self.shape) = (
                "data set",
                _of_data_set(name, images, batch_size),
            )
        elif callable(images):
            form, self.known_number, self.shape = "function", num_images, None
            self._batches = lambda: _of_function(name, images, num_images, batch_size)
        else:
            images = np.asarray(images)
            _check(name, images)
            form, self.known_number, self.shape = "array", len(images), images.shape[1:]
            self._batches = lambda: (
                images[first : first + batch_size] for first in range(0, len(images), batch_size)
            )
        self.provenance = {"source": f"{name}: {form}", "quantisation": "uint8"}

    @property
    def num_images(self):
        """How many. A data set that does not know it is counted, which takes a pass over it."""
        if self.known_number is None:
            console.STDERR.print(f"counting the images of {self.name}")
            self.known_number = sum(map(len, self._batches()))
        return self.known_number

    def __iter__(self):
        """Yields (n, height, width, 3) arrays in 0 ... 255: uint8, or float32 where the
        quantisation is "float".
        """
        found = 0
        for batch in self._batches():
            _check(self.name, batch, self.shape)
            found += len(batch)
            self._check_number(found <= (self.known_number or found), found)
            self.shape = batch.shape[1:]
            yield batch if batch.dtype == np.uint8 else self._quantise(batch)
        self._check_number(found == (self.known_number or found), found)

    def _check_number(self, is_right, found):
        if not is_right:
            cure = "take() a fixed number of them, or cache() it"
            raise UserError(
                f"{self.name}: {found} images, where there were {self.known_number} before",
                "a data set that gives as many each time",
                cure,
            )

    def _quantise(self, batch):
        if self.provenance["quantisation"] == "uint8":
            self.provenance["quantisation"] = self._quantisation
            if batch.min() >= 0:
                warnings.warn(
                    f"{self.name}: the first floats are all above 0. They are taken as of -1 ... 1: if they are of 0 ... 1, scale them",
                    stacklevel=2,
                )
        images = quantise(batch, self._quantisation).numpy()
        return images if self._quantisation == "float" else images.astype(np.uint8)


def _of_data_set(name, images, batch_size):
    """(function that gives the batches, number of images or None, their shape or None)"""
    spec = images.element_spec
    rank = spec.shape.rank if isinstance(spec, tf.TensorSpec) else None
    if rank not in (3, 4):
        raise UserError(
            f"{name}: a data set of {spec}",
            "images (height, width, 3) alone, or batches of them",
            "leave out the rest with map",
        )
    count = int(images.cardinality())
    if count == tf.data.INFINITE_CARDINALITY:
        raise UserError(
            f"{name}: a data set without an end",
            "one that ends",
            "take() as many as are to be measured",
        )
    batches = images.batch(batch_size) if rank == 3 else images.rebatch(batch_size)
    shape = spec.shape[-3:]
    return (
        batches.prefetch(tf.data.AUTOTUNE).as_numpy_iterator,
        count if rank == 3 and count != tf.data.UNKNOWN_CARDINALITY else None,
        tuple(shape) if shape.is_fully_defined() else None,
    )


def _of_function(name, draw, num_images, batch_size):
    """Always draws whole batches, since some generators normalise by the batch."""
    for first in range(0, num_images, batch_size):
        drawn = np.asarray(draw(batch_size))
        if drawn.shape[:1] != (batch_size,):
            raise UserError(
                f"{name}: an array of shape {drawn.shape} for {batch_size} images",
                f"({batch_size}, height, width, 3)",
                "correct the function",
            )
        yield drawn[: num_images - first]


def _check(name, images, shape=None):
    if images.ndim != 4 or images.shape[-1] != 3 or not images.size:
        raise UserError(
            f"{name}: images of shape {images.shape}",
            "(n, height, width, 3)",
            "pass RGB images, channels last",
        )
    if shape and images.shape[1:] != shape:
        raise UserError(
            f"{name}: images of shape {images.shape[1:]}, after others of {shape}",
            "one size on both sides",
            "resize them",
        )
    if images.dtype == np.uint8:
        return
    expected = "uint8 in 0 ... 255, or floats in -1 ... 1"
    if not tf.as_dtype(images.dtype).is_floating:
        raise UserError(f"{name}: images of type {images.dtype}", expected, "convert them")
    low, high = images.min(), images.max()
    if not (-_FAR <= low and high <= _FAR):  # also where there is a NaN
        raise UserError(
            f"{name}: floats from {low} to {high}",
            expected,
            "scale them; what is a little beyond is cut",
        )
