"""What does not fit is said before the first update of `TwoTimeScaleGAN.fit`, with its cure."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.test_keras_gan import networks, small_gan
from tf_ttur.errors import UserError
from tf_ttur.keras import TwoTimeScaleGAN, fitting
from tf_ttur.losses import LossPair
from tf_ttur.training import devices

IMAGES = np.random.default_rng(0).integers(0, 256, (64, 16, 16, 3), np.uint8)
FLOATS = IMAGES.astype(np.float32)
SIGNED = FLOATS / 127.5 - 1


class Loader(keras.utils.PyDataset):
    """Four batches of an array."""

    def __init__(self, images):
        super().__init__()
        self.images = images

    def __len__(self):
        return 4

    def __getitem__(self, number):
        return self.images[number * 16 : number * 16 + 16]


def data_set(images):
    return tf.data.Dataset.from_tensor_slices(images).batch(16)


def of_any_size():
    spec = tf.TensorSpec((None, None, None, 3), tf.uint8)
    return tf.data.Dataset.from_generator(lambda: iter([IMAGES]), output_signature=spec)


FORMS = [np.asarray, tf.constant, data_set, lambda images: data_set((images,)), Loader]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "images, message",
    [
        (FLOATS / 255, "probably of 0 ... 1"),
        (FLOATS, "probably of 0 ... 255"),
        (IMAGES.astype(np.int32), "probably of 0 ... 255"),
        (IMAGES // 255, "cast before scaling"),
    ],
)
def test_images_of_another_range_are_refused_before_the_first_update(form, images, message):
    gan = small_gan()
    before = gan.generator.get_weights()
    with pytest.raises(UserError, match=message):
        gan.fit(form(images), verbose=0)
    for now, then in zip(gan.generator.get_weights(), before, strict=True):
        np.testing.assert_array_equal(now, then)


@pytest.mark.parametrize("form", FORMS)
def test_images_of_the_right_range_are_taken(form):
    for images in (IMAGES, SIGNED):
        assert small_gan().fit(form(images), verbose=0).history["generator_loss"]


def test_a_data_set_is_read_once_in_its_order_and_judged_once():
    """A later batch may be all bright."""
    reads = []

    def read():
        for image in (SIGNED, SIGNED, np.ones_like(SIGNED)):
            reads.append(1)
            yield image

    spec = tf.TensorSpec((None, 16, 16, 3), tf.float32)
    data = tf.data.Dataset.from_generator(read, output_signature=spec)
    judged = fitting.Images(data, (16, 16, 3)).x
    assert reads == []
    for _ in range(2):
        read_back = list(judged.as_numpy_iterator())
        assert [batch.mean() for batch in read_back] == pytest.approx([SIGNED.mean()] * 2 + [1])
    assert len(reads) == 6


def test_two_replicas_refuse_too():
    with devices.mirrored_strategy().scope():
        gan = small_gan()
    data = tf.data.Dataset.from_tensor_slices(FLOATS).batch(16, drop_remainder=True)
    with pytest.raises(UserError, match=r"probably of 0 ... 255"):
        gan.fit(data, verbose=0)


def grey_gan():
    generator = keras.Sequential(
        [keras.Input((8,)), keras.layers.Dense(256), keras.layers.Reshape((16, 16, 1))]
    )
    discriminator = keras.Sequential(
        [keras.Input((16, 16, 1)), keras.layers.Flatten(), keras.layers.Dense(1)]
    )
    gan = TwoTimeScaleGAN(generator, discriminator, latent_size=8)
    gan.compile("adam", "adam")
    return gan


@pytest.mark.parametrize(
    "gan, images, cure",
    [
        (small_gan, tf.data.Dataset.from_tensor_slices(IMAGES), r"data.batch\(64\)"),
        (small_gan, of_any_size(), r"tf.ensure_shape\(images, \(None, 16, 16, 3\)\)"),
        (grey_gan, IMAGES[..., 0], r"images\[..., None\]"),
        (small_gan, IMAGES[..., 0], r"grayscale_to_rgb\(images\[..., None\]\)"),
        (small_gan, IMAGES[..., :1], r"grayscale_to_rgb\(images\)"),
        (grey_gan, IMAGES, r"rgb_to_grayscale\(images\)"),
        (small_gan, IMAGES.transpose(0, 3, 1, 2), "channels last"),
        (small_gan, np.concatenate([IMAGES, IMAGES[..., :1]], -1), "first three channels"),
        (small_gan, IMAGES.reshape(64, -1), r"rows.reshape\(-1, 16, 16, 3\)"),
        (small_gan, IMAGES[:, :8], "resize"),
        (small_gan, list(IMAGES), r"numpy.stack"),
    ],
)
def test_images_of_another_shape_get_the_advice_that_fits(gan, images, cure):
    with pytest.raises(UserError, match=cure):
        gan().fit(images, verbose=0)


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"validation_split": 0.1}, "validation_split\n.*\n.*FrechetInceptionDistance"),
        ({"validation_data": IMAGES}, "validation_data\n.*\n.*FrechetInceptionDistance"),
        ({"callbacks": [keras.callbacks.ModelCheckpoint("m.keras")]}, "save_weights_only=True"),
    ],
)
def test_what_would_fail_after_an_epoch_is_refused(arguments, message):
    with pytest.raises(UserError, match=message):
        small_gan().fit(IMAGES, verbose=0, **arguments)


def test_evaluation_and_saving_of_the_whole_are_refused(tmp_path):
    gan = small_gan()
    with pytest.raises(UserError, match="FrechetInceptionDistance"):
        gan.evaluate(IMAGES)
    with pytest.raises(UserError, match=r"generator\.save"):
        gan.save(tmp_path / "gan.keras")
    saver = keras.callbacks.ModelCheckpoint(tmp_path / "m.weights.h5", save_weights_only=True)
    gan.fit(IMAGES, verbose=0, callbacks=saver)
    other = small_gan()
    other.load_weights(tmp_path / "m.weights.h5")
    np.testing.assert_array_equal(other.generator.get_weights()[0], gan.generator.get_weights()[0])


def test_optimizers_by_name():
    gan = small_gan()
    gan.compile("adam", "sgd")
    assert isinstance(gan.generator_optimizer, keras.optimizers.SGD)
    one = keras.optimizers.Adam()
    for wrong, message in (("adamm", "discriminator_optimizer='adamm'"), (3, "=3"), (one, "both")):
        with pytest.raises(UserError, match=message):
            gan.compile(wrong, one)


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"latent_size": 9}, "takes latents of 8; latent_size is 9\n.*\n.*set latent_size = 8"),
        ({"loss": LossPair(lambda r, f: tf.reduce_mean(r - f), lambda f: -f)}, "leave out the mea"),
        ({"loss": LossPair(lambda r: r, lambda f: -f)}, r"takes 1 positional .*\n.*\(real, fake\)"),
        ({"penalties": {(lambda score: score): 1.0}}, "the penalty cannot be used .*takes 1 posi"),
        ({"augment": lambda examples, seed: examples[:, :8]}, r"augment gives float32 \(4, 8"),
    ],
)
def test_other_settings_are_refused(settings, message):
    with pytest.raises(UserError, match=message):
        small_gan(**settings)


def test_networks_that_do_not_belong_together_are_refused():
    generator, discriminator = networks(size=16)
    _, large = networks(size=32)
    with pytest.raises(UserError, match=r"generator takes inputs of .*16, 16, 3.*\n.*\n.*swapped"):
        TwoTimeScaleGAN(discriminator, generator, latent_size=8)
    with pytest.raises(UserError, match=r"discriminator takes inputs .*32, 32, 3.*\n.*\(16, 16, 3"):
        TwoTimeScaleGAN(generator, large, latent_size=8)
    undeclared = keras.Sequential([keras.layers.Flatten(), keras.layers.Dense(1)])
    with pytest.raises(UserError, match="swapped"):
        TwoTimeScaleGAN(undeclared, generator, latent_size=8)


def test_a_generator_without_negative_values_is_a_warning(capsys):
    """A sigmoid behind bounded units does not reach its ends, by which it would be known."""
    layers = keras.layers
    inner = [keras.Input((8,)), layers.Dense(16, "tanh")]
    _, discriminator = networks(size=16)
    for last, count in (("sigmoid", 1), ("tanh", 0)):
        outer = [layers.Dense(16 * 16 * 3, last), layers.Reshape((16, 16, 3))]
        TwoTimeScaleGAN(keras.Sequential(inner + outer), discriminator, latent_size=8)
        assert capsys.readouterr().err.count("no value below 0") == count
