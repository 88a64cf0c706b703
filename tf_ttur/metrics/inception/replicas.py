"""A feature network on several devices of one machine."""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from tf_ttur.metrics.networks import FeatureNetwork


class Replicated:
    """A network with one copy per device, each of which takes its share of a batch.

    It is a `networks.FeatureNetwork` with the attributes of the network.

    Args:
      network: one that gives logits, such as `inception.Inception`.
      devices: names of two or more devices.

    Attributes:
      single: the network itself, on one device.
    """

    def __init__(self, network: FeatureNetwork, devices: Sequence[str]) -> None:
        self.network = network.network
        self.metric = network.metric
        self.digest = network.digest
        self.precision = network.precision
        self.dimension = network.dimension
        self.single = network
        self._strategy = tf.distribute.MirroredStrategy(devices)

        @tf.function(reduce_retracing=True)
        def run(shares: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            return self._strategy.run(network, (shares,))

        self._run = run

    def __call__(self, images: np.ndarray | tf.Tensor) -> tuple[tf.Tensor, tf.Tensor | None]:
        """As of the network; a batch with fewer images than devices runs on the first."""
        images = tf.cast(images, tf.float32)
        count = len(images)
        copies = self._strategy.num_replicas_in_sync
        if count < copies:
            return self.single(images)
        ends = [count * number // copies for number in range(copies + 1)]

        def share(context: tf.distribute.ReplicaContext) -> tf.Tensor:
            number = context.replica_id_in_sync_group
            return images[ends[number] : ends[number + 1]]

        shares = self._strategy.experimental_distribute_values_from_function(share)
        features, logits = self._run(shares)
        return self._join(features), self._join(logits)

    def _join(self, shares: tf.Tensor) -> tf.Tensor:
        return tf.concat(self._strategy.experimental_local_results(shares), 0)
