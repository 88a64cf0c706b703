"""The card `images`: a folder of pictures of many sizes and modes, at any multiple of 16."""

import numpy as np
import PIL.Image
import pytest
import tensorflow as tf

from tests.conformance.models import Training
from tf_ttur import config as configs
from tf_ttur.errors import UserError
from tf_ttur.training import evaluation


@pytest.fixture
def photos(tmp_path):
    """16 pictures, some of them grey, some in a folder within."""
    random = np.random.default_rng(0)
    (tmp_path / "photos/more").mkdir(parents=True)
    for number in range(16):
        mode = "L" if number % 5 == 0 else "RGB"
        shape = (50 + number, 80 - number, *([3] if mode == "RGB" else []))
        picture = PIL.Image.fromarray(random.integers(0, 256, shape, np.uint8))
        folder = "photos/more" if number % 2 else "photos"
        picture.save(tmp_path / folder / f"{number:02}.{'png' if number % 3 else 'jpg'}")
    return str(tmp_path / "photos")


def load(photos, **changes):
    flat = {"data.source": photos, "model.width": 2, "batch_size": 8}
    return configs.load("images", flat | {f"data.{name}": value for name, value in changes.items()})


def test_it_trains_at_a_multiple_of_16(photos):
    config = load(photos, image_size=48, flip=True)
    assert (config.discriminator.learning_rate, config.generator.learning_rate) == (1e-5, 5e-4)
    training = Training(config, tf.distribute.MirroredStrategy(["CPU:0"]))
    [values] = training.go(0, 1)
    assert np.isfinite(list(values.values())).all()


def test_what_must_be_changed_is_named(photos):
    assert configs.load("images:orig").discriminator.learning_rate == 5e-4
    with pytest.raises(UserError, match="neither data/images nor photos/"):
        evaluation.open_examples(configs.load("images"))
    with pytest.raises(UserError, match=r"config\.data\.crop"):
        list(evaluation.open_examples(load(photos, crop="none")).in_order(16))
    with pytest.raises(UserError, match=r"config\.data\.channels = 2"):
        load(photos, channels=2)
