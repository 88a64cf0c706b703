"""Networks of the user's own that stand in the place of an architecture's."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.conformance.models import Training, build
from tf_ttur import config as configs
from tf_ttur import registry
from tf_ttur.data.exported import Exported
from tf_ttur.errors import UserError
from tf_ttur.losses import LossPair
from tf_ttur.runs import open_run
from tf_ttur.training import devices, loop, networks
from tf_ttur.training import export as exports
from tf_ttur.training.checkpoints import Checkpoints
from tf_ttur.training.game import TrainedGame
from tf_ttur.training.state import State

NETWORKS = """
import keras
from keras import layers


class Generator(keras.Model):
    def __init__(self, latent_size, shape):
        super().__init__()
        self.dense = layers.Dense(8 * 8 * 4)
        self.norm = layers.BatchNormalization(synchronized=True)
        self.convolution = layers.Conv2DTranspose(shape[-1], 4, 4, activation="tanh")

    def call(self, latents, training=False):
        x = self.norm(self.dense(latents), training=training)
        return self.convolution(layers.Reshape((8, 8, 4))(keras.ops.relu(x)))


def discriminator(*between):
    return keras.Sequential(
        [layers.Conv2D(4, 4, 4), layers.LeakyReLU(), *between, layers.Flatten(), layers.Dense(1)]
    )


def plain():
    return discriminator()


def dropout():
    return discriminator(layers.Dropout(0.5))


def spectral():
    return discriminator(layers.SpectralNormalization(layers.Conv2D(4, 3)))


def grouped():
    return discriminator(layers.GroupNormalization(2))


def batch_norm():
    return discriminator(layers.BatchNormalization(synchronized=True))


INSTANCE = keras.Sequential([keras.Input((32, 32, 3)), layers.Flatten(), layers.Dense(1)])
inputs = keras.Input((32, 32, 3))
FUNCTIONAL = keras.Model(inputs, layers.Dense(1)(layers.Flatten()(inputs)))


def two_outputs():
    return keras.Sequential([layers.Flatten(), layers.Dense(2)])


def probabilities():
    return keras.Sequential([layers.Flatten(), layers.Dense(1, activation="sigmoid")])


class Probabilities(keras.Model):
    def __init__(self):
        super().__init__()
        self.dense = layers.Dense(1)
        self.flatten = layers.Flatten()

    def call(self, images):
        return keras.ops.sigmoid(self.dense(self.flatten(images)))


def gated():
    # A sigmoid, but not at the end.
    return discriminator(layers.Conv2D(4, 1, activation="sigmoid"))


def small_images():
    return keras.Sequential([layers.Dense(28 * 28 * 3), layers.Reshape((28, 28, 3))])


def bright_images():
    return keras.Sequential(
        [layers.Dense(32 * 32 * 3, activation="sigmoid"), layers.Reshape((32, 32, 3))]
    )


def small_latents():
    return keras.Sequential(
        [keras.Input((32,)), layers.Dense(32 * 32 * 3), layers.Reshape((32, 32, 3))]
    )


class SmallLatents(keras.Model):  # declares no shape
    def __init__(self):
        super().__init__()
        self.dense = layers.Dense(32 * 32 * 3)
        self.dense.build((None, 32))

    def call(self, latents):
        return layers.Reshape((32, 32, 3))(self.dense(latents))


def no_network():
    return "a network"


def fade(examples, seed):
    return examples / 2


def narrow(examples, seed):
    return examples[:, :8]
"""


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("own") / "my_networks.py"
    path.write_text(NETWORKS, encoding="utf-8")
    return path


def own(file, folder, discriminator="plain", **changes):
    """A config with networks of `file`."""
    words = {
        "model.generator": f"{file}:Generator",
        "model.discriminator": f"{file}:{discriminator}",
        "discriminator.optimizer": "sgd",
        "generator.optimizer": "sgd",
    }
    return build("dcgan", folder, **(words | changes))


def equal(first, second):
    return all((a == b).all() for a, b in zip(first, second, strict=True))


LAYERS = ["plain", "dropout", "gated", "spectral", "grouped", "batch_norm"]
LAYERS += ["INSTANCE", "FUNCTIONAL"]


@pytest.mark.parametrize("discriminator", LAYERS)
def test_an_update_is_repeated_to_the_bit_and_the_generator_exported(file, tmp_path, discriminator):
    config = own(file, tmp_path, discriminator)
    training = Training(config, tf.distribute.MirroredStrategy(["CPU:0"]))
    training.go(0, 1)
    kept = Checkpoints(tmp_path, training.state, keep=5)
    kept.save(1)
    [values] = training.go(1, 1)
    weights = training.weights()
    assert np.isfinite(list(values.values())).all()
    training.state.read(kept.path(1))
    assert training.go(1, 1) == [values]
    assert equal(training.weights(), weights)

    generator = training.state.generator
    exports.export(config, generator, tmp_path / "export")
    latents = tf.random.stateless_normal((5, 100), (0, 0))
    signature = tf.saved_model.load(str(tmp_path / "export")).signatures["serving_default"]
    np.testing.assert_allclose(
        signature(latents=latents)["images"], generator(latents, training=False), atol=1e-5
    )


@pytest.mark.parametrize("discriminator", ["dropout", "spectral", "batch_norm"])
def test_two_replicas_keep_the_same_weights(file, tmp_path, discriminator):
    """And, where nothing random is drawn in the replicas, those of one replica."""
    config = own(file, tmp_path, discriminator)
    double = Training(config, devices.mirrored_strategy())
    values = double.go(0, 2)
    assert np.isfinite([list(row.values()) for row in values]).all()
    for variable in double.state.discriminator.trainable_variables:
        first, second = double.strategy.experimental_local_results(variable.value)
        np.testing.assert_array_equal(first, second)
    if discriminator == "batch_norm":
        single = Training(config, tf.distribute.MirroredStrategy(["CPU:0"]))
        for a, b in zip(single.go(0, 2), values, strict=True):
            assert a == pytest.approx(b, rel=1e-4)


def test_networks_of_the_same_seed_are_the_same(file, tmp_path):
    """Although they are given no seed; and the process' own random numbers stay as they were."""
    config = own(file, tmp_path)
    np.random.seed(7)
    expected = np.random.rand(2)
    np.random.seed(7)
    first, again = (networks.build_discriminator(config).get_weights() for _ in range(2))
    np.testing.assert_array_equal(np.random.rand(2), expected)
    config.seed = 1
    other = networks.build_discriminator(config).get_weights()
    assert equal(first, again)
    assert not equal(first, other)


@pytest.mark.parametrize(
    "key, name, message",
    [
        ("discriminator", "two_outputs", r"gives float32 \(2, 2\) for 2 examples\n.*one number"),
        ("discriminator", "probabilities", r"sigmoid: it gives probabilities\n.*logits"),
        ("discriminator", "Probabilities", r"sigmoid: it gives probabilities\n.*logits"),
        ("generator", "small_images", r"gives float32 \(2, 28, 28, 3\)\n.*\(2, 32, 32, 3\)"),
        ("generator", "bright_images", r"sigmoid: its values are in 0 ... 1\n.*-1 ... 1"),
        ("generator", "small_latents", r"takes latents of 32; .*size is 100\n.*\n.*set .*=32"),
        ("generator", "SmallLatents", r"\(ValueError: Input 0 .*expected axis -1 "),
        ("generator", "INSTANCE", r"takes inputs of shape \(32, 32, 3\)\n.*\n.*swapped"),
        ("generator", "plain", r"generator cannot be used"),
        ("generator", "two_outputs", r"gives float32 \(2, 2\)\n"),
        ("discriminator", "small_latents", r"inputs of shape \(32,\)\n.*\(32, 32, 3\)"),
        ("generator", "no_network", r"gives str, not a Keras model"),
        ("generator", "nothing", r"has no nothing\n"),
    ],
)
def test_what_does_not_fit_is_named_before_the_first_update(file, tmp_path, key, name, message):
    with pytest.raises(UserError, match=message):
        config = own(file, tmp_path, **{f"model.{key}": f"{file}:{name}"})
        getattr(networks, f"build_{key}")(config)


def test_a_function_of_the_batches_is_applied_to_both_kinds(file, tmp_path):
    one_replica = tf.distribute.MirroredStrategy(["CPU:0"])
    plain = Training(own(file, tmp_path), one_replica).go(0, 1)
    word = f"{file}:fade"
    faded = Training(own(file, tmp_path, **{"discriminator.augment": word}), one_replica)
    assert faded.go(0, 1)[0]["loss/discriminator"] != plain[0]["loss/discriminator"]
    with pytest.raises(UserError, match=r"narrow gives float32 \(4, 8, 32, 3\)"):
        State(own(file, tmp_path, **{"discriminator.augment": f"{file}:narrow"}))


def given_networks():
    generator = keras.Sequential(
        [
            keras.Input((100,)),
            keras.layers.Dense(32 * 32 * 3, activation="tanh"),
            keras.layers.Reshape((32, 32, 3)),
        ]
    )
    discriminator = keras.Sequential(
        [keras.Input((32, 32, 3)), keras.layers.Flatten(), keras.layers.Dense(1)]
    )
    return {"generator": generator, "discriminator": discriminator}


@pytest.mark.usefixtures("one_replica")
def test_networks_given_from_python_are_trained_resumed_and_exported(tiny, tmp_path):
    tiny.evaluation.every_updates = 0
    tiny.updates = 2
    players = given_networks()
    start = players["generator"].get_weights()
    loop.train(tiny, tmp_path / "run", **players)
    assert equal(players["generator"].get_weights(), start)  # a copy is trained
    tiny.updates = 3
    loop.train(tiny, tmp_path / "run", **players)
    assert len(list(Exported(tmp_path / "run/export").blocks(3, 0))) == 1
    with pytest.raises(UserError, match=r"given:\w+ stands for an object .* from Python"):
        configs.from_json(tmp_path / "run/config.json")
    assert registry._GIVEN == {}
    run = open_run(tmp_path / "run")
    with pytest.raises(UserError, match=rf"given:generator stands[\s\S]*: +use {run.path}/export"):
        exports.export_run(run, tmp_path / "again")
    with pytest.raises(UserError, match=r"nash[\s\S]*to do: +train a card that names all of them"):
        TrainedGame(run.path, 2)


@pytest.mark.usefixtures("one_replica")
def test_an_export_needs_no_loss(tiny, tmp_path):
    tiny.evaluation.every_updates = 0
    tiny.updates = 2
    tiny.generator.ema_decay = 0.5
    hinge = LossPair(lambda real, fake: tf.nn.relu(1 - real + fake), lambda fake: -fake)
    loop.train(tiny, tmp_path / "run", loss=hinge)
    assert exports.export_run(open_run(tmp_path / "run"), tmp_path / "again") == 2
    first, second = (Exported(tmp_path / name).sample(3, 0) for name in ("run/export", "again"))
    np.testing.assert_array_equal(first, second)


@pytest.mark.usefixtures("one_replica")
def test_a_generator_without_negative_values_is_a_warning_once(tiny, tmp_path, capsys):
    """A sigmoid behind bounded units does not reach its ends, by which it would be known."""
    tiny.evaluation.every_updates = 0
    layers = keras.layers
    bright = keras.Sequential(
        [
            keras.Input((100,)),
            layers.Dense(16, "tanh"),
            layers.Dense(32 * 32 * 3, "sigmoid"),
            layers.Reshape((32, 32, 3)),
        ]
    )
    players = given_networks()
    for name, generator, count in (("tanh", players["generator"], 0), ("sigmoid", bright, 1)):
        for tiny.updates in (1, 2):  # a new run, then its resume
            loop.train(tiny, tmp_path / name, **players | {"generator": generator})
        assert capsys.readouterr().err.count("no value below 0") == count


def test_the_average_of_the_generator_is_measured_and_exported(tiny, tmp_path):
    """With a decay of 0 < d: a_n = d a_(n-1) + (1 - d) w_n, from the initial weights on."""
    tiny.generator.ema_decay = 0.75
    training = Training(configs.validate(tiny), tf.distribute.MirroredStrategy(["CPU:0"]))
    state = training.state
    expected = [variable.numpy() for variable in state.generator.trainable_variables]
    for number in range(3):
        training.go(number, 1)
        live = [variable.numpy() for variable in state.generator.trainable_variables]
        expected = [0.75 * a + 0.25 * w for a, w in zip(expected, live, strict=True)]
    with state.presented():
        shown = [variable.numpy() for variable in state.generator.trainable_variables]
    for found, value in zip(shown, expected, strict=True):
        np.testing.assert_allclose(found, value, atol=1e-7)
    assert equal([v.numpy() for v in state.generator.trainable_variables], live)
    kept = Checkpoints(tmp_path, state, keep=1)
    kept.save(3)
    training.go(3, 1)
    state.read(kept.path(3))
    assert equal([average.numpy() for average in state.average.variables], shown)
