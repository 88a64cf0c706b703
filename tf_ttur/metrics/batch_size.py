"""How many images go through a network at a time, where nobody has said it."""

from typing import Any

import tensorflow as tf

from tf_ttur.io import sharing

# For a CPU, and for a network that does not say how much memory an image needs.
DEFAULT = 100

# A GPU is busy with this many images of 299x299; more only take memory.
_MOST = 512

# Of the memory that is free, this share is used: convolutions take working memory too.
_SHARE = 0.5


def feature_batch_size(wanted: int, network: Any) -> int:
    """The number of images that go through the network at a time.

    It depends on the device's memory but not on the moment, since features depend on it by their
    rounding: it is a power of two on a GPU.

    Args:
      wanted: what the user has chosen; 0 chooses here.
      network: the feature network; of its attributes `bytes_per_image` is used if it has it.
    """
    if wanted:
        return wanted
    needed = getattr(network, "bytes_per_image", 0)
    free = free_bytes()
    if not free or not needed:
        return DEFAULT
    return fitting(free, needed)


def fitting(free: int, needed: int) -> int:
    """The largest power of two, at most 512, of which the images fit into a share of the memory.

    Args:
      free: bytes of the device.
      needed: bytes of one image.
    """
    count = max(1, min(_MOST, int(free * _SHARE / needed)))
    return 1 << (count.bit_length() - 1)


def free_bytes() -> int:
    """The memory of the first GPU that TensorFlow may still take; 0 without a GPU.

    It is this process's share, where several use the GPU: `sharing.processes_per_gpu`.
    """
    gpus = tf.config.list_logical_devices("GPU")
    if not gpus:
        return 0
    # No public name tells the limit.
    from tensorflow.python.client import device_lib

    limits = {device.name: device.memory_limit for device in device_lib.list_local_devices()}
    name = gpus[0].name
    used = tf.config.experimental.get_memory_info(name)["current"]
    return max(0, limits.get(name, 0) // sharing.processes_per_gpu() - used)
