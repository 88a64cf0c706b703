"""Reading an exported generator, without the code that trained it."""

import pathlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import tensorflow as tf

from tf_ttur.data.quantisation import quantise
from tf_ttur.data.sources import unknown
from tf_ttur.errors import UserError
from tf_ttur.io import paths, saved_model

# What `sample` may return: (name, dtype, number of dimensions of one sample).
_OUTPUTS = (("images", tf.uint8, 3), ("lines", tf.string, 0))


class Exported:
    """A generator that `tf-ttur export` wrote.

    Attributes:
      makes: "images" or "lines".
      shape: (height, width, 3) of the images, () for lines.
      fingerprint: a string that changes with the export; "" if the export has none.
    """

    def __init__(self, path: str | pathlib.Path, trust: bool = False) -> None:
        """Loads the generator.

        Args:
          path: the folder.
          trust: whether it may hold any operation, as in `saved_model.load`.

        Raises:
          UserError: it is not an exported generator, or could do more than arithmetic.
        """
        self._path = paths.local(path, "EXPORT")
        unknown.refuse_run(self._path)
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
        except Exception as error:  # TensorFlow raises errors of many types
            reason = str(error).partition("\n")[0]
            raise UserError(
                f"{self._path} is not an exported generator ({reason})",
                "a folder that tf-ttur export wrote",
                "export it again",
            ) from error
        fingerprint = self._path / "fingerprint.pb"
        self.fingerprint = fingerprint.read_bytes().hex() if fingerprint.is_file() else ""

    def sample(self, count: int, seed: int) -> tf.Tensor:
        """Generates samples. Sample number i is a function of the seed and i.

        Args:
          count: number of samples.
          seed: an integer.

        Returns:
          uint8 (count, height, width, 3) images, or (count,) strings.

        Raises:
          UserError: the export cannot generate them.
        """
        return self._call("sample", count=count, seed=seed)

    def check_blocks(self) -> None:
        """Checks, before any work, that `blocks` can generate images.

        Raises:
          UserError: it cannot, for example because an earlier version wrote the export.
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
        """Yields the images of `sample` in blocks, so that they are never all in memory.

        Args:
          count, seed: as in `sample`.
          quantisation: as in `quantisation.quantise`; "round" gives uint8, others float32.

        Yields:
          (n, height, width, 3) images.

        Raises:
          UserError: the export cannot generate them.
        """
        number = 0
        while count > 0:
            block = self._call("block", number=number, seed=seed)[:count]
            images = quantise(block, quantisation).numpy()
            if not len(images):
                raise UserError(
                    f"{self._path} gives empty blocks of images",
                    "at least one image per block",
                    "export it again",
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
