"""An exported generator, read without the code that made it."""

import pathlib

import tensorflow as tf

from tf_ttur import saved_model
from tf_ttur.errors import UserError
from tf_ttur.quantisation import quantise


class Exported:
    """A generator that tools/export.py wrote.

    Attributes:
      makes: "images" or "lines".
      shape: (height, width, 3) of the images, () for lines.
      fingerprint: a string that changes with the export.
    """

    def __init__(self, path, trust=False):
        """Loads it.

        Args:
          path: the folder.
          trust: whether it may hold any operation, as in `saved_model.load`.

        Raises:
          UserError: it is something else, or could do more than arithmetic.
        """
        self._path = path = pathlib.Path(path).expanduser()
        try:
            self._signatures = saved_model.load(path, trust).signatures
            [(self.makes, output)] = self._signatures["sample"].structured_outputs.items()
            self.shape = tuple(output.shape[1:])
            if (self.makes, output.dtype, len(self.shape)) not in (("images", tf.uint8, 3), ("lines", tf.string, 0)):
                raise ValueError(f"it gives {self.makes}, {output.dtype.name} of shape {output.shape}")
        except UserError:
            raise
        except Exception as error:  # TensorFlow raises many kinds
            reason = str(error).partition("\n")[0]
            expected = "a folder that tools/export.py wrote"
            raise UserError(f"{path} is not an exported generator ({reason})", expected, "export it again") from error
        fingerprint = path / "fingerprint.pb"
        self.fingerprint = fingerprint.read_bytes().hex() if fingerprint.is_file() else ""

    def sample(self, count, seed, how="round"):
        """`count` samples, of which number i is a function of the seed and i: images in 0 ... 255, or strings.

        Args:
          count, seed: whole numbers.
          how: of images, as in `quantisation.quantise`; "round" gives uint8, others float32.

        Raises:
          UserError: it cannot.
        """
        name = "sample" if how == "round" else "sample_float"
        try:
            samples = self._signatures[name](count=tf.constant(count), seed=tf.constant(seed))[self.makes]
        except (KeyError, TypeError, ValueError, tf.errors.OpError) as error:
            reason = str(error).partition("\n")[0]
            expected = f"its signature {name} of count and seed"
            raise UserError(f"{self._path} gives no {self.makes} ({reason})", expected, "export it again") from error
        return samples if how == "round" else quantise(samples, how)
