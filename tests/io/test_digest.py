import hashlib

import numpy as np

from tf_ttur.io import digest


def test_it_is_the_sum_of_the_hashes_whatever_the_order():
    images = np.random.default_rng(0).integers(0, 256, (9, 4, 5, 3), np.uint8)
    wanted = sum(int(hashlib.sha256(image.tobytes()).hexdigest(), 16) for image in images) % 2**256
    assert digest.add(0, images) == wanted
    assert digest.add(digest.add(0, images[5:][::-1]), images[:5]) == wanted
    assert digest.add(0, images.transpose(0, 2, 1, 3)) != wanted  # the same values in another place
    assert digest.to_hex(255) == "0" * 62 + "ff" and int(digest.to_hex(wanted), 16) == wanted
