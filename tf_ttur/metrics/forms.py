"""The forms that images may have in `metrics.evaluate`: an array, a data set, or a function."""

import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from tf_ttur.data import QUANTISATIONS
from tf_ttur.data.quantisation import quantise
from tf_ttur.errors import UserError
from tf_ttur.io import console
from tf_ttur.metrics import extraction
from tf_ttur.metrics.networks import FeatureNetwork
from tf_ttur.metrics.statistics import Statistics

# Floats may go this far beyond 0: generators without a tanh go beyond 1, but not this far.
_FAR = 4

Shape = tuple[int, ...]


class _Form(NamedTuple):
    """Images in one of the forms.

    Attributes:
      kind: the name of the form.
      batches: function that gives the batches from the start.
      number: of images; None for a data set that does not know it.
      shape: (height, width, 3); None where only the images will tell.
    """

    kind: str
    batches: Callable[[], Iterable[np.ndarray]]
    number: int | None
    shape: Shape | None


class GivenImages:
    """Batches of images from an array, a data set or a function; a `sides.ImageSet`.

    Args:
      name: how messages call them.
      images: the images.
      num_images: how many are drawn from a function.
      batch_size: images in a batch.
      quantisation: what becomes of floats, as in `quantise`.

    Attributes:
      name: as given.
      shape: (height, width, 3); None where only the images will tell.
      known_number: of images; None for a data set that has not been counted.
      provenance: dict with source and quantisation, complete after the first batch.

    Raises:
      UserError: images or settings that cannot be used.
    """

    def __init__(
        self, name: str, images: Any, num_images: int, batch_size: int, quantisation: str
    ) -> None:
        for what, number in (("num_images", num_images), ("batch_size", batch_size)):
            if not isinstance(number, int | np.integer) or number < 1:
                raise UserError(f"{what} {number!r}", "a whole number above 0", f"correct {what}")
        if quantisation not in QUANTISATIONS:
            raise UserError(
                f"quantisation {quantisation!r}", ", ".join(QUANTISATIONS), "correct quantisation"
            )
        if isinstance(images, tf.data.Dataset):
            form = _of_data_set(name, images, batch_size)
        elif callable(images):
            form = _of_function(name, images, num_images, batch_size)
        else:
            form = _of_array(name, images, batch_size)
        self.name = name
        self.shape = form.shape
        self.known_number = form.number
        self.provenance = {"source": f"{name}: {form.kind}", "quantisation": "uint8"}
        self._batches = form.batches
        self._quantisation = quantisation

    @property
    def num_images(self) -> int:
        """How many. A data set that does not know it is counted, which takes a pass over it."""
        if self.known_number is None:
            console.say(f"counting the images of {self.name}")
            self.known_number = sum(map(len, self._batches()))
        return self.known_number

    def statistics(
        self,
        network: FeatureNetwork,
        observers: Sequence[extraction.Observer] = (),
        shape: Shape | None = None,
    ) -> Statistics:
        """As of `sides.ImageSet`."""
        self.shape = self.shape or shape
        batches = console.track(self, f"statistics of {self.name}", self.known_number)
        return extraction.compute(batches, network, self.provenance, self.name, observers=observers)

    def __iter__(self) -> Iterator[np.ndarray]:
        """Yields (n, height, width, 3) arrays in 0 ... 255.

        They are uint8, or float32 where floats come and the quantisation is "float".
        """
        count = 0
        for batch in self._batches():
            _check(self.name, batch, self.shape)
            count += len(batch)
            if self.known_number is not None and count > self.known_number:
                raise self._changed(count)
            self.shape = batch.shape[1:]
            yield batch if batch.dtype == np.uint8 else self._quantise(batch)
        if self.known_number is not None and count != self.known_number:
            raise self._changed(count)

    def _changed(self, count: int) -> UserError:
        return UserError(
            f"{self.name}: {count} images, where there were {self.known_number} before",
            "a data set that gives the same number each time",
            "take() a fixed number of them, or cache() it",
        )

    def _quantise(self, batch: np.ndarray) -> np.ndarray:
        if self.provenance["quantisation"] == "uint8":  # at the first floats
            self.provenance["quantisation"] = self._quantisation
            if batch.min() >= 0:
                warnings.warn(
                    f"{self.name}: the first floats are all above 0. They are taken as of "
                    "-1 ... 1: if they are of 0 ... 1, scale them",
                    stacklevel=2,
                )
        images = quantise(batch, self._quantisation).numpy()
        return images if self._quantisation == "float" else images.astype(np.uint8)


def _of_array(name: str, images: Any, batch_size: int) -> _Form:
    array = np.asarray(images)
    _check(name, array)
    starts = range(0, len(array), batch_size)
    return _Form(
        "array",
        lambda: (array[first : first + batch_size] for first in starts),
        len(array),
        array.shape[1:],
    )


def _of_data_set(name: str, images: tf.data.Dataset, batch_size: int) -> _Form:
    spec = images.element_spec
    rank = spec.shape.rank if isinstance(spec, tf.TensorSpec) else None
    if rank not in (3, 4):
        raise UserError(
            f"{name}: a data set of {spec}",
            "images (height, width, 3) alone, or batches of them",
            "leave out the rest with map",
        )
    cardinality = int(images.cardinality())
    if cardinality == tf.data.INFINITE_CARDINALITY:
        raise UserError(
            f"{name}: a data set without an end",
            "one that ends",
            "take() as many as are to be measured",
        )
    batches = images.batch(batch_size) if rank == 3 else images.rebatch(batch_size)
    is_known = rank == 3 and cardinality != tf.data.UNKNOWN_CARDINALITY
    shape = spec.shape[-3:]
    return _Form(
        "data set",
        batches.prefetch(tf.data.AUTOTUNE).as_numpy_iterator,
        cardinality if is_known else None,
        tuple(shape) if shape.is_fully_defined() else None,
    )


def _of_function(name: str, draw: Callable[[int], Any], num_images: int, batch_size: int) -> _Form:
    """Always draws whole batches, since some generators normalise over the batch."""

    def batches() -> Iterator[np.ndarray]:
        for first in range(0, num_images, batch_size):
            drawn = np.asarray(draw(batch_size))
            if drawn.shape[:1] != (batch_size,):
                raise UserError(
                    f"{name}: an array of shape {drawn.shape} for {batch_size} images",
                    f"({batch_size}, height, width, 3)",
                    "correct the function",
                )
            yield drawn[: num_images - first]

    return _Form("function", batches, num_images, None)


def _check(name: str, images: np.ndarray, shape: Shape | None = None) -> None:
    """Refuses what are no images, or images of another shape. Raises `UserError`."""
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
    low = images.min()
    high = images.max()
    if not (low >= -_FAR and high <= _FAR):  # also where there is a NaN
        raise UserError(
            f"{name}: floats from {low} to {high}",
            expected,
            "scale them; what is a little beyond is cut",
        )
