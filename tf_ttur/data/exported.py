"""An exported generator, read without the code that made it."""

import pathlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import tensorflow as tf

from tf_ttur.data.quantisation import quantise
from tf_ttur.errors import UserError
from tf_ttur.io import saved_model

# What `sample` may give: (name, type, number of sides of one sample).
_OUTPUTS = (("images", tf.uint8, 3), ("lines", tf.string, 0))


class Exported:
    """A generator that `tf-ttur export` wrote.

    Attributes:
      makes: "images" or "lines".
      shape: (height, width, 3) of the images, () for lines.
      fingerprint: a string that changes with the export.
    """

    def __init__(self, path: str | pathlib.Path, trust: bool = False) -> None:
        """Loads it.

        Args:
          path: the folder.
          trust: whether it may hold any operation, as in `saved_model.load`.

        Raises:
          UserError: it is something else, or could do more than arithmetic.
        """
        self._path = pathlib.Path(path).expanduser()
        try:
            self._signatures = saved_model.load(self._path, trust).signatures
            [(self.makes, output)] = self._signatures["sample"].structured_outputs.items()
            self.shape = tuple(output.shape[1:])
            if (self.makes, output.dtype, len(self.shape)) not in _OUTPUTS:
                raise ValueError(
                    f"it gives {self.makes}, {output.dtype.name} of shape {output.shape}"
                )
        except UserError:
            raise
        except Exception as error:  # TensorFlow raises many kinds
            reason = str(error).partition("\n")[0]
            raise UserError(
                f"{self._path} is not an exported generator ({reason})",
                "a folder that tf-ttur export wrote",
                "export it again",
            ) from error
        fingerprint = self._path / "fingerprint.pb"
        self.fingerprint = fingerprint.read_bytes().hex() if fingerprint.is_file() else ""

    def sample(self, count: int, seed: int) -> tf.Tensor:
        """`count` samples, of which number i is a function of the seed and i: uint8 images, or
        strings. Raises `UserError` if it cannot.
        """
        return self._call("sample", count=count, seed=seed)

    def check_blocks(self) -> None:
        """Makes sure, before any work, that `blocks` can give images. Raises `UserError` if not, as
        for exports of earlier versions.
        """
        has_block = "block" in self._signatures
        outputs = self._signatures["block"].structured_outputs if has_block else {}
        block = outputs.get("images")
        if block is None or block.dtype != tf.float32 or tuple(block.shape[1:]) != self.shape:
            raise UserError(
                f"{self._path} gives no blocks of images",
                "its signature block of number and seed",
                "export it again",
            )

    def blocks(self, count: int, seed: int, quantisation: str = "round") -> Iterator[np.ndarray]:
        """Yields the images of `sample`, some at a time, so that never all of them are in memory.

        Args:
          count, seed: whole numbers.
          quantisation: as in `quantisation.quantise`; "round" gives uint8, others float32.

        Raises:
          UserError: it cannot.
        """
        number = 0
        while count > 0:
            block = self._call("block", number=number, seed=seed)[:count]
            images = quantise(block, quantisation).numpy()
            if not len(images):
                raise UserError(
                    f"{self._path} gives blocks of no images", "some in each", "export it again"
                )
            yield images.astype(np.uint8) if quantisation == "round" else images
            number += 1
            count -= len(images)

    def _call(self, name: str, **inputs: Any) -> tf.Tensor:
        tensors = {key: tf.constant(value) for key, value in inputs.items()}
        try:
            return self._signatures[name](**tensors)[self.makes]
        except (KeyError, TypeError, ValueError, tf.errors.OpError) as error:
            reason = str(error).partition("\n")[0]
            raise UserError(
                f"{self._path} gives no {self.makes} ({reason})",
                f"its signature {name} of {' and '.join(inputs)}",
                "export it again",
            ) from error
