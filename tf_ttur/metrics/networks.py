"""The interface of a feature network. This file imports no TensorFlow."""

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, runtime_checkable

if TYPE_CHECKING:
    import tensorflow as tf


@runtime_checkable
class FeatureNetwork(Protocol):
    """A network whose features are compared.

    `metrics.evaluate` and its companions take any object with this interface; the project has four:
    `inception.Inception`, `inception.HubInception`, `inception.Replicated` and
    `pixels.PixelPooling`.

    Attributes:
      network: its name, which stands in the provenance of its statistics. Only values of the
        network "original" are called "fid".
      metric: the name of the Fréchet distance of its features, as `names.metric_name(network)`.
      digest: a string that changes with the weights. Statistics with another digest are refused.
      precision: the number format that it computes in, as "float32".
      dimension: number of features d.
    """

    network: str
    metric: str
    digest: str
    precision: str
    dimension: int

    def __call__(self, images: Any) -> "tuple[tf.Tensor, tf.Tensor | None]":
        """Features of images.

        Args:
          images: (n, height, width, 3) array with n > 0, RGB, uint8 or float in 0 ... 255.

        Returns:
          (features, logits): float32 (n, d), and float32 (n, classes) or None. Tensors or arrays.
          Only measures of the predicted classes, such as the Inception Score, need logits.
        """


class Outputs(NamedTuple):
    """What a network gives of a batch.

    Attributes:
      features: (n, d).
      logits: (n, classes), or None.
      spatial: (n, s) spatial features, or None of a network that is not asked for them.
    """

    features: Any
    logits: Any
    spatial: Any = None


def run(network: FeatureNetwork, images: Any) -> Outputs:
    """The outputs of a network, with spatial features where `protocols.WithSpatial` asks for them.

    Args:
      network: the network.
      images: as of `FeatureNetwork`.
    """
    if getattr(network, "protocol", "") and hasattr(network, "with_spatial"):
        return Outputs(*network.with_spatial(images))
    return Outputs(*network(images))
