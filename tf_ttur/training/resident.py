"""Data sets that live on the devices, so that batches do not pass through the host."""

from collections.abc import Callable

import tensorflow as tf
from ml_collections import ConfigDict

from tf_ttur.data import Examples
from tf_ttur.data.images import Images
from tf_ttur.errors import UserError
from tf_ttur.training import update as updates

_GIB = 2**30
_MOST_BYTES = 2 * _GIB  # of the device's memory, which the networks need, too

Batch = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]


def resident(
    config: ConfigDict, strategy: tf.distribute.Strategy, examples: Examples, batch_size: int
) -> Batch | None:
    """Copies the data set to every device, if the config asks for that and it fits.

    Args:
      config: the validated config.
      strategy: the distribution strategy.
      examples: what the run learns from.
      batch_size: of one replica.

    Returns:
      Function of the counts of updates and of discriminator steps before this one. In a replica's
      context it returns the batch that `update.distribute_batches` would give. None where batches
      come from the host.

    Raises:
      UserError: `config.data_on_device` is "yes", and the data cannot be there.
    """
    asked = config.data_on_device
    on_gpu = bool(tf.config.list_logical_devices("GPU"))
    if asked == "no" or (asked == "auto" and not on_gpu):
        return None
    images = None
    if isinstance(examples, Images) and config.distribution != "multi_worker":
        images = examples.all_in_memory(_MOST_BYTES)
    if images is None:
        if asked == "auto":
            return None
        raise UserError(
            f"config.data_on_device = yes for {examples.word}",
            f"images in any order of at most {_MOST_BYTES // _GIB} GiB, and no other workers",
            "set config.data_on_device = auto or no",
        )
    assert isinstance(examples, Images)
    with strategy.scope():
        variable = tf.Variable(images, trainable=False, name="data")
    seed, _, stride = updates.order_of(config, strategy, 0)

    def batch(number: tf.Tensor, step: tf.Tensor) -> tf.Tensor:
        replica = tf.distribute.get_replica_context().replica_id_in_sync_group
        within = tf.cast(step, tf.int64) * strategy.num_replicas_in_sync
        place = number * stride + within + tf.cast(replica, tf.int64)
        return examples.batch_of(variable, seed, place, stride, batch_size)

    return batch
