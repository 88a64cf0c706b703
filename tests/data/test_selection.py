"""The first images of a source, and random ones, also where it can only be read in order."""

import dataclasses

import numpy as np
import pytest

from tf_ttur.data.images import Images, open_images
from tf_ttur.data.sources import open_source
from tf_ttur.errors import UserError


def read(source):
    """The images of a source, in its order."""
    return np.stack(list(source.in_order().as_numpy_iterator()))


@pytest.fixture(params=["random access", "in order"])
def source(request):
    """Twenty digits."""
    source = open_source("digits:20")
    if request.param == "random access":
        return source
    return dataclasses.replace(source, read=None, stream=source.in_order, contents=None)


@pytest.mark.parametrize("indices", [range(7), [0, 3, 19], [18, 19], range(20)])
def test_a_subset_holds_the_images_of_its_indices(source, indices):
    subset = source.subset(indices)
    assert subset.num_images == len(indices)
    np.testing.assert_array_equal(read(subset), read(source)[list(indices)])
    np.testing.assert_array_equal(read(subset.subset([1])), read(source)[[indices[1]]])
    assert subset.identity != source.identity


def test_the_first_images(source):
    images = Images(source)
    whole = read(source)
    identity = images.identity
    images.take_first(20)
    assert (images.identity, images.selection) == (identity, "")
    images.take_first(8)
    assert (images.num_images, images.selection) == (8, "the first 8 of 20")
    assert images.identity != identity
    np.testing.assert_array_equal(np.concatenate(list(images.in_order(3))), whole[:8])
    np.testing.assert_array_equal(np.concatenate(list(images.in_order(3, 5))), whole[5:8])


def test_random_images_are_a_function_of_the_seed(source):
    whole = read(source)
    drawn = []
    for seed in (0, 0, 1):
        images = Images(source)
        images.take_random(8, seed)
        assert images.selection == f"8 of 20, drawn with seed {seed}"
        drawn.append(np.concatenate(list(images.in_order(3))))
        rows = [
            int(np.argmax([np.array_equal(image, one) for one in whole])) for image in drawn[-1]
        ]
        assert len(set(rows)) == 8
        assert rows == sorted(rows)
    np.testing.assert_array_equal(drawn[0], drawn[1])
    assert not np.array_equal(drawn[0], drawn[2])


def test_every_image_is_drawn_equally_often():
    counts = np.zeros(20)
    source = open_source("digits:20")
    for seed in range(400):
        kept = []
        images = Images(dataclasses.replace(source))
        images._take = lambda indices, what, kept=kept: kept.extend(indices)
        images.take_random(5, seed)
        counts[kept] += 1
    assert abs(counts - 100).max() < 5 * np.sqrt(400 * 0.25 * 0.75)


def test_too_few_images(source):
    for take in (Images(source).take_first, lambda count: Images(source).take_random(count, 0)):
        with pytest.raises(UserError, match=r"digits:20 has 20 images\n.*at least 21"):
            take(21)


def test_unreadable_images_are_left_out_first(folder):
    (folder / "03.png").write_bytes(b"broken")
    images = open_images(str(folder), skip_unreadable=True, first=4)
    assert images.num_images == 4
    assert len(images.skipped) == 1
    assert len(np.concatenate(list(images.in_order(10)))) == 4
