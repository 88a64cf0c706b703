"""A feature network on several devices of one machine."""

from collections.abc import Callable, Sequence
from typing import Any

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
        self.spatial_dimension = getattr(network, "spatial_dimension", 0)
        if hasattr(network, "bytes_per_image"):  # each device has its share of a batch
            self.bytes_per_image = network.bytes_per_image // len(devices)
        self.single = network
        self._strategy = tf.distribute.MirroredStrategy(devices)

        self._run = self._on_each(network)
        self._run_with_spatial = self._on_each(getattr(network, "with_spatial", network))

    def __call__(self, images: np.ndarray | tf.Tensor) -> tuple[tf.Tensor, tf.Tensor | None]:
        """As of the network; a batch with fewer images than devices runs on the first."""
        images = tf.cast(images, tf.float32)
        if len(images) < self._strategy.num_replicas_in_sync:
            return self.single(images)
        features, logits = self._divided(self._run, images)
        return features, logits

    def with_spatial(self, images: np.ndarray | tf.Tensor) -> tuple[tf.Tensor, ...]:
        """As of the network; otherwise as a call."""
        images = tf.cast(images, tf.float32)
        if len(images) < self._strategy.num_replicas_in_sync:
            return self.single.with_spatial(images)  # type: ignore[attr-defined]
        return self._divided(self._run_with_spatial, images)

    def _on_each(self, network: Callable[[tf.Tensor], Any]) -> Callable[[Any], Any]:
        """A function that calls the network on every device with its own share."""

        @tf.function(reduce_retracing=True)
        def run(shares: tf.Tensor) -> Any:
            return self._strategy.run(network, (shares,))

        return run

    def _divided(self, run: Any, images: tf.Tensor) -> tuple[tf.Tensor, ...]:
        count = len(images)
        copies = self._strategy.num_replicas_in_sync
        ends = [count * number // copies for number in range(copies + 1)]

        def share(context: tf.distribute.ReplicaContext) -> tf.Tensor:
            number = context.replica_id_in_sync_group
            return images[ends[number] : ends[number + 1]]

        shares = self._strategy.experimental_distribute_values_from_function(share)
        return tuple(self._join(output) for output in run(shares))

    def _join(self, shares: tf.Tensor) -> tf.Tensor:
        return tf.concat(self._strategy.experimental_local_results(shares), 0)
