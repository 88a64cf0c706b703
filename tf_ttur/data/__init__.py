"""Real examples: from the name of a data set to batches.

`KINDS` lists the kinds of examples that an architecture may learn from. An object that holds
examples fulfils the protocol `Examples`. This file imports no TensorFlow.
"""

import dataclasses
import re
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from tf_ttur.registry import (
    NOT_NEGATIVE,
    POSITIVE,
    Decides,
    Entry,
    Key,
    Registry,
    load,
    one_of,
    rule,
)

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
        """The number of examples."""

    @property
    def identity(self) -> str:
        """A string that changes with the examples or their preparation."""

    @property
    def fingerprints(self) -> Mapping[str, str]:
        """Digests of the examples as the training sees them, by the names of the digests.

        They depend neither on the place of the examples nor on `memory_gib`. Two sets are the same
        if all digests that both have are equal. One is always there: "fingerprint".

        Raises:
          UserError: an example cannot be read.
        """

    @property
    def skipped(self) -> list[str]:
        """Names of files that were left out."""

    @property
    def vocabulary(self) -> tuple[str, ...]:
        """The symbol of each code, for lines; () for images."""

    def check_batches(self, examples_per_update: int) -> None:
        """Checks, before anything is read, that there are enough examples for one update.

        Raises:
          UserError: `batches` cannot give this many examples per update.
        """

    def batches(
        self,
        seed: "np.ndarray",
        first: int,
        stride: int,
        batch_size: int,
        wanted: "Callable[[tf.Tensor], tf.Tensor] | None" = None,
    ) -> "tf.data.Dataset":
        """An endless `tf.data.Dataset` of batches. Batch number n is a function of n.

        Args:
          seed, first, stride, batch_size, wanted: as in `order.batch_indices`.
        """

    def indices(
        self, seed: "np.ndarray", first: int, stride: int, batch_size: int
    ) -> "tf.data.Dataset":
        """The indices of the examples in `batches`: an endless data set of (batch_size,) int64."""

    def encode(self, batch: "tf.Tensor") -> "tf.Tensor":
        """A batch as the discriminator takes it: float32 (n, ...)."""

    def explain(self, error: Exception, indices: Iterable[int]) -> None:
        """Looks for the example that caused an error while it was read.

        Args:
          error: what TensorFlow raised.
          indices: of the examples that were being read.

        Raises:
          UserError: one of these examples is the cause. Otherwise this returns.
        """


@dataclasses.dataclass(frozen=True, kw_only=True)
class Kind(Entry):
    """An entry of `KINDS`.

    Attributes:
      place: the config key that says where the data are.
      open: function of `config.data` that returns `Examples`, or `module:object` of it.
      shape: function (config.data, size of the vocabulary) that returns the shape of one example as
        the networks see it.
      has_vocabulary: whether examples are lines of symbols.
    """

    place: str
    open: Any
    shape: Callable[[Any, int], tuple[int, ...]]
    has_vocabulary: bool = False

    def open_examples(self, data: Any) -> Examples:
        """The examples that `config.data` names.

        Raises:
          UserError: there are none, or they cannot be used.
        """
        return load(self.open)(data)


_NAMED = rule("where the data are (see docs/data.md)", bool)

KINDS: Registry[Kind] = Registry(
    "kind of data",
    {
        "images": Kind(
            place="data.source",
            open="tf_ttur.data.images:open_for_training",
            shape=lambda data, _: (data.image_size, data.image_size, data.channels),
            help="images",
            keys={
                "data.source": Key(
                    "",
                    "SOURCE of the images, as for every command",
                    decides=Decides.NOTHING,  # the images do, whatever they are called
                    exclusive=True,
                ),
                "data.image_size": Key(
                    32,
                    "side of the images in pixels",
                    rule("8 or more", lambda v: v >= 8),
                ),
                "data.crop": Key(
                    "none",
                    "none, square, or the side of a centred square in pixels",
                    rule(
                        "none, square, or a number of pixels",
                        lambda v: re.fullmatch("none|square|[1-9][0-9]{0,5}", v) is not None,
                    ),
                ),
                "data.channels": Key(
                    3,
                    "3: RGB, grey images become RGB; 1: grey, RGB images become grey",
                    one_of(1, 3),
                    exclusive=True,
                ),
                "data.flip": Key(
                    False,
                    "mirror each image with probability 1/2, each time that it is shown",
                    exclusive=True,
                ),
                "data.jpeg_quality": Key(
                    0,
                    "1 ... 100 compresses each image to JPEG after crop and resize; 0 does not",
                    rule("0 ... 100", lambda v: 0 <= v <= 100),
                    exclusive=True,
                ),
                "data.memory_gib": Key(
                    4.0,
                    "larger data sets are not kept in memory, but read for every batch",
                    NOT_NEGATIVE,
                    Decides.NOTHING,
                ),
                "evaluation.metrics": Key(
                    "fid",
                    "comma-separated measures, as in tf-ttur fid; the first decides which "
                    "checkpoint is the best",
                    rule("names of measures with commas between", bool),
                    Decides.CURVE,
                    exclusive=True,
                ),
                "evaluation.cache_features": Key(
                    False,
                    "keep the features of the real images in the cache, for kid and prdc",
                    decides=Decides.NOTHING,
                    exclusive=True,
                ),
                "evaluation.reference": Key(
                    "",
                    "statistics or features file; empty: computed from the data and cached",
                    decides=Decides.NOTHING,  # the statistics do, whatever they are called
                    exclusive=True,
                ),
                "evaluation.without_inception": Key(
                    "fail",
                    "fail, or frechet_pixels, a distance that is not the FID",
                    rule("one of fail, frechet_pixels", lambda v: v in ("fail", "frechet_pixels")),
                    Decides.CURVE,
                    exclusive=True,
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
                    "",
                    "folder of shards, tarball, tfds:NAME/SPLIT, or what prepare wrote",
                    decides=Decides.NOTHING,  # the lines do, whatever they are called
                    exclusive=True,
                ),
                "data.files": Key("news.en-*", "glob of the shards", decides=Decides.NOTHING),
                "data.max_lines": Key(10_000_000, "maximum number of lines to read", POSITIVE),
                "data.line_length": Key(
                    32,
                    "characters per line",
                    rule("6 or more (six-grams are measured)", lambda v: v >= 6),
                ),
                "data.max_symbols": Key(
                    2048,
                    "maximum size of the vocabulary",
                    rule("2 ... 65535", lambda v: 2 <= v < 2**16),
                ),
            },
            requires={"data.dir": _NAMED},
        ),
    },
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Quantisation(Entry):
    """An entry of `QUANTISATIONS`: how images of a generator are rounded to grey levels.

    Attributes:
      function: maps a float32 tensor in 0 ... 255 to one of the same shape; or `module:object` of
        such a function.
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
        "float": Quantisation(function="tensorflow:identity", help="no rounding"),
        "truncate": Quantisation(function="tensorflow:floor", help="rounds down"),
        "round": Quantisation(
            function="tensorflow:round", help="rounds to the nearest integer, as image files do"
        ),
    },
    _adopt_quantisation,
)
