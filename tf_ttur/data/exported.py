"""An exported generator, read without the code that made it."""

import pathlib

import tensorflow as tf

from tf_ttur.errors import UserError


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
            self._sample = tf.saved_model.load(str(path)).signatures["sample"]
            [(self.makes, output)] = self._sample.structured_outputs.items()
            self.shape = tuple(output.shape[1:])
        except (OSError, KeyError, ValueError, tf.errors.OpError) as error:
            raise UserError(f"{path} is not an exported generator ({error})", "a folder that tools/export.py wrote", "export it again") from error
        fingerprint = path / "fingerprint.pb"
        self.fingerprint = fingerprint.read_bytes().hex() if fingerprint.is_file() else ""

    def sample(self, count, seed):
        """`count` samples, of which number i is a function of the seed and i: uint8 images or strings."""
        return self._sample(count=tf.constant(count), seed=tf.constant(seed))[self.makes]
