"""Mean and covariance of features where the features are: on the GPU, without waiting for it."""

from typing import Self

import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike

from tf_ttur.metrics.moments import Moments


class DeviceMoments:
    """The running mean and scatter matrix of `Moments`, in variables of a device.

    The sums are those of `Moments`, in float64 too, so that they have its error bound: relative to
    the largest covariance, 1e-10 for features whose mean is 1,000 times their deviation. An update
    sends nothing to the host. `mean`, `scatter` and `on_host` wait for the device.

    Args:
      dimension: d.

    Attributes:
      count: number of examples so far.
    """

    def __init__(self, dimension: int) -> None:
        self.count = 0
        # A copy of `count`: as an argument it would be sent to the device, which waits for it.
        self._count = tf.Variable(tf.zeros((), tf.float64), trainable=False)
        self._mean = tf.Variable(tf.zeros(dimension, tf.float64), trainable=False)
        self._scatter = tf.Variable(tf.zeros((dimension, dimension), tf.float64), trainable=False)
        self._add = tf.function(
            self._combine,
            input_signature=[tf.TensorSpec((None, dimension), tf.float32)],
            autograph=False,
        )

    @classmethod
    def of(cls, count: int, mean: ArrayLike, scatter: ArrayLike) -> Self:
        """The moments with these attributes, as `Moments.of` takes them."""
        moments = cls(len(np.asarray(mean)))
        moments.count = count
        moments._count.assign(count)
        moments._mean.assign(mean)
        moments._scatter.assign(scatter)
        return moments

    def update(self, features: ArrayLike | tf.Tensor) -> None:
        """Adds features of shape (n, d), which are taken as float32. n may be 0."""
        count = len(features)  # type: ignore[arg-type]  # an array or a tensor
        if count:
            self._add(tf.cast(features, tf.float32))
        self.count += count

    def _combine(self, features: tf.Tensor) -> None:
        """As `Moments._combine`, of features (n, d)."""
        features = tf.cast(features, tf.float64)
        count = tf.cast(tf.shape(features)[0], tf.float64)
        total = self._count + count
        mean = tf.reduce_mean(features, 0)
        delta = mean - self._mean
        step = tf.sqrt(self._count * count / total) * delta
        rows = tf.concat([features - mean, step[tf.newaxis]], 0)
        self._scatter.assign_add(tf.matmul(rows, rows, transpose_a=True))
        self._mean.assign_add(delta * (count / total))
        self._count.assign(total)

    @property
    def mean(self) -> np.ndarray:
        """(d,) float64."""
        return self._mean.numpy()

    @property
    def scatter(self) -> np.ndarray:
        """(d, d) float64, as of `Moments`."""
        return self._scatter.numpy()

    def on_host(self) -> Moments:
        """The same as `Moments`."""
        return Moments.of(self.count, self.mean, self.scatter)


def create(dimension: int) -> Moments | DeviceMoments:
    """Empty moments where networks compute: on the first GPU, or else on the host."""
    if tf.config.list_logical_devices("GPU"):
        return DeviceMoments(dimension)
    return Moments(dimension)
