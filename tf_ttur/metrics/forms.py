"""The forms that images may have in `metrics.evaluate`, apart from words and statistics."""

import inspect
import pathlib
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from multiprocessing.pool import ThreadPool
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from tf_ttur.data import passed, pillow, ranges
from tf_ttur.data.images import strict_options
from tf_ttur.data.quantisation import to_levels
from tf_ttur.data.resizing import cure_of_sizes
from tf_ttur.errors import UserError
from tf_ttur.io import console
from tf_ttur.metrics import extraction
from tf_ttur.metrics.networks import FeatureNetwork
from tf_ttur.metrics.settings import NUM_IMAGES, Settings
from tf_ttur.metrics.statistics import Statistics
from tf_ttur.wording import counted

Shape = tuple[int, ...]

_CHUNK = 1000  # images of an array whose values are counted at a time
_EXPECTED = (
    "a word or path, an array (n, height, width, 3), a tf.data.Dataset, an iterable of batches, "
    "a function of the number of images, a Keras model, or Statistics"
)
_IMAGES_ALONE = "images (n, height, width, 3) alone, or one image (height, width, 3)"


class _Form(NamedTuple):
    """Images in one of the forms.

    Attributes:
      kind: the name of the form.
      batches: function that gives the batches from the start.
      number: of images; None where only the images will tell.
      shape: (height, width, 3); None where only the images will tell.
      once: whether `batches` can be called only once.
      is_judged: whether the values have been checked already.
    """

    kind: str
    batches: Callable[[], Iterable[np.ndarray]]
    number: int | None = None
    shape: Shape | None = None
    once: bool = False
    is_judged: bool = False


class GivenImages:
    """Batches of the images that a Python program passes; a `sides.ImageSet`.

    Args:
      name: how messages call them.
      images: the images.
      settings: how they are read.

    Attributes:
      name: as given.
      shape: (height, width, 3); None where only the images will tell.
      known_number: of images; None where they have not been counted.
      provenance: dict with source, quantisation, and of floats value_range; complete after the
        first batch.

    Raises:
      UserError: images that cannot be used.
    """

    def __init__(self, name: str, images: Any, settings: Settings) -> None:
        self._settings = settings
        form = _form_of(name, images, settings)
        self.name = name
        self.shape: Shape | None = settings.shape
        if self.shape is None and form.shape is not None:
            self.shape = (*form.shape[:2], 3)
        self.known_number = form.number
        self.provenance: dict[str, Any] = {
            "source": f"{name}: {form.kind}",
            "quantisation": "uint8",
        }
        if self.resizing is not None:
            self.provenance["resizing"] = self.resizing
        self._form = form
        self._kept: _Kept | None = None

    @property
    def resizing(self) -> Mapping[str, Any] | None:
        """As of `sides.ImageSet`."""
        resizing = self._settings.resizing
        return None if resizing is None else resizing.record

    @property
    def num_images(self) -> int:
        """How many. Where it is not known they are counted, which takes a pass over them.

        Images that can be read only once are kept in a temporary file on that pass.
        """
        if self.known_number is not None:
            return self.known_number
        if self._form.once:
            console.say(f"counting the images of {self.name}, and keeping them in a temporary file")
            self._kept = _Kept(self)
            self.known_number = self._kept.num_images
        else:
            console.say(f"counting the images of {self.name}")
            self.known_number = sum(map(len, self._form.batches()))
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

        They are uint8, or float32 where floats come and the quantisation is neither "round" nor
        "truncate".
        """
        count = 0
        for batch in self._of_one_size() if self._kept is None else self._kept:
            count += len(batch)
            if self.known_number is not None and count > self.known_number:
                raise self._changed(count)
            yield batch
        if self.known_number is not None and count != self.known_number:
            raise self._changed(count)

    def _of_one_size(self) -> Iterator[np.ndarray]:
        """The batches in 0 ... 255, resized where that is wanted."""
        if not self._settings.resizings:
            yield from self._converted()
            return
        with ThreadPool() as pool:  # Pillow works in several threads at once

            def resize(batch: np.ndarray) -> np.ndarray:
                return np.stack(pool.map(self._resized, batch))

            yield from _rebatch(map(resize, self._converted()), self._settings.batch_size)

    def _resized(self, image: np.ndarray) -> np.ndarray:
        for resizing in self._settings.resizings:
            image = pillow.resized(image, resizing)
        return image

    def _converted(self) -> Iterator[np.ndarray]:
        """The batches, checked and in 0 ... 255."""
        tally = ranges.Tally()
        value_range = self._settings.value_range
        resizes = bool(self._settings.resizings)
        grey = 0
        for batch in self._form.batches():
            _check(self.name, batch, None if resizes else self.shape)
            if batch.shape[-1] == 1:  # as the grey images of files
                batch = np.repeat(batch, 3, axis=-1)
                grey += len(batch)
                self.provenance["grey"] = grey
            if not self._form.is_judged:
                before = tally.images
                tally.add(self.name, batch, value_range)
                if before < ranges.EARLY <= tally.images:
                    ranges.judge(self.name, tally, value_range)
            if not resizes:
                self.shape = batch.shape[1:]
            yield batch if batch.dtype == np.uint8 else self._quantise(batch)
        if tally.images > 1:  # fewer are refused for that
            ranges.judge(self.name, tally, value_range)

    def _changed(self, count: int) -> UserError:
        return UserError(
            f"{self.name}: {counted(count, 'image')}, where there were {self.known_number} before",
            "images that give the same number each time",
            "take() a fixed number of them, or cache() it",
        )

    def _quantise(self, batch: np.ndarray) -> np.ndarray:
        quantisation = self._settings.quantisation
        self.provenance["quantisation"] = quantisation
        self.provenance["value_range"] = list(self._settings.value_range or (-1, 1))
        images = to_levels(batch, self._settings.value_range, quantisation).numpy()
        # A function of the user's own may give fractions.
        return images.astype(np.uint8) if quantisation in ("round", "truncate") else images


class _Kept:
    """Batches of images in a temporary file, for images that can be read only once."""

    def __init__(self, batches: GivenImages) -> None:
        self.num_images = 0
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as this object
        self._num_batches = 0
        for batch in batches:
            np.save(self._file, batch)
            self._num_batches += 1
            self.num_images += len(batch)

    def __iter__(self) -> Iterator[np.ndarray]:
        self._file.seek(0)
        for _ in range(self._num_batches):
            yield np.load(self._file)


def _form_of(name: str, images: Any, settings: Settings) -> _Form:
    if isinstance(images, tf.data.Dataset):
        return _of_data_set(name, images, settings)
    if callable(images) and hasattr(images, "get_weights") and not isinstance(images, type):
        return _of_model(name, images, settings)
    if hasattr(images, "state_dict") and hasattr(images, "forward"):
        raise UserError(
            f"{name}: a PyTorch module ({passed.describe(images)})",
            _EXPECTED,
            "pass a function of the number of images that calls it and returns an array",
        )
    items = _batches_in_list(images)
    if items is not None:
        return _of_iterable(name, "list of batches", lambda: items, settings)
    array = passed.to_array(images)
    if array is not None:
        return _of_array(name, array, settings)
    if settings.resizings and _are_images(images):
        return _of_iterable(name, "list of images", lambda: images, settings)
    if isinstance(images, str | bytes | type | Mapping | list | tuple) or images is None:
        raise _refusal(name, images)
    if callable(images):
        return _of_function(name, images, settings)
    if hasattr(images, "num_batches") or not hasattr(images, "__iter__"):
        if hasattr(images, "__getitem__") and hasattr(images, "__len__"):
            return _of_sequence(name, images, settings)
        if not hasattr(images, "__iter__"):
            raise _refusal(name, images)
    once = hasattr(images, "__next__")
    return _of_iterable(name, "iterator" if once else "loader", lambda: images, settings, once)


def _refusal(name: str, images: Any) -> UserError:
    cure = "pass one of these"
    if isinstance(images, Mapping):
        cure = "pass the entry that holds the images"
    elif isinstance(images, list | tuple) and images:
        arrays = [passed.to_array(item) for item in images]
        shapes = {array.shape for array in arrays if array is not None and array.ndim == 3}
        if len(shapes) > 1:
            sides = [side for shape in shapes for side in shape[:2]]
            cure = f"images of {len(shapes)} sizes: {cure_of_sizes(min(sides))}"
        elif arrays[0] is not None and arrays[0].ndim == 4:
            cure = "pass the images alone, without labels"
        elif isinstance(images[0], str | pathlib.PurePath):
            cure = "read the files, or pass the folder that holds them"
    return UserError(f"{name}: {passed.describe(images)}", _EXPECTED, cure)


def _batches_in_list(images: Any) -> list | None:
    """The list of batches (n, height, width, channels) that this is; None for anything else."""
    if not isinstance(images, list) or not images:
        return None
    arrays = [passed.to_array(item) for item in images]
    return arrays if all(array is not None and array.ndim == 4 for array in arrays) else None


def _are_images(images: Any) -> bool:
    """Whether this is a list of single images, which may have several sizes."""
    if not isinstance(images, list | tuple) or not images:
        return False
    arrays = map(passed.to_array, images)
    return all(array is not None and array.ndim == 3 for array in arrays)


def _of_array(name: str, array: np.ndarray, settings: Settings) -> _Form:
    if array.ndim == 3 and array.shape[-1] not in (1, 3):  # grey images without an axis for them
        array = array[..., np.newaxis]
    _check(name, array)
    tally = ranges.Tally()
    for first in range(0, len(array), _CHUNK):
        tally.add(name, array[first : first + _CHUNK], settings.value_range)
    ranges.judge(name, tally, settings.value_range)
    starts = range(0, len(array), settings.batch_size)
    return _Form(
        "array",
        lambda: (array[first : first + settings.batch_size] for first in starts),
        len(array),
        array.shape[1:],
        is_judged=True,
    )


def _of_data_set(name: str, images: tf.data.Dataset, settings: Settings) -> _Form:
    spec = images.element_spec
    rank = spec.shape.rank if isinstance(spec, tf.TensorSpec) else None
    if rank not in (3, 4):
        raise UserError(
            f"{name}: a data set of {spec}",
            "images (height, width, 3) alone, or batches of them",
            "leave out the rest with map, such as data_set.map(lambda images, labels: images)",
        )
    cardinality = int(images.cardinality())
    if cardinality == tf.data.INFINITE_CARDINALITY:
        raise UserError(
            f"{name}: a data set without an end",
            "one that ends",
            "take() as many as are to be measured",
        )
    size = settings.batch_size
    if settings.resizings and rank == 3:
        size = 1  # they may have several sizes; batches are made when they have one
    batched = images.batch(size) if rank == 3 else images.rebatch(size)
    batched = batched.prefetch(tf.data.AUTOTUNE).with_options(strict_options())

    def batches() -> Iterator[np.ndarray]:
        try:
            yield from batched.as_numpy_iterator()
        except tf.errors.InvalidArgumentError as error:
            if "different shapes" not in str(error):
                raise  # an error in the user's own functions
            raise UserError(
                f"{name}: a data set of images of several sizes",
                "one size",
                cure_of_sizes(64),
            ) from error

    is_known = rank == 3 and cardinality != tf.data.UNKNOWN_CARDINALITY
    shape = spec.shape[-3:]
    return _Form(
        "data set",
        batches,
        cardinality if is_known else None,
        tuple(shape) if shape.is_fully_defined() else None,
    )


def _of_iterable(
    name: str,
    kind: str,
    iterate: Callable[[], Iterable[Any]],
    settings: Settings,
    once: bool = False,
) -> _Form:
    """Batches, or single images, of a list, a loader or an iterator.

    Of an iterator, which may have no end, the first `num_images` are taken if the user says so.
    """
    limit = settings.num_images if once else None

    def batches() -> Iterator[np.ndarray]:
        arrays = _arrays(name, iterate(), settings.batch_size)
        yield from _rebatch(_first(name, arrays, limit), settings.batch_size)

    return _Form(kind, batches, limit, once=once)


def _of_sequence(name: str, images: Any, settings: Settings) -> _Form:
    """What has a length and items, such as a `keras.utils.PyDataset`."""
    count = getattr(images, "num_batches", len(images))
    if not isinstance(count, int | np.integer):
        raise UserError(
            f"{name}: {passed.describe(images)} without an end",
            "one that ends",
            "pass an iterator over it and num_images",
        )
    kind = type(images).__name__
    return _of_iterable(name, kind, lambda: map(images.__getitem__, range(count)), settings)


def _of_function(name: str, draw: Callable[[int], Any], settings: Settings) -> _Form:
    """Always draws whole batches, since some generators normalise over the batch."""
    try:
        inspect.signature(draw).bind(settings.batch_size)
    except ValueError:
        pass  # some built-in functions do not tell
    except TypeError as error:
        raise UserError(
            f"{name}: a function that cannot be called with the number of images ({error})",
            "a function of one number that returns as many images",
            "such as lambda count: generator(tf.random.normal((count, 128)))",
        ) from error
    return _drawn(name, "function", lambda: draw, settings)


def _of_model(name: str, model: Any, settings: Settings) -> _Form:
    """A Keras model that makes images of latents."""
    shape = _latent_shape(name, model, settings.latent_size)

    def start() -> Callable[[int], Any]:
        # Each side has its own latents, and the same ones each time.
        random = np.random.default_rng([settings.seed, *name.encode()])

        def draw(count: int) -> Any:
            if settings.latent == "normal":
                latents = random.standard_normal((count, *shape), np.float32)
            else:
                latents = random.uniform(-1, 1, (count, *shape)).astype(np.float32)
            return model(latents, training=False)

        return draw

    dimensions = "x".join(map(str, shape))
    kind = f"Keras model, {settings.latent} latents {dimensions}, seed {settings.seed}"
    return _drawn(name, kind, start, settings)


def _latent_shape(name: str, model: Any, latent_size: int | None) -> Shape:
    if latent_size is not None:
        return (latent_size,)
    try:
        shape = model.input_shape
    except (AttributeError, ValueError, RuntimeError):  # not built, or not called yet
        shape = None
    is_one_input = isinstance(shape, tuple) and all(
        size is None or isinstance(size, int) for size in shape
    )
    if shape is not None and not is_one_input:
        raise UserError(
            f"{name}: a Keras model with several inputs ({shape})",
            "one input, the latents",
            "pass a function of the number of images that calls the model",
        )
    if shape is None or len(shape) < 2 or None in shape[1:]:
        raise UserError(
            f"{name}: a Keras model whose input does not tell the size of its latents",
            "a model with a known input_shape, or latent_size",
            "pass latent_size=..., or a function of the number of images",
        )
    if len(shape) == 4 and min(shape[1:3]) > 1:
        raise UserError(
            f"{name}: a Keras model of images {shape[1:]}, not of latents",
            "a generator: a model that makes images of latents",
            "pass the generator, or a function of the number of images",
        )
    return tuple(shape[1:])


def _drawn(
    name: str, kind: str, start: Callable[[], Callable[[int], Any]], settings: Settings
) -> _Form:
    """Images that are drawn in whole batches by the function that `start` gives."""
    num_images = settings.num_images or NUM_IMAGES
    size = settings.batch_size

    def batches() -> Iterator[np.ndarray]:
        draw = start()
        for first in range(0, num_images, size):
            images = draw(size)
            array = passed.to_array(images)
            if array is None or array.shape[:1] != (size,):
                raise UserError(
                    f"{name}: {passed.describe(images)} for {size} images",
                    f"an array ({size}, height, width, 3)",
                    "correct the function: it returns as many images as it is asked for, and "
                    "nothing beside them",
                )
            yield array[: num_images - first]

    return _Form(kind, batches, num_images)


def _arrays(name: str, elements: Iterable[Any], batch_size: int) -> Iterator[np.ndarray]:
    """The batches of a loader; single images are joined to batches."""
    singles: list[np.ndarray] = []
    for element in elements:
        if isinstance(element, tuple | list) and len(element) == 1:
            [element] = element
        array = None if isinstance(element, tuple | list) else passed.to_array(element)
        if array is None or array.ndim not in (3, 4):
            raise UserError(
                f"{name}: a loader that gives {passed.describe(element)}",
                _IMAGES_ALONE,
                "leave out the rest, such as (images for images, labels in loader)",
            )
        if array.ndim == 3:
            if singles and singles[0].shape != array.shape:  # the caller may resize both
                yield np.stack(singles)
                singles = []
            singles.append(array)
        if singles and (array.ndim == 4 or len(singles) == batch_size):
            yield np.stack(singles)
            singles = []
        if array.ndim == 4:
            yield array
    if singles:
        yield np.stack(singles)


def _first(name: str, batches: Iterable[np.ndarray], limit: int | None) -> Iterator[np.ndarray]:
    """The first images; all without a limit. Raises `UserError` where there are fewer."""
    if limit is None:
        yield from batches
        return
    missing = limit
    for batch in batches:
        yield batch[:missing]
        missing -= len(batch[:missing])
        if not missing:
            return
    raise UserError(
        f"{name}: {counted(limit - missing, 'image')}", f"the num_images={limit}", "ask for fewer"
    )


def _rebatch(batches: Iterable[np.ndarray], size: int) -> Iterator[np.ndarray]:
    """The same images in batches of one size, so that results do not depend on the loader's."""
    rest: np.ndarray | None = None
    for batch in filter(len, batches):
        if rest is not None:
            if (rest.shape[1:], rest.dtype) == (batch.shape[1:], batch.dtype):
                batch = np.concatenate([rest, batch])
            else:  # which the caller refuses
                yield rest
        end = len(batch) - len(batch) % size
        for first in range(0, end, size):
            yield batch[first : first + size]
        rest = batch[end:] if end < len(batch) else None
    if rest is not None:
        yield rest


def _check(name: str, images: np.ndarray, shape: Shape | None = None) -> None:
    """Refuses what are no images, or images of another size. Raises `UserError`."""
    if images.ndim != 4 or images.shape[-1] not in (1, 3) or not images.size:
        cure = "pass RGB or grey images, channels last"
        if images.ndim == 4 and images.shape[1] == 3:
            cure += ": images.transpose(0, 2, 3, 1), in PyTorch images.permute(0, 2, 3, 1)"
        elif images.ndim == 3 and images.shape[-1] == 3:
            cure += "; one image alone is no set"
        raise UserError(
            f"{name}: images of shape {images.shape}",
            "(n, height, width, 3), or (n, height, width, 1) for grey ones",
            cure,
        )
    if shape and images.shape[1:3] != tuple(shape[:2]):
        raise UserError(
            f"{name}: images of shape {images.shape[1:]}, after others of {shape}",
            "one size on both sides",
            cure_of_sizes(min(*images.shape[1:3], *shape[:2])),
        )
    if images.dtype != np.uint8 and not _is_float(images.dtype):
        raise UserError(
            f"{name}: images of type {images.dtype}",
            "uint8 in 0 ... 255, or floats in -1 ... 1",
            "convert them",
        )


def _is_float(dtype: np.dtype) -> bool:
    try:
        return tf.as_dtype(dtype).is_floating
    except TypeError:  # a type that TensorFlow does not know
        return False
