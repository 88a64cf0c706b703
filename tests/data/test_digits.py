import numpy as np
import pytest
import scipy.ndimage

from tf_ttur.data import digits


@pytest.mark.parametrize("draw", [digits.draw, digits.draw_plain])
def test_an_image_is_a_function_of_seed_and_index(draw):
    image = draw(5, seed=1)
    assert image.shape == (32, 32, 3) and image.dtype == np.uint8
    np.testing.assert_array_equal(image, draw(5, seed=1))
    assert (image != draw(6, seed=1)).any() and (image != draw(5, seed=2)).any()


def test_a_plain_digit_is_one_bright_shape_inside_a_dark_frame():
    for index in range(50):
        brightness = digits.draw_plain(index).max(-1).astype(int)
        frame = np.concatenate([brightness[[0, -1]].ravel(), brightness[:, [0, -1]].ravel()])
        assert frame.max() <= 50
        shapes, _ = scipy.ndimage.label(brightness > 110, np.ones((3, 3)))
        assert shapes.max() == 1


def test_every_image_shows_something():
    for index in range(50):
        brightness = digits.draw(index).mean(-1)
        assert np.percentile(brightness, 98) - np.percentile(brightness, 2) > 30


def test_images_have_not_changed():
    """Runs are resumed on them, and statistics of them are cached, as long as VERSION stands."""
    stack = np.stack(
        [draw(index, 1) for draw in (digits.draw, digits.draw_plain) for index in (0, 7)]
    )
    np.testing.assert_allclose(stack.mean((1, 2, 3)), [156.464, 211.614, 45.698, 37.041], atol=1e-3)
