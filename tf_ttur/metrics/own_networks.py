"""Feature networks of your own: a function, a Keras model, or a SavedModel that gives features.

Each is called with images and returns their features. Its distance is no FID: it is called
`frechet_NAME`, after the function or file. Statistics and features of different networks are never
compared: a network is known by its weights and, if it is a function, by the file that defines it.
"""

import hashlib
import inspect
import pathlib
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import tensorflow as tf

from tf_ttur import registry
from tf_ttur.data import passed
from tf_ttur.errors import UserError
from tf_ttur.io import paths, saved_model
from tf_ttur.metrics.names import INCEPTIONS, metric_name
from tf_ttur.metrics.networks import FeatureNetwork
from tf_ttur.wording import counted

FORMS = "MODULE:FUNCTION, PATH.py:FUNCTION, the folder of a SavedModel, or a .keras file"
_KERAS = (".keras", ".h5")
_PROBED = 64  # side of the images that the features are counted of, where no others are known
_ATTRIBUTES = ("network", "metric", "digest", "precision", "dimension")
_CONTRACT = "features (n, d) of n uint8 images, as an array or tensor of floats"


class OwnNetwork:
    """A function of images as a `networks.FeatureNetwork`.

    Args:
      function: called with (n, height, width, 3), uint8, or float32 in 0 ... 255 for images that
        are not rounded. It returns (n, d) features, or a pair of features and (n, classes) logits.
      name: of the network.
      digest: a string that changes with the function and its weights.
      shape: (height, width, 3) of the images that will come; None where it is not known.

    Attributes:
      network, metric, digest, precision, dimension: as of `FeatureNetwork`.

    Raises:
      UserError: it cannot be called with such images, or gives no features.
    """

    precision = "float32"

    def __init__(
        self,
        function: Callable[[Any], Any],
        name: str,
        digest: str,
        shape: tuple[int, ...] | None = None,
    ) -> None:
        self.network = _checked_name(name)
        self.metric = metric_name(self.network)
        self.digest = digest
        self._function = function
        self.dimension = 0
        # Two different images, since a function may leave out an axis of length 1.
        images = np.random.default_rng(0).integers(0, 256, (2, *(shape or (_PROBED, _PROBED, 3))))
        try:
            features, _ = self(images.astype(np.uint8))
        except UserError:
            raise
        except Exception as error:  # a function may raise anything
            reason = str(error).partition("\n")[0]
            raise UserError(
                f"{name} cannot be called with uint8 images of shape {images.shape} "
                f"({type(error).__name__}: {reason})",
                _CONTRACT,
                "correct it; it resizes and scales the images itself",
            ) from error
        self.dimension = features.shape[1]

    def __call__(self, images: Any) -> tuple[Any, Any]:
        """As of `FeatureNetwork`. Raises `UserError` where it gives no features."""
        given = self._function(images)
        features, logits = given if isinstance(given, tuple) and len(given) == 2 else (given, None)
        if not tf.executing_eagerly():  # within a tf.function: there are no values to check
            return tf.ensure_shape(tf.cast(features, tf.float32), (None, self.dimension)), logits
        array = passed.to_array(features)
        if array is None or array.ndim != 2 or len(array) != len(images):
            raise UserError(
                f"{self.network} gives {passed.describe(features)} "
                f"for {counted(len(images), 'image')}",
                _CONTRACT,
                "return one row of features per image, such as a pooled layer or a class token",
            )
        if self.dimension and array.shape[1] != self.dimension:
            raise UserError(
                f"{self.network} gives {array.shape[1]} features, and before {self.dimension}",
                "the same number for all images",
                "resize the images in it to one size",
            )
        array = array.astype(np.float32)
        if not np.isfinite(array).all():
            raise UserError(
                f"{self.network} gives NaN or infinity", "finite features", "correct it"
            )
        return array, None if logits is None else np.asarray(logits, np.float32)


def load(
    word: str | pathlib.Path, trust: bool = False, shape: tuple[int, ...] | None = None
) -> FeatureNetwork:
    """The network that a word names.

    Args:
      word: one of `FORMS`.
      trust: whether a SavedModel may hold any operation, and a Keras file any Python code.
      shape: as in `OwnNetwork`.

    Raises:
      UserError: there is no such network, or none that gives features.
    """
    word = str(word)
    if registry.is_object(word):
        thing = registry.import_object(word)
        return wrap(thing, word, shape, name=word.rpartition(":")[2])
    path = paths.local(word, "--network")
    name = re.sub(r"\W+", "_", path.resolve().stem).strip("_").lower()
    if (path / "saved_model.pb").is_file():
        return OwnNetwork(_saved_model(path, trust), name, _digest_of_files(path), shape)
    if path.suffix in _KERAS and path.is_file():
        return OwnNetwork(_keras_model(path, trust), name, _digest_of_files(path), shape)
    what = "names no network" if path.exists() else "does not exist"
    raise UserError(f"{word} {what}", FORMS, "correct --network")


def is_own(word: str | pathlib.Path) -> bool:
    """Whether a word names a network for `load`, and not the Inception network."""
    text = str(word)
    if text.startswith("hub:"):
        return False
    path = pathlib.Path(text)
    return registry.is_object(text) or path.suffix in _KERAS or (path / "saved_model.pb").is_file()


def wrap(
    thing: Any, word: str = "network", shape: tuple[int, ...] | None = None, name: str = ""
) -> FeatureNetwork:
    """A function, a Keras model, or an object with the interface of a network, as a network.

    Args:
      thing: of one of these kinds.
      word: how messages call it.
      shape: as in `OwnNetwork`.
      name: of a network of the user's own; "" takes that of the function or model, and allows
        Inception networks.

    Raises:
      UserError: it is nothing of these, or gives no features.
    """
    if is_network(thing):
        if name:
            _checked_name(thing.network)
        return thing
    if not callable(thing) or isinstance(thing, type):
        raise UserError(f"{word}: {passed.describe(thing)}", _CONTRACT, "name a function")
    names = (name, *(getattr(thing, attribute, "") for attribute in ("__name__", "name")))
    name = next(filter(None, names), type(thing).__name__)
    if name == "<lambda>":
        raise UserError(
            f"{word}: a function without a name",
            "a name, which the distance is called after",
            "define the function with def",
        )
    digest = _digest(thing)
    if hasattr(thing, "get_weights"):
        thing = _call_keras(thing)
    return OwnNetwork(thing, re.sub(r"\W+", "_", name).strip("_").lower(), digest, shape)


def is_network(thing: Any) -> bool:
    """Whether something has the interface of a `FeatureNetwork`."""
    return (
        callable(thing)
        and not isinstance(thing, type)
        and all(hasattr(thing, name) for name in _ATTRIBUTES)
    )


def _checked_name(name: str) -> str:
    if name.replace("_", "-") in INCEPTIONS:
        raise UserError(
            f"a network of your own that is called {name}",
            "another name: this one is that of the Inception network",
            "rename the function or file",
        )
    return name


def _call_keras(model: Any) -> Callable[[Any], Any]:
    """A Keras model or layer as a function of images; it takes them as float32."""

    def call(images: Any) -> Any:
        return model(tf.cast(images, tf.float32), training=False)

    return call


def _keras_model(path: pathlib.Path, trust: bool) -> Callable[[Any], Any]:
    import keras  # slow, and hardly anyone needs it here

    try:
        return _call_keras(keras.models.load_model(path, compile=False, safe_mode=not trust))
    except Exception as error:  # Keras raises errors of many types
        reason = str(error).partition("\n")[0]
        raise UserError(
            f"{path} is no Keras model that can be loaded ({reason})",
            "a file that model.save wrote",
            "load it in a function of your own (--network PATH.py:FUNCTION); "
            "if it holds Python code and you trust its author, pass --trust",
        ) from error


def _saved_model(path: pathlib.Path, trust: bool) -> Callable[[Any], Any]:
    """The signature serving_default of a SavedModel, as a function of images."""
    expected = "a SavedModel with the signature serving_default: one input, one output"
    try:
        loaded = saved_model.load(path, trust)
        signature = loaded.signatures["serving_default"]
        [(argument, spec)] = signature.structured_input_signature[1].items()
        [output] = signature.structured_outputs
    except UserError:
        raise
    except Exception as error:  # TensorFlow raises errors of many types
        reason = f"{type(error).__name__}: {error}".partition("\n")[0]
        raise UserError(
            f"{path} cannot be used as a network ({reason})", expected, "export it anew"
        ) from error

    def call(images: Any) -> Any:
        # The signature alone would lose its variables.
        return loaded.signatures["serving_default"](**{argument: tf.cast(images, spec.dtype)})[
            output
        ]

    return call


def _digest_of_files(path: pathlib.Path) -> str:
    """SHA-256 of a file, or of what a SavedModel holds."""
    places = [path]
    if path.is_dir():
        places = [path / "saved_model.pb", *sorted((path / "variables").glob("*"))]
    return _sha256(place.read_bytes() for place in places)


def _digest(thing: Any) -> str:
    """SHA-256 of what a function or model computes with, as far as that can be seen.

    It changes with the weights of Keras models, with the file of a function, and with those that it
    refers to. Of a function with an attribute `digest`, it changes with that alone.
    """
    if isinstance(getattr(thing, "digest", None), str):
        return thing.digest
    return _sha256(_contents(thing, set()))


def _contents(thing: Any, seen: set[int]) -> Iterator[bytes]:
    if id(thing) in seen:
        return
    seen.add(id(thing))
    if hasattr(thing, "get_weights"):
        yield type(thing).__qualname__.encode()  # and no config: names in it count models made
        for array in thing.get_weights():
            yield np.ascontiguousarray(array).tobytes()
    elif isinstance(thing, tf.Variable | tf.Tensor | np.ndarray):
        yield np.ascontiguousarray(thing).tobytes()
    elif isinstance(thing, str | int | float):
        yield repr(thing).encode()
    elif isinstance(thing, list | tuple):
        for item in thing:
            yield from _contents(item, seen)
    elif inspect.ismethod(thing):
        yield from _contents(thing.__func__, seen)
        for value in vars(thing.__self__).values() if hasattr(thing.__self__, "__dict__") else ():
            yield from _contents(value, seen)
    elif inspect.isfunction(thing):
        yield thing.__qualname__.encode()
        file = inspect.getsourcefile(thing)
        if file and pathlib.Path(file).is_file():
            yield pathlib.Path(file).read_bytes()
        variables = inspect.getclosurevars(thing)
        for name, value in sorted({**variables.globals, **variables.nonlocals}.items()):
            yield name.encode()
            if not _is_of_library(value):
                yield from _contents(value, seen)


def _is_of_library(thing: Any) -> bool:
    """Whether this is code that was installed, whose version is not part of the network."""
    if inspect.ismodule(thing) or isinstance(thing, type):
        return True
    file = inspect.getsourcefile(thing) if inspect.isfunction(thing) else None
    return bool(file and {"site-packages", "dist-packages"} & set(pathlib.Path(file).parts))


def _sha256(contents: Iterable[bytes]) -> str:
    digest = hashlib.sha256()
    for content in contents:
        digest.update(len(content).to_bytes(8, "little"))
        digest.update(content)
    return digest.hexdigest()
