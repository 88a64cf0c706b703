import numpy as np
import tensorflow as tf

from tf_ttur import config as configs
from tf_ttur.data import KINDS
from tf_ttur.training import presentation
from tf_ttur.training.evaluation import EVALUATIONS
from tf_ttur.training.grid import tile


def test_every_kind_of_data_can_be_shown_and_evaluated():
    assert set(presentation.PRESENTATIONS) == set(EVALUATIONS) == set(KINDS)


def test_images():
    shown = presentation.of_config(configs.default())
    outputs = tf.constant([-1.0, 1.0])[:, None, None, None] * tf.ones((2, 32, 32, 3))
    images = shown.show(outputs).numpy()
    assert images.dtype == shown.spec.dtype
    assert images.shape[1:] == shown.spec.shape
    assert (images[0] == 0).all()
    assert (images[1] == 255).all()
    assert shown.count(50_000) == "50,000 images of 32x32, RGB"


def test_lines():
    shown = presentation.of_config(configs.language(critic_steps=1), ["unk", "a", "b"])
    outputs = tf.one_hot([[1, 2], [2, 0]], 3)
    assert shown.show(outputs).numpy().tolist() == [b"ab", b"bunk"]
    assert shown.spec.shape == ()
    assert shown.count(1_000) == "1,000 lines of 32 characters, with 3 symbols"


def test_a_picture_of_many_images():
    images = np.arange(1, 6, dtype=np.uint8)[:, None, None, None] * np.ones((5, 2, 4, 3), np.uint8)
    picture = tile(images)
    assert picture.shape == (4, 12, 3)
    assert picture[::2, ::4, 0].tolist() == [[1, 2, 3], [4, 5, 0]]
