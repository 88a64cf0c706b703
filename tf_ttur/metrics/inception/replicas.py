"""A feature network on several devices of one machine."""

import tensorflow as tf


class Replicated:
    """The network with a copy on each device; each takes its share of a batch. Has the interface of
    the network.

    Args:
      network: `inception.Inception`, or what has its interface.
      devices: names of two or more devices.
    """

    def __init__(self, network, devices):
        self._network, self._strategy = network, tf.distribute.MirroredStrategy(devices)
        for name in ("network", "metric", "digest", "precision", "dimension"):
            setattr(self, name, getattr(network, name))

        @tf.function(reduce_retracing=True)
        def run(shares):
            return self._strategy.run(network, (shares,))

        self._run = run

    def __call__(self, images):
        """As of the network; a batch with fewer images than devices runs on the first."""
        images, copies = tf.cast(images, tf.float32), self._strategy.num_replicas_in_sync
        if len(images) < copies:
            return self._network(images)
        ends = [len(images) * number // copies for number in range(copies + 1)]
        shares = self._strategy.experimental_distribute_values_from_function(
            lambda context: images[
                ends[context.replica_id_in_sync_group] : ends[context.replica_id_in_sync_group + 1]
            ]
        )
        pool_3, logits = (
            self._strategy.experimental_local_results(values) for values in self._run(shares)
        )
        return tf.concat(pool_3, 0), tf.concat(logits, 0)
