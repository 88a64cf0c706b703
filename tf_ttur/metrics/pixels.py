"""Average-pooled pixels as features: a distance that needs no Inception network.

It is not a FID.
"""

import numpy as np
import tensorflow as tf

GRID = 8


class PixelPooling:
    """Images as 8 x 8 x 3 means; a `networks.FeatureNetwork`."""

    network = "pixels"
    metric = "frechet_pixels"
    digest = f"average-pool-{GRID}"
    precision = "float32"
    dimension = GRID * GRID * 3

    def __call__(self, images: np.ndarray | tf.Tensor) -> tuple[tf.Tensor, None]:
        """Features of images.

        Args:
          images: (n, height, width, 3) in 0 ... 255, with sides that are multiples of 8.

        Returns:
          (features, None): float32 (n, 192) in 0 ... 1.
        """
        images = tf.cast(images, tf.float32) / 255.0
        size = (images.shape[1] // GRID, images.shape[2] // GRID)
        pooled = tf.nn.avg_pool2d(images, size, size, "VALID")
        return tf.reshape(pooled, (-1, self.dimension)), None
