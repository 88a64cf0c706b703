"""The digest of a set of images: the sum of their SHA-256 modulo 2^256.

It does not depend on the order of the images nor on how they were batched, and those of parts add
up.
"""

import hashlib

import numpy as np


def add(total, images):
    """`total`, which is 0 for no image, and the images of a batch; a whole number.

    Args:
      total: the digest of the images before.
      images: (n, height, width, channels) array of any dtype; its bytes are digested as they are.
    """
    images = np.ascontiguousarray(images)
    return (
        total + sum(int.from_bytes(hashlib.sha256(image).digest()) for image in images)
    ) % 2**256


def to_hex(total):
    """A digest as it stands in files: 64 hexadecimal digits."""
    return f"{total:064x}"
