"""The user's own objects, which a config names: their check, and what a run folder records."""

import contextlib
import inspect
import math
import pathlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import keras
import tensorflow as tf
from ml_collections import ConfigDict

from tf_ttur import config as configs
from tf_ttur import registry
from tf_ttur.errors import UserError
from tf_ttur.losses import BatchLoss
from tf_ttur.losses.batches import Batch

_ARGUMENTS = ("shape", "model", "latent_size", "seed", "name")  # of `models.Build`
_EXPECTED = "what docs/architecture.md says of such an object, under Registries"
_EXPECTED_LOSS = (
    "a LossPair of functions (real, fake) and (fake), or a BatchLoss of functions (batch)"
)
# What to do, said wherever a network looks like the other one.
SWAPPED = "if generator and discriminator are swapped, pass them the other way round"


@contextlib.contextmanager
def named(word: str, what: str) -> Iterator[None]:
    """As `calling`, if a word names an object of the user's own.

    Args:
      word: names the object; errors of objects of this package pass unchanged.
      what: the part of it that is called.
    """
    with calling(f"{word}: {what}") if registry.is_object(word) else contextlib.nullcontext():
        yield


@contextlib.contextmanager
def calling(what: str, expected: str = _EXPECTED) -> Iterator[None]:
    """Turns what a user's own code raises in the block into a `UserError`.

    Args:
      what: names what is called.
      expected: what it must be.
    """
    try:
        yield
    except (UserError, tf.errors.ResourceExhaustedError, MemoryError):
        raise
    except Exception as error:  # own code may raise anything
        raise UserError(
            f"{what} cannot be used ({type(error).__name__}: {_reason(error)})",
            expected,
            "correct the object",
        ) from error


def build_network(thing: Any, arguments: tuple[Any, ...]) -> keras.Model:
    """A network of the user's own, with variables of its own.

    Args:
      thing: a Keras model, which is copied with its weights, or a class or function that makes one.
      arguments: of a `models.Build`; a class or function is given those that its signature names.

    Raises:
      TypeError: what was made is no Keras model.
      ValueError: the model cannot be copied.
    """
    if isinstance(thing, keras.layers.Layer):
        return _copy(thing)
    names = inspect.signature(thing).parameters
    values = dict(zip(_ARGUMENTS, arguments, strict=True))
    network = thing(**{name: value for name, value in values.items() if name in names})
    if not isinstance(network, keras.layers.Layer):
        raise TypeError(f"it gives {type(network).__name__}, not a Keras model")
    return network


def _copy(model: keras.Model) -> keras.Model:
    """A model like this one in the current strategy's scope, with the same weights."""
    try:
        if isinstance(model, keras.Sequential) or hasattr(model, "operations"):
            copy = keras.models.clone_model(model)
        else:
            copy = type(model).from_config(model.get_config())
    except (TypeError, ValueError, NotImplementedError) as error:
        raise ValueError(
            f"this Keras model cannot be copied ({_reason(error)}): pass its class, or a"
            " function that makes it, or give it get_config and from_config"
        ) from error
    if model.built and model.weights:
        if not copy.weights:
            copy.build(model.input_shape if hasattr(model, "input_shape") else None)
        copy.set_weights(model.get_weights())
    return copy


def is_sigmoid(network: keras.layers.Layer, shape: tuple[int, ...]) -> bool:
    """Whether a network ends with a sigmoid, as far as its outputs tell.

    Inputs a thousand times larger than usual drive a sigmoid to both of its ends, and nothing
    beyond them; almost any other network goes far beyond.

    Args:
      network: with variables. It is called outside of training mode, which changes none of them.
      shape: of one input.

    Returns:
      False also for a network that only runs in training mode.
    """
    low, high = _extremes(network, shape)
    return 0 <= low < 1e-3 and 1 - 1e-3 < high <= 1


def is_never_negative(network: keras.layers.Layer, shape: tuple[int, ...]) -> bool:
    """Whether no output is below 0, and some are above; arguments as of `is_sigmoid`.

    So does a sigmoid behind a layer that is bounded, which `is_sigmoid` does not see.
    """
    low, high = _extremes(network, shape)
    return low >= 0 and high > 0


def _extremes(network: keras.layers.Layer, shape: tuple[int, ...]) -> tuple[float, float]:
    """The least and the greatest output for large inputs; NaN if the network fails."""
    inputs = 1000 * tf.random.stateless_normal((16, *shape), (0, 0))
    try:
        outputs = tf.cast(network(inputs, training=False), tf.float32)
    except Exception:  # own code may raise anything; in training mode it has just been called
        return math.nan, math.nan
    return float(tf.reduce_min(outputs)), float(tf.reduce_max(outputs))


def check_latents(what: str, generator: keras.Model, size: int, key: str) -> None:
    """Refuses a Keras model that declares other inputs than latents of this size.

    Args:
      what: names the generator in messages.
      generator: the network.
      size: numbers in one latent.
      key: what the user sets to choose the size.

    Raises:
      UserError: it takes something else.
    """
    shape = _declared_shape(generator)
    if shape is None or _is_compatible(shape, (size,)):
        return
    if len(shape) != 1:
        raise UserError(
            f"{what} takes inputs of shape {shape}",
            f"latents of shape ({size},)",
            f"{SWAPPED}; otherwise reshape the latents within the generator",
        )
    flag = f" (--{key}={shape[0]})" if key.startswith("config.") else ""
    raise UserError(
        f"{what} takes latents of {shape[0]}; {key} is {size}",
        "one size of latents",
        f"set {key} = {shape[0]}{flag}, or change the generator",
    )


def check_inputs(what: str, discriminator: keras.Model, shape: tuple[int, ...]) -> None:
    """Refuses a Keras model that declares other inputs than examples of this shape.

    Args:
      what: names the discriminator in messages.
      discriminator: the network.
      shape: of one example.

    Raises:
      UserError: it takes something else.
    """
    declared = _declared_shape(discriminator)
    if declared is None or _is_compatible(declared, shape):
        return
    raise UserError(
        f"{what} takes inputs of shape {declared}",
        f"{shape}, the shape of the examples",
        "give generator, discriminator and data the same shape",
    )


def _declared_shape(network: keras.Model) -> tuple[int | None, ...] | None:
    """The shape of one input, None where it is free; None if the network declares none."""
    shape = getattr(network, "input_shape", None)
    if not isinstance(shape, tuple) or not all(size is None or size > 0 for size in shape):
        return None  # also of several inputs
    return shape[1:]


def _is_compatible(declared: tuple[int | None, ...], shape: tuple[int, ...]) -> bool:
    return tf.TensorShape(declared).is_compatible_with(shape)


def check_examples(what: str, examples: Any, shape: tuple[int, ...]) -> None:
    """Refuses what a generator gives where it has not the shape of the real examples.

    Args:
      what: names the generator in messages.
      examples: what it gave.
      shape: that they must have, with the number of examples; any floating type will do.

    Raises:
      UserError: they are something else.
    """
    is_float = isinstance(examples, tf.Tensor) and examples.dtype.is_floating
    if is_float and tuple(examples.shape) == shape:
        return
    cure = "correct the network, or change config.data.image_size and config.data.channels"
    if is_float and tuple(examples.shape) in (shape[:1], (*shape[:1], 1)):
        cure = SWAPPED
    raise UserError(
        f"{what} gives {_kind(examples)}", f"floats {shape}, as the real examples are", cure
    )


def check_scores(what: str, outputs: Any, count: int) -> None:
    """Refuses what a discriminator gives unless it is one number per example.

    Args:
      what: names the discriminator in messages.
      outputs: what it gave.
      count: how many numbers there must be.

    Raises:
      UserError: they are something else.
    """
    is_float = isinstance(outputs, tf.Tensor) and outputs.dtype.is_floating
    if is_float and tuple(outputs.shape) in ((count,), (count, 1)):
        return
    raise UserError(
        f"{what} gives {_kind(outputs)} for {count} examples",
        f"one number per example: floats ({count},) or ({count}, 1)",
        "end with keras.layers.Dense(1)",
    )


def check_loss(word: str, loss: BatchLoss, shape: tuple[int, ...]) -> None:
    """Calls both losses of a user's own on four examples.

    Args:
      word: names the loss in messages.
      loss: its functions.
      shape: of one example.

    Raises:
      UserError: they cannot be called, or do not give one loss per example.
    """
    examples = tf.zeros((4, *shape))
    for player in ("discriminator", "generator"):
        with calling(f"{word}: its {player}'s loss", _EXPECTED_LOSS):
            values = getattr(loss, player)(Batch(examples, examples, _sum))
        _check_per_example(f"the {player}'s loss of {word}", values)


def check_augmentation(word: str, function: Callable[..., Any], shape: tuple[int, ...]) -> None:
    """Calls the user's own function of batches once.

    Args:
      word: names the function in messages.
      function: (examples, seed).
      shape: of one example.

    Raises:
      UserError: it cannot be called, or it gives something else than examples of the same shape.
    """
    examples = tf.zeros((4, *shape))
    with calling(f"{word}: the function"):
        result = function(examples, tf.constant([0, 0]))
    if _kind(result) != _kind(examples):
        raise UserError(
            f"{word} gives {_kind(result)}",
            f"{_kind(examples)}, as it was given",
            "correct the function",
        )


def check_penalty(word: str, function: Callable[..., Any], shape: tuple[int, ...]) -> None:
    """Calls the user's own penalty once, with a linear discriminator.

    Args:
      word: names the function in messages.
      function: (score, real, fake, mix).
      shape: of one example.

    Raises:
      UserError: it cannot be called, or it does not give one number per example.
    """
    examples = tf.zeros((4, *shape))
    with calling(f"{word}: the penalty"):
        values = function(_sum, examples, examples, tf.zeros((4,)))
    _check_per_example(f"the penalty {word}", values)


def _sum(examples: tf.Tensor) -> tf.Tensor:
    """Something that a discriminator may give, (n,)."""
    return tf.reduce_sum(examples, list(range(1, examples.shape.rank)))


def _check_per_example(what: str, values: Any) -> None:
    if isinstance(values, tf.Tensor) and tuple(values.shape) == (4,):
        return
    raise UserError(
        f"{what} gives {_kind(values)} for 4 examples",
        "one number per example, (4,): the update takes the mean",
        "leave out the mean or sum over the batch",
    )


def _kind(thing: Any) -> str:
    """The type and shape of something, in words."""
    if isinstance(thing, tf.Tensor):
        return f"{thing.dtype.name} {tuple(thing.shape)}"
    if isinstance(thing, list | tuple):
        return f"{len(thing)} outputs"
    return type(thing).__name__


def _reason(error: Exception) -> str:
    """The paragraph of an error that says why.

    Keras puts a paragraph before it that names the layer, and the arguments behind it. A tensor
    that is quoted in it is left out.
    """
    text = re.sub(r"\x1b\[\d*m", "", str(error)).strip()
    text = re.sub(r"^Exception encountered when calling .*\n\s*", "", text)
    text = re.sub(r"\[\[.*\]\]", "[...]", text, flags=re.DOTALL)
    return " ".join(text.split("\n\n")[0].split())


def describe(config: ConfigDict) -> dict[str, dict[str, str | None]]:
    """{word: {"file": absolute path, "sha256": hex digest of the file}} of all objects.

    Both are None for an object whose file is not known. Raises `UserError` if an object is missing.
    """
    return {word: _describe(word) for word in configs.objects(config)}


def changes(
    config: ConfigDict, part: Mapping[str, Any], chosen: Iterable[str] | None = None
) -> list[str]:
    """One sentence for each file that has changed since an earlier start of the run.

    Args:
      config: the validated config.
      part: the entry of that start in `environment.json`. Entries written by earlier versions have
        no `objects`.
      chosen: the words of the objects to look at; None takes all.
    """
    stored = part.get("objects", {})
    words: dict[str, list[str]] = {}  # by the name of their file
    for word in configs.objects(config) if chosen is None else chosen:
        now = _describe(word)
        if word in stored and now["sha256"] != stored[word]["sha256"]:
            words.setdefault(pathlib.Path(now["file"] or word).name, []).append(word)
    return [
        f"{name}, which {_keys(config, of_file)}, has changed since the last start of this run,"
        f" after update {part.get('from_update', 0)}"
        for name, of_file in words.items()
    ]


def _describe(word: str) -> dict[str, str | None]:
    file = registry.file_of(word)
    return {"file": str(file) if file else None, "sha256": registry.digest_of(word)}


def _keys(config: ConfigDict, words: list[str]) -> str:
    """The config keys with one of these words as value, followed by "names" or "name"."""
    flat = configs.flatten(config)
    keys = [
        f"config.{name}"
        for name in configs.KEYS
        if str(flat[name]).removeprefix("python:") in words
    ]
    return f"{' and '.join(keys)} {'names' if len(keys) == 1 else 'name'}"
