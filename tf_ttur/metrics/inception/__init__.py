"""The Inception network of the FID: found, read, and as a function of images.

weights.py    where its file is: named by the user, in the cache, or downloaded
graph.py      the frozen graph of 2015 as a TensorFlow 2 function
hub.py        TF-GAN's TF-Hub module of the same network
replicas.py   a network on several devices
"""

import pathlib

import tensorflow as tf

from tf_ttur.metrics.inception.graph import Inception, resize
from tf_ttur.metrics.inception.hub import HubInception
from tf_ttur.metrics.inception.replicas import Replicated
from tf_ttur.metrics.inception.weights import (
    ARCHIVE_FILE,
    GRAPH_FILE,
    ORIGINAL,
    download,
    locate,
    read_graph,
)
from tf_ttur.metrics.names import metric_name

__all__ = [
    "ARCHIVE_FILE",
    "GRAPH_FILE",
    "ORIGINAL",
    "HubInception",
    "Inception",
    "Replicated",
    "download",
    "load",
    "locate",
    "metric_name",
    "read_graph",
    "resize",
]


def load(
    path: str | pathlib.Path | None = None, precision: str = "float32", trust: bool = False
) -> Inception | HubInception | Replicated:
    """The network from where `locate` finds it, else downloaded; on all GPUs.

    Switches TensorFloat-32 off in this process: on a GPU the features would not be those of the
    original.

    Args:
      path: as in `locate`.
      precision: "float32" or "bfloat16".
      trust: whether a TF-Hub module may hold any operation.

    Raises:
      UserError: there is no network, or none that can be used.
    """
    tf.config.experimental.enable_tensor_float_32_execution(False)
    place = locate(path) or download()
    if str(place).startswith("hub:"):
        return HubInception(str(place).removeprefix("hub:"), precision, trust)
    network = Inception(read_graph(place), precision, name=str(place))
    gpus = [device.name for device in tf.config.list_logical_devices("GPU")]
    return Replicated(network, gpus) if len(gpus) > 1 else network
