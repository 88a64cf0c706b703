"""Many images as one picture."""

import math

import numpy as np


def tile(images: np.ndarray) -> np.ndarray:
    """(n, height, width, channels) images as one picture, as square as n allows.

    The rest is black.
    """
    images = np.asarray(images)
    columns = math.ceil(math.sqrt(len(images)))
    rows = math.ceil(len(images) / columns)
    cells = np.zeros((rows * columns, *images.shape[1:]), images.dtype)
    cells[: len(images)] = images
    height, width, channels = images.shape[1:]
    return (
        cells.reshape(rows, columns, height, width, channels)
        .swapaxes(1, 2)
        .reshape(rows * height, columns * width, channels)
    )
