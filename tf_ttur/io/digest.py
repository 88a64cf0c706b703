"""The digest of a set of images: the sum of their SHA-256 modulo 2^256.

It depends neither on the order of the images nor on how they were batched. The digest of a whole is
the sum of the digests of its parts, modulo 2^256.
"""

import hashlib

import numpy as np


def add(total: int, images: np.ndarray) -> int:
    """Adds a batch of images to a digest.

    Args:
      total: the digest of the images so far; 0 at the start.
      images: (n, height, width, channels) array of any dtype; its bytes are hashed unchanged.

    Returns:
      The digest of all these images, an integer in 0 ... 2^256 - 1.
    """
    images = np.ascontiguousarray(images)
    hashes = (int.from_bytes(hashlib.sha256(image).digest()) for image in images)
    return (total + sum(hashes)) % 2**256


def to_hex(total: int) -> str:
    """A digest as files store it: 64 hexadecimal digits."""
    return f"{total:064x}"
