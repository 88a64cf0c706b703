"""On what a run computes."""

import functools

import tensorflow as tf

from tf_ttur.errors import UserError


@functools.cache
def mirrored_strategy():
    """The `MirroredStrategy` over all GPUs of this machine, or over its (logical) CPUs where it has none.

    One for the whole process: the collective operations of a second one would have the keys of the first one's.
    TensorFloat-32 is switched off, so that a GPU gives the numbers of a CPU (features of the FID need that). On a CPU all
    operations are made deterministic, so that a run that goes on ends as one that was never stopped; on a GPU
    TF_DETERMINISTIC_OPS=1 asks for that, at its price.
    """
    tf.config.experimental.enable_tensor_float_32_execution(False)
    gpus = tf.config.list_logical_devices("GPU")
    if not gpus:
        tf.config.experimental.enable_op_determinism()
    devices = gpus or tf.config.list_logical_devices("CPU")
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
