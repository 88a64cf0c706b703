"""The FID as a Keras metric and as a callback of `fit`."""

import math
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

import tf_ttur.keras
from tests.metrics.mini_inception import graph_bytes
from tf_ttur import metrics
from tf_ttur.errors import UserError
from tf_ttur.keras import FrechetInceptionDistance, FrechetInceptionDistanceCallback
from tf_ttur.metrics.inception import Inception, Replicated
from tf_ttur.metrics.moments import Moments
from tf_ttur.metrics.networks import FeatureNetwork
from tf_ttur.training import devices

pytestmark = pytest.mark.filterwarnings("ignore:.*images for [0-9]+ features")


@pytest.fixture(scope="module")
def network():
    return Inception(graph_bytes())


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).integers(0, 256, (96, 16, 16, 3), np.uint8)


@pytest.fixture(scope="module")
def reference(network):
    real = np.random.default_rng(1).integers(0, 200, (120, 16, 16, 3), np.uint8)
    return metrics.compute_statistics(real, network)


def expected(network, images, batch=16):
    moments = Moments(network.dimension)
    for first in range(0, len(images), batch):
        moments.update(network(images[first : first + batch])[0].numpy())
    return moments


def assert_moments(metric, moments, rel=1e-10):
    found = metric.statistics()
    scale = np.abs(moments.covariance).max()
    np.testing.assert_allclose(found.mu, moments.mean, rtol=rel, atol=rel * scale**0.5)
    np.testing.assert_allclose(found.sigma, moments.covariance, rtol=0, atol=rel * scale)
    assert found.provenance["num_images"] == moments.count


def test_it_is_found_on_first_use():
    assert tf_ttur.keras.FrechetInceptionDistance is FrechetInceptionDistance
    code = """
import sys, tf_ttur
print('tensorflow' in sys.modules, tf_ttur.keras.FrechetInceptionDistance.__name__)
try: tf_ttur.fud
except AttributeError as error: print(error)
"""
    process = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    )
    assert process.stdout.splitlines() == [
        "False FrechetInceptionDistance",
        "module 'tf_ttur' has no attribute 'fud'",
    ]


@pytest.mark.parametrize("kind", ["eager", "tf.function", "unknown shape"])
def test_one_device(network, images, reference, kind):
    metric = FrechetInceptionDistance(reference, network)
    assert metric.name == "fid_unknown"
    update = metric.update_state
    if kind == "tf.function":
        update = tf.function(metric.update_state)
    elif kind == "unknown shape":
        signature = [tf.TensorSpec((None, None, None, 3), tf.uint8)]
        update = tf.function(metric.update_state, input_signature=signature)
    assert math.isnan(metric.result())
    for first in range(0, len(images), 16):
        update(tf.constant(images[first : first + 16]))
    assert_moments(metric, expected(network, images))
    value = metrics.evaluate(images, reference, network)["fid_unknown"].value
    assert float(metric.result()) == pytest.approx(value, rel=1e-9)
    assert float(tf.function(metric.result)()) == pytest.approx(value, rel=1e-9)
    metric.reset_state()
    assert math.isnan(metric.result())
    update(tf.constant(images[:40]))
    assert_moments(metric, expected(network, images[:40]))
    with pytest.raises((UserError, tf.errors.InvalidArgumentError), match="size"):
        update(tf.zeros((4, 18, 16, 3), tf.uint8))


def test_replicas(network, images, reference):
    """Two devices, with unequal batches; each image counts once."""
    strategy = devices.mirrored_strategy()
    assert strategy.num_replicas_in_sync == 2
    with strategy.scope():
        metric = FrechetInceptionDistance(reference, network)

    @tf.function
    def step(batch):
        strategy.run(metric.update_state, (batch,))

    data = tf.data.Dataset.from_tensor_slices(images).batch(22)
    for batch in strategy.experimental_distribute_dataset(data):
        step(batch)
    assert_moments(metric, expected(network, images))
    value = metrics.evaluate(images, reference, network)["fid_unknown"].value
    assert float(metric.result()) == pytest.approx(value, rel=1e-9)
    with strategy.scope():
        assert float(metric.result()) == pytest.approx(value, rel=1e-9)
    # Outside of the replicas too.
    metric.update_state(images[:33])
    assert_moments(metric, expected(network, np.concatenate([images, images[:33]])))
    metric.reset_state()
    assert math.isnan(metric.result())
    metric.update_state(images)
    assert_moments(metric, expected(network, images))
    with pytest.raises(UserError, match=r"call result\(\) after the loop"):
        strategy.run(metric.result)
    with pytest.raises(Exception, match=r"call result\(\) after the loop"):
        tf.function(metric.result)()


class Far:
    """Features far from zero, and one that hardly varies."""

    network = "far"
    metric = "fid_far"
    digest = "1"
    precision = "float32"
    dimension = 4

    def __call__(self, images):
        means = tf.reduce_mean(tf.cast(images, tf.float32), (1, 2)) / 255
        flat = 1e-3 * means[:, :1]
        return tf.concat([1000 + means, 1000 + flat], 1), None


def test_sums_keep_their_digits():
    network = Far()
    assert isinstance(network, FeatureNetwork)
    images = np.random.default_rng(2).integers(0, 256, (300, 8, 8, 3), np.uint8)
    metric = FrechetInceptionDistance(images[:100], network)
    for first in range(0, 300, 50):
        metric.update_state(images[first : first + 50])
    assert_moments(metric, expected(network, images))


@pytest.mark.parametrize("quantisation", ["round", "truncate", "float"])
@pytest.mark.parametrize("value_range", [None, (0, 1), (0, 255)])
def test_floats(network, images, reference, quantisation, value_range):
    floats = np.random.default_rng(3).uniform(0, 1, (40, 16, 16, 3)).astype(np.float32)
    low, high = value_range or (-1, 1)
    floats = floats * (high - low) + low
    options = {"quantisation": quantisation, "value_range": value_range}
    metric = FrechetInceptionDistance(reference, network, **options)
    metric.update_state(floats)
    known = metrics.compute_statistics(floats, network, **options)
    np.testing.assert_allclose(metric.statistics().mu, known.mu, rtol=1e-6, atol=1e-12)
    assert metric.statistics().provenance["quantisation"] == quantisation


def test_the_rule_of_ranges_holds_here_too(network, images, reference):
    metric = FrechetInceptionDistance(reference, network)
    update = tf.function(metric.update_state)
    for wrong, words in (
        (images / np.float32(255), r"value_range=\(0, 1\)"),
        ((images > 250).astype(np.uint8), "cast before scaling"),
        (images.astype(np.float32) * np.nan, "NaN or infinite"),
    ):
        metric.reset_state()
        update(wrong)
        with pytest.raises(UserError, match=words):
            metric.result()


def test_what_is_refused(network, images, reference, tmp_path):
    metric = FrechetInceptionDistance(reference, network)
    for wrong, words in (
        (images[0], "shape"),
        (images.astype(np.int32), "type int32"),
        (images[..., :2], "channels last"),
        (images[:, :8], "bring all to one size: --size 16"),
    ):
        with pytest.raises(UserError, match=words):
            metric.update_state(wrong)
    with pytest.raises(UserError, match="at least 2"):
        metric.statistics()
    with pytest.raises(UserError, match="network_sha1"):
        FrechetInceptionDistance(reference, Inception(graph_bytes(1)))
    with pytest.raises(UserError, match="does not exist"):
        FrechetInceptionDistance(tmp_path / "nothing", network)
    reference.save(tmp_path / "real.npz")
    by_file = FrechetInceptionDistance(tmp_path / "real.npz", Replicated(network, ["CPU:0"] * 1))
    by_file.update_state(images)
    metric.update_state(images)
    assert float(by_file.result()) == float(metric.result())


def test_grey_images_are_measured_as_rgb(network, images, reference):
    grey = images[..., :1]
    rgb = np.repeat(grey, 3, axis=-1)
    values = []
    for some in (grey, rgb):
        metric = FrechetInceptionDistance(reference, network)
        metric.update_state(some)
        values.append(float(metric.result()))
    assert values[0] == values[1]
    for form in (grey, grey[..., 0]):
        [result] = metrics.evaluate(form, reference, network).values()
        assert result.value == pytest.approx(values[0], rel=1e-6)
        assert result.provenance["generated"]["grey"] == len(images)


class GAN(keras.Model):
    """Trains nothing: its generator is moved a little at each step."""

    def __init__(self):
        super().__init__()
        initial = keras.initializers.RandomNormal(0, 0.5, 1)
        layers = keras.layers
        self.generator = keras.Sequential(
            [
                keras.Input((8,)),
                layers.Dense(16 * 16 * 3, "tanh", kernel_initializer=initial),
                layers.Reshape((16, 16, 3)),
            ]
        )

    def call(self, latents):
        return self.generator(latents)

    def train_step(self, data):
        for variable in self.generator.trainable_variables:
            variable.assign(variable * 0.9)
        return {"loss": 0.0}


def fit(callback, epochs=4, gan=None):
    gan = gan or GAN()
    gan.compile()
    data = tf.data.Dataset.from_tensors(tf.zeros((1, 8)))
    return gan, gan.fit(data, epochs=epochs, callbacks=[callback], verbose=0).history


def test_the_callback_writes_into_the_logs(network, reference):
    callback = FrechetInceptionDistanceCallback(
        reference, num_images=60, every_epochs=2, network=network, batch_size=25
    )
    gan, history = fit(callback)
    assert len(history["fid_unknown"]) == 2
    assert list(callback.results) == [2, 4]
    last = callback.results[4]
    assert history["fid_unknown"][-1] == last.value
    again = metrics.evaluate(gan.generator, reference, network, num_images=60, batch_size=25)
    assert again["fid_unknown"].value == last.value
    assert last.low < last.value < last.high


def test_the_callback_takes_a_function_and_a_name(network, reference, images):
    callback = FrechetInceptionDistanceCallback(
        reference,
        num_images=50,
        generator=lambda count: images[:count],
        network=network,
        batch_size=50,
        name="distance",
    )
    _, history = fit(callback, 1)
    assert len(history["distance"]) == 1


def test_a_generator_that_diverges_does_not_end_the_training(network, reference, images, capsys):
    drawn = iter([images[:50] / 127.5 - 1, np.full((50, 16, 16, 3), np.nan), images[:50] * 0.0 + 1])

    def draw(count):
        return next(drawn)

    options = {"generator": draw, "network": network, "batch_size": 50}
    callback = FrechetInceptionDistanceCallback(reference, 50, **options)
    _, history = fit(callback, 3)
    first, second, third = history["fid_unknown"]
    assert first > 0
    assert math.isnan(second)
    assert third > first  # all white, which would be in doubt at first
    assert "NaN in image 0" in capsys.readouterr().err
    wrong = FrechetInceptionDistanceCallback(
        reference, 50, **options | {"generator": lambda count: images[:count] / 255}
    )
    with pytest.raises(UserError, match=r"value_range=\(0, 1\)"):
        fit(wrong, 1)


def test_the_callback_refuses_before_the_training(network, reference):
    for options, words in (
        ({"every_epochs": 0}, "every_epochs 0"),
        ({"num_images": 0}, "num_images 0"),
        ({"latent": "beta"}, "latent 'beta'"),
    ):
        with pytest.raises(UserError, match=words):
            FrechetInceptionDistanceCallback(reference, network=network, **options)


def test_the_callback_under_a_strategy(network, reference):
    strategy = devices.mirrored_strategy()
    with strategy.scope():
        gan = GAN()
        gan.compile()
    callback = FrechetInceptionDistanceCallback(reference, 40, network=network)
    data = tf.data.Dataset.from_tensors(tf.zeros((2, 8)))
    history = gan.fit(data, epochs=1, callbacks=[callback], verbose=0).history
    assert history["fid_unknown"][0] == callback.results[1].value
