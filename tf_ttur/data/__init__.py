"""Real examples: from a word to batches.

This file imports no TensorFlow. `KINDS` are the kinds of examples that an architecture may learn
from; an object with examples has the protocol `Examples`.
"""

import dataclasses
import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Protocol

from tf_ttur.registry import NOT_NEGATIVE, POSITIVE, Decides, Entry, Key, Registry, load, rule

if TYPE_CHECKING:
    import numpy as np
    import tensorflow as tf


class Examples(Protocol):
    """What the training learns from. `images.Images` and `text.Lines` fulfil this protocol."""

    @property
    def word(self) -> str:
        """The name that the user gave."""

    @property
    def num_examples(self) -> int:
        """How many there are."""

    @property
    def identity(self) -> str:
        """A string that changes with the examples or their preparation."""

    @property
    def skipped(self) -> list[str]:
        """Names of files that were left out."""

    @property
    def vocabulary(self) -> tuple[str, ...]:
        """What the codes of lines stand for; () for images."""

    def check_batches(self, examples_per_update: int) -> None:
        """Makes sure, before any reading, that `batches` can give so many for each update. Raises
        `UserError`.
        """

    def batches(
        self,
        seed: "np.ndarray",
        first: int,
        stride: int,
        batch_size: int,
        wanted: "Callable[[tf.Tensor], tf.Tensor] | None" = None,
    ) -> "tf.data.Dataset":
        """A data set without end of batches, of which number n is a function of n; arguments as of
        `order.batch_indices`.
        """

    def encode(self, batch: "tf.Tensor") -> "tf.Tensor":
        """A batch as the discriminator takes it: float32 (n, ...)."""

    def explain(self, error: Exception, indices: Iterable[int]) -> None:
        """Raises `UserError` where an error met while reading these examples is the fault of one of
        them.
        """


@dataclasses.dataclass(frozen=True, kw_only=True)
class Kind(Entry):
    """An entry of `KINDS`.

    Attributes:
      place: the config key that says where the data are.
      open: function of `config.data` that gives `Examples`, or `module:object` of it.
      shape: function (config.data, size of the vocabulary) that gives the shape of one example as
        the networks see it.
      has_vocabulary: whether examples are lines of symbols.
    """

    place: str
    open: Any
    shape: Callable[[Any, int], tuple[int, ...]]
    has_vocabulary: bool = False

    def open_examples(self, data: Any) -> Examples:
        """The examples that `config.data` names. Raises `UserError` if there are none."""
        return load(self.open)(data)


_NAMED = rule("where the data is (see README)", bool)

KINDS: Registry[Kind] = Registry(
    "kind of data",
    {
        "images": Kind(
            place="data.source",
            open="tf_ttur.data.images:open_for_training",
            shape=lambda data, _: (data.image_size, data.image_size, 3),
            help="RGB images",
            keys={
                "data.source": Key("", "SOURCE of the images, as for every command"),
                "data.image_size": Key(
                    32,
                    "side of the images in pixels",
                    rule("a multiple of 16, 32 or more", lambda v: v >= 32 and v % 16 == 0),
                ),
                "data.crop": Key(
                    "none",
                    "none, square, or the side of a centred square in pixels",
                    rule(
                        "none, square, or a number of pixels",
                        lambda v: re.fullmatch("none|square|[1-9][0-9]{0,5}", v) is not None,
                    ),
                ),
                "data.memory_gib": Key(
                    4.0,
                    "larger sets are read from their source all the time",
                    NOT_NEGATIVE,
                    Decides.NOTHING,
                ),
                "evaluation.reference": Key(
                    "",
                    "statistics file; empty: computed from the data on first use and cached",
                    decides=Decides.CURVE,
                ),
                "evaluation.without_inception": Key(
                    "fail",
                    "fail, or frechet_pixels, a distance that is not the FID",
                    rule("one of fail, frechet_pixels", lambda v: v in ("fail", "frechet_pixels")),
                    Decides.CURVE,
                ),
            },
            requires={"data.source": _NAMED},
        ),
        "lines": Kind(
            place="data.dir",
            open="tf_ttur.data.text:open_for_training",
            shape=lambda data, symbols: (data.line_length, symbols),
            has_vocabulary=True,
            help="lines of characters",
            keys={
                "data.dir": Key(
                    "", "folder of shards, tarball, or what `prepare billion_word` wrote"
                ),
                "data.files": Key("news.en-*", "glob of the shards"),
                "data.max_lines": Key(10_000_000, "lines that are read at most", POSITIVE),
                "data.line_length": Key(
                    32,
                    "characters of a line",
                    rule("6 or more (six-grams are measured)", lambda v: v >= 6),
                ),
                "data.max_symbols": Key(
                    2048,
                    "size of the vocabulary at most",
                    rule("2 ... 65535", lambda v: 2 <= v < 2**16),
                ),
            },
            requires={"data.dir": _NAMED},
        ),
    },
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Quantisation(Entry):
    """An entry of `QUANTISATIONS`: how a generator's -1 ... 1 becomes 0 ... 255.

    Attributes:
      function: of float32 tensors in 0 ... 255, or `module:object` of it.
    """

    function: Any


def _adopt_quantisation(thing: Any) -> Quantisation:
    if isinstance(thing, Quantisation):
        return thing
    if not callable(thing):
        raise TypeError(f"it is of type {type(thing).__name__}, not a function")
    return Quantisation(function=thing)


QUANTISATIONS: Registry[Quantisation] = Registry(
    "quantisation",
    {
        "float": Quantisation(function="tensorflow:identity", help="fractions stay"),
        "truncate": Quantisation(function="tensorflow:floor", help="fractions are cut off"),
        "round": Quantisation(
            function="tensorflow:round", help="to the nearest number, as in files"
        ),
    },
    _adopt_quantisation,
)
