"""An exported generator, read without the code that made it."""

import pathlib

import tensorflow as tf

from tf_ttur.errors import UserError
from tf_ttur.quantisation import quantise


class Exported:
    """A generator that tools/export.py wrote.

    Attributes:
      makes: "images" or "lines".
      shape: (height, width, 3) of the images, () for lines.
      fingerprint: a string that changes with the export.
    """

    def __init__(self, path):
        """Loads it.

        Raises:
          UserError: it is something else.
        """
        path = pathlib.Path(path).expanduser()
        try:
            self._signatures = tf.saved_model.load(str(path)).signatures
            [(self.makes, output)] = self._signatures["sample"].structured_outputs.items()
            self.shape = tuple(output.shape[1:])
        except (OSError, KeyError, ValueError, tf.errors.OpError) as error:
            raise UserError(f"{path} is not an exported generator ({error})", "a folder that tools/export.py wrote", "export it again") from error
        fingerprint = path / "fingerprint.pb"
        self.fingerprint = fingerprint.read_bytes().hex() if fingerprint.is_file() else ""

    def sample(self, count, seed, how="round"):
        """`count` samples, of which number i is a function of the seed and i: images in 0 ... 255, or strings.

        Args:
          count, seed: whole numbers.
          how: of images, as in `quantisation.quantise`; "round" gives uint8, others float32.
        """
        numbers = {"count": tf.constant(count), "seed": tf.constant(seed)}
        if how == "round":
            return self._signatures["sample"](**numbers)[self.makes]
        return quantise(self._signatures["sample_float"](**numbers)["images"], how)
