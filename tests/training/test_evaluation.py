import dataclasses

import numpy as np
import pytest

from tf_ttur.data.images import Images
from tf_ttur.errors import UserError
from tf_ttur.metrics import extraction, statistics
from tf_ttur.metrics.extraction import image_statistics
from tf_ttur.metrics.pixels import PixelPooling

pytestmark = pytest.mark.filterwarnings("ignore:.*images for [0-9]+ features")


class Dying(PixelPooling):
    """A network that fails after some batches, as if the process were killed."""

    def __init__(self, batches):
        self._left = batches

    def __call__(self, batch):
        if self._left == 0:
            raise KeyboardInterrupt
        self._left -= 1
        return super().__call__(batch)


@pytest.mark.parametrize("shard", [None, (2, 3)])
def test_an_interrupted_extraction_goes_on(tmp_path, monkeypatch, shard):
    monkeypatch.setattr(extraction.Extraction, "EVERY_SECONDS", 0)
    partial = tmp_path / "partial"
    images = Images("digits:100")
    whole = image_statistics(images, PixelPooling(), 8, shard=shard)
    with pytest.raises(KeyboardInterrupt):
        image_statistics(images, Dying(3), 8, partial=partial, shard=shard)
    seen = []

    class Counting(PixelPooling):
        def __call__(self, batch):
            seen.append(len(batch))
            return super().__call__(batch)

    resumed = image_statistics(images, Counting(), 8, partial=partial, shard=shard)
    assert sum(seen) == (100 if shard is None else 33) - 24
    np.testing.assert_array_equal(resumed.sigma, whole.sigma)
    assert resumed.provenance == whole.provenance
    # Another batch size gives other roundings, so its state is not taken.
    image_statistics(images, Counting(), 10, partial=partial, shard=shard)
    assert sum(seen) == 2 * (100 if shard is None else 33) - 24


def test_shards_make_up_the_whole():
    images = Images("digits:50")
    whole = image_statistics(images, PixelPooling(), 8)
    merged = statistics.merge(
        [image_statistics(images, PixelPooling(), 8, shard=(number, 4)) for number in (3, 1, 4, 2)]
    )
    np.testing.assert_allclose(merged.sigma, whole.sigma, rtol=1e-10, atol=1e-14)
    assert merged.provenance == whole.provenance


def test_a_source_that_gives_fewer_than_it_says(monkeypatch):
    images = Images("digits:50")
    monkeypatch.setattr(images, "num_images", 60)
    images.source = dataclasses.replace(images.source, read=None, stream=images.source.in_order)
    with pytest.raises(UserError, match="gave 50 images"):
        image_statistics(images, PixelPooling(), 8)
