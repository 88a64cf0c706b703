import numpy as np

from tf_ttur.data import digits


def test_an_image_is_a_function_of_seed_and_index():
    image = digits.draw(5, seed=1)
    assert image.shape == (32, 32, 3) and image.dtype == np.uint8
    np.testing.assert_array_equal(image, digits.draw(5, seed=1))
    assert (image != digits.draw(6, seed=1)).any() and (image != digits.draw(5, seed=2)).any()


def test_every_image_shows_something():
    for index in range(50):
        brightness = digits.draw(index).mean(-1)
        assert np.percentile(brightness, 98) - np.percentile(brightness, 2) > 30
