"""The digest of a set of images: the sum of their SHA-256 modulo 2^256.

It depends neither on the order of the images nor on how they were batched. The digests of parts
add up.
"""

import hashlib

import numpy as np


def add(total: int, images: np.ndarray) -> int:
    """The digest of the images so far and those of another batch.

    Args:
      total: the digest of the images before; 0 where there are none.
      images: (n, height, width, channels) array of any dtype; its bytes are digested as they are.
    """
    images = np.ascontiguousarray(images)
    hashes = (int.from_bytes(hashlib.sha256(image).digest()) for image in images)
    return (total + sum(hashes)) % 2**256


def to_hex(total: int) -> str:
    """A digest as it stands in files: 64 hexadecimal digits."""
    return f"{total:064x}"
