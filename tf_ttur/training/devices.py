"""On what a run computes."""

import functools

import tensorflow as tf

from tf_ttur.errors import UserError


@functools.cache
def mirrored_strategy():
    """The `MirroredStrategy` over all GPUs of this machine, or over its (logical) CPUs where it has none.

    One for the whole process: the collective operations of a second one would have the keys of the first one's.
    TensorFloat-32 is switched off, so that a GPU gives the numbers of a CPU (features of the FID need that).
    """
    tf.config.experimental.enable_tensor_float_32_execution(False)
    devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
    return tf.distribute.MirroredStrategy([device.name for device in devices])


def batch_per_replica(config, strategy):
    """The batch of one replica. Raises `UserError` if the global batch cannot be divided."""
    replicas, packed = strategy.num_replicas_in_sync, config.model.samples_per_score
    if config.batch_size % (replicas * packed):
        raise UserError(
            f"config.batch_size = {config.batch_size} on {replicas} devices",
            f"a multiple of {replicas * packed}" + (f", for {packed} samples a score on each" if packed > 1 else ""),
            "change it, or set CUDA_VISIBLE_DEVICES to fewer devices",
        )
    return config.batch_size // replicas
