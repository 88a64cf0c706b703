"""TF-GAN's TF-Hub module of the same network."""

import contextlib
import hashlib
import sys
import types
from collections.abc import Iterator

import numpy as np
import tensorflow as tf

from tf_ttur.errors import UserError
from tf_ttur.io import saved_model
from tf_ttur.metrics.inception import graph
from tf_ttur.metrics.names import metric_name


class HubInception:
    """A TF-Hub module with the outputs pool_3 and logits; a `networks.FeatureNetwork`.

    It takes images of 299 x 299 pixels in -1 ... 1, and computes in float32 only.

    Attributes:
      network: "hub".
      metric: "fid_hub".
      digest: SHA-1 of the handle.
      precision: "float32".
      dimension: number of pool_3 features.
    """

    def __init__(self, handle: str, precision: str = "float32", trust: bool = False) -> None:
        """Loads the module.

        Args:
          handle: an https URL or a folder.
          precision: "float32".
          trust: whether the module may hold any operation, as in `saved_model.load`.

        Raises:
          UserError: it cannot be loaded.
        """
        if precision != "float32":
            raise UserError(
                f"precision {precision} for hub:{handle}", "float32", "leave the precision out"
            )
        if handle.startswith("http://"):
            raise UserError(
                f"hub:{handle} would come unprotected", "https://", "correct the handle"
            )
        try:
            self._module = saved_model.load(_resolve(handle), trust)
            self.dimension = self._module(tf.zeros((1, 299, 299, 3)))["pool_3"].shape[-1]
        except UserError:
            raise
        except Exception as error:
            raise UserError(
                f"hub:{handle} cannot be loaded ({error})",
                "a TF-Hub module with the outputs pool_3 and logits",
                "check the handle and the internet connection",
            ) from error
        self.network = "hub"
        self.metric = metric_name("hub")
        self.precision = precision
        self.digest = hashlib.sha1(handle.encode()).hexdigest()

    def __call__(self, images: np.ndarray | tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """As `Inception.__call__`; the logits are the module's own."""
        resized = graph.resize(tf.cast(images, tf.float32), (299, 299))
        outputs = self._module((resized - 128.0) * 0.0078125)
        return tf.reshape(outputs["pool_3"], (-1, self.dimension)), outputs["logits"]


def _resolve(handle: str) -> str:
    """The folder of the module, downloaded on first use."""
    with _without_setuptools():
        import tensorflow_hub  # slow, and most users never need it
    return tensorflow_hub.resolve(handle)


@contextlib.contextmanager
def _without_setuptools() -> Iterator[None]:
    """Within the block, `import tensorflow_hub` works without setuptools.

    Up to version 0.16.1 it compares TensorFlow's version with 1.15 by
    `pkg_resources.parse_version`, and setuptools has no `pkg_resources` from version 82 on. Within
    the block a module of that name has this one function.
    """
    stand_in = types.ModuleType("pkg_resources")
    stand_in.parse_version = _major_and_minor  # type: ignore[attr-defined]
    is_listed = "pkg_resources" in sys.modules
    listed = sys.modules.get("pkg_resources")
    sys.modules["pkg_resources"] = stand_in
    try:
        yield
    finally:
        if is_listed:
            sys.modules["pkg_resources"] = listed  # type: ignore[assignment]  # None: unimportable
        else:
            del sys.modules["pkg_resources"]


def _major_and_minor(version: str) -> tuple[int, int]:
    """(2, 21) of "2.21.0"."""
    major, minor = version.split(".")[:2]
    return int(major), int(minor)
