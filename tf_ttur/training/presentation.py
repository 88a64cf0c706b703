"""How the examples of each kind of data are shown, as samples and in an export."""

from collections.abc import Sequence
from typing import Protocol

import tensorflow as tf
from ml_collections import ConfigDict

from tf_ttur import config as configs
from tf_ttur.data.quantisation import to_uint8
from tf_ttur.training import networks
from tf_ttur.training.run_folder import RunFolder
from tf_ttur.wording import counted


class Presentation(Protocol):
    """How the examples of one kind are shown.

    Attributes:
      name: the key of shown examples in an export: "images" or "lines".
      output_name: the key of the generator's output in an export.
      has_blocks: whether an export has the signature `block`.
    """

    name: str
    output_name: str
    has_blocks: bool

    @property
    def spec(self) -> tf.TensorSpec:
        """Shape and dtype of one example that is shown."""

    def show(self, outputs: tf.Tensor) -> tf.Tensor:
        """Converts n outputs of the generator to examples for people, (n, *spec.shape)."""

    def count(self, number: int) -> str:
        """So many examples, in words."""

    def write(self, folder: RunFolder, update: int, outputs: tf.Tensor) -> None:
        """Writes the generator's outputs after `update` updates as samples."""


class ImagePresentation:
    """Images: uint8 (height, width, channels), and one picture of all samples."""

    name = "images"
    output_name = "images"
    has_blocks = True

    def __init__(self, config: ConfigDict, vocabulary: Sequence[str]) -> None:
        self._shape = networks.example_shape(config)

    @property
    def spec(self) -> tf.TensorSpec:
        """uint8 (height, width, channels)."""
        return tf.TensorSpec(self._shape, tf.uint8)

    def show(self, outputs: tf.Tensor) -> tf.Tensor:
        """Converts values in -1 ... 1 to 0 ... 255."""
        return to_uint8(outputs)

    def count(self, number: int) -> str:
        """Such as "1,000 images of 32x32, RGB"."""
        height, width, channels = self._shape
        kind = {1: "grey", 3: "RGB"}.get(channels, f"{channels} channels")
        return f"{counted(number, 'image')} of {width}x{height}, {kind}"

    def write(self, folder: RunFolder, update: int, outputs: tf.Tensor) -> None:
        """Writes a picture."""
        folder.images(update, self.show(outputs).numpy())


class LinePresentation:
    """Lines: strings, and a text file of all samples."""

    name = "lines"
    output_name = "probabilities"
    has_blocks = False

    def __init__(self, config: ConfigDict, vocabulary: Sequence[str]) -> None:
        self._vocabulary = list(vocabulary)
        self._length = config.data.line_length

    @property
    def spec(self) -> tf.TensorSpec:
        """A string."""
        return tf.TensorSpec((), tf.string)

    def show(self, outputs: tf.Tensor) -> tf.Tensor:
        """Converts (n, length, symbols) to (n,) strings of the most probable symbols."""
        symbols = tf.gather(tf.constant(self._vocabulary), tf.argmax(outputs, -1))
        return tf.strings.reduce_join(symbols, -1)

    def count(self, number: int) -> str:
        """Such as "1,000 lines of 32 characters, with 95 symbols"."""
        symbols = len(self._vocabulary)
        return f"{counted(number, 'line')} of {self._length} characters, with {symbols} symbols"

    def write(self, folder: RunFolder, update: int, outputs: tf.Tensor) -> None:
        """Writes a text file."""
        folder.lines(update, [line.decode() for line in self.show(outputs).numpy()])


# Keyed by the names of `data.KINDS`.
PRESENTATIONS: dict[str, type[ImagePresentation] | type[LinePresentation]] = {
    "images": ImagePresentation,
    "lines": LinePresentation,
}


def of_config(config: ConfigDict, vocabulary: Sequence[str] = ()) -> Presentation:
    """How the examples of an experiment are shown.

    Args:
      config: the validated config.
      vocabulary: the symbols of a generator of lines; empty for images.
    """
    return PRESENTATIONS[configs.learns(config)](config, vocabulary)
