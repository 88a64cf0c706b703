"""Average-pooled pixels as features: a distance for where there is no Inception network. It is not
a FID.
"""

import tensorflow as tf

GRID = 8


class PixelPooling:
    """Images as 8 x 8 x 3 means, with the interface of `inception.Inception`; `network` is
    "pixels".
    """

    network, digest = "pixels", f"average-pool-{GRID}"
    precision = "float32"
    dimension = GRID * GRID * 3
    metric = "frechet_pixels"

    def __call__(self, images):
        """(n, height, width, 3) in 0 ... 255, sides multiples of 8, to ((n, 192) float32 in 0 ...
        1, None).
        """
        images = tf.cast(images, tf.float32) / 255.0
        size = images.shape[1] // GRID, images.shape[2] // GRID
        return tf.reshape(tf.nn.avg_pool2d(images, size, size, "VALID"), (-1, self.dimension)), None
