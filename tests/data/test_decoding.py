"""Image files, decoded by TensorFlow as Pillow decodes them."""

import numpy as np
import PIL.Image
import pytest
import tensorflow as tf

from tests.faults.bad_files import bomb, encoded
from tf_ttur.data import decoding, sources


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_decoding_equals_pillow(tmp_path, kind):
    smooth = PIL.Image.fromarray(
        np.random.default_rng(0).integers(0, 256, (8, 8, 3), np.uint8)
    ).resize((41, 37))
    smooth.save(tmp_path / f"image.{kind.lower()}", kind)
    read = next(sources.open_source(str(tmp_path)).in_order().as_numpy_iterator())
    np.testing.assert_array_equal(
        read, np.asarray(PIL.Image.open(tmp_path / f"image.{kind.lower()}"))
    )


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "VP8", "VP8L", "VP8X"])
def test_a_decompression_bomb_is_refused_by_its_header(kind):
    with pytest.raises(tf.errors.InvalidArgumentError, match="more than 89,478,485 pixels"):
        decoding.decode(bomb(kind))
    assert decoding.MAX_PIXELS == PIL.Image.MAX_IMAGE_PIXELS


@pytest.mark.parametrize(
    "kind, options",
    [
        ("PNG", {}),
        ("JPEG", {}),
        ("WEBP", {}),
        ("WEBP", {"lossless": True}),
        ("WEBP", {"exif": b"Exif\0\0"}),
    ],
)
def test_the_header_tells_the_size(kind, options):
    for size in ((1, 1), (300, 7), (1000, 2000)):
        assert sorted(decoding.size_in_header(encoded(kind, *size, **options)).numpy()) == sorted(
            size
        )
