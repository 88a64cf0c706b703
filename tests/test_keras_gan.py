"""A GAN with compile and fit: the same update as the training's own loop."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import tf_ttur
from tests.conformance.models import build
from tf_ttur.errors import UserError
from tf_ttur.losses import LossPair
from tf_ttur.metrics.pixels import PixelPooling
from tf_ttur.optimizers.fused import FusedAdam
from tf_ttur.training import devices, evaluation, randomness
from tf_ttur.training import update as updates
from tf_ttur.training.randomness import Purpose
from tf_ttur.training.state import State

UPDATES = 20


@pytest.fixture(autouse=True)
def seed():
    """`fit` shuffles by a global seed, which deterministic operations must have."""
    keras.utils.set_random_seed(0)
    yield
    tf.random.set_seed(None)


def networks(outputs=1, last=None, size=32):
    """A generator and a discriminator with fixed initial weights."""
    seeds = iter(range(9))

    def dense(units, activation=None):
        return keras.layers.Dense(
            units, activation, kernel_initializer=keras.initializers.GlorotUniform(next(seeds))
        )

    generator = keras.Sequential(
        [
            keras.Input((8,)),
            dense(16, "relu"),
            dense(size * size * 3, "tanh"),
            keras.layers.Reshape((size, size, 3)),
        ]
    )
    discriminator = keras.Sequential(
        [
            keras.Input((size, size, 3)),
            keras.layers.Flatten(),
            dense(16, "relu"),
            dense(outputs, last),
        ]
    )
    return generator, discriminator


def by_the_loop(config, strategy):
    """The weights of both networks after UPDATES updates of the training's own loop."""
    examples = evaluation.open_examples(config)
    with strategy.scope():
        state = State(config)
        generator, discriminator = networks()
        state.generator.set_weights(generator.get_weights())
        state.discriminator.set_weights(discriminator.get_weights())
    update = updates.build_update(config, strategy, state, examples.encode)
    batch_size = devices.batch_per_replica(config, strategy)
    iterator = updates.distribute_batches(config, strategy, examples, batch_size, 0)
    for number in range(UPDATES):
        update(tf.constant(number, tf.int64), iterator)
    return state.generator.get_weights() + state.discriminator.get_weights()


def by_fit(config, strategy):
    """The same by `TwoTimeScaleGAN.fit`, on the same batches."""
    with strategy.scope():
        generator, discriminator = networks()
        gan = tf_ttur.keras.TwoTimeScaleGAN(
            generator,
            discriminator,
            latent_size=8,
            loss=config.loss,
            discriminator_steps=config.discriminator.steps,
            penalties={"gradient_penalty": config.discriminator.gradient_penalty},
            latent=config.latent.distribution,
            seed=config.seed,
        )
        gan.compile(
            discriminator_optimizer=FusedAdam(1e-3, 0.5, epsilon=1e-8),
            generator_optimizer=FusedAdam(2e-3, 0.5, epsilon=1e-8),
        )
    examples = evaluation.open_examples(config)
    seed = randomness.key(config.seed, Purpose.DATA_ORDER).numpy()
    stride = config.discriminator.steps * strategy.num_replicas_in_sync
    batch_size = config.batch_size // strategy.num_replicas_in_sync
    batches = examples.batches(seed, 0, stride, batch_size).take(UPDATES * stride)
    images = tf.concat([examples.encode(batch) for batch in batches], 0)
    data = tf.data.Dataset.from_tensor_slices(images)
    data = data.batch(config.batch_size * config.discriminator.steps, drop_remainder=True)
    history = gan.fit(data, epochs=1, shuffle=False, verbose=0).history
    assert np.isfinite(history["discriminator_loss"] + history["generator_loss"]).all()
    return generator.get_weights() + discriminator.get_weights()


@pytest.mark.parametrize("replicas, steps", [(1, 1), (1, 3), (2, 1)])
def test_both_doors_make_the_same_updates(tmp_path, replicas, steps):
    """Twenty of them, from the same networks, data and seed."""
    config = build(
        "dcgan",
        tmp_path,
        **{
            "model.generator": f"{__name__}:make_generator",
            "model.discriminator": f"{__name__}:make_discriminator",
            "latent.size": 8,
            "latent.distribution": "normal",
            "latent.shared": False,
            "loss": "wasserstein",
            "discriminator.steps": steps,
            "discriminator.gradient_penalty": 10.0,
        },
    )
    # One strategy of two replicas per process: two would share the keys of their operations.
    strategy = devices.mirrored_strategy()
    if replicas == 1:
        strategy = tf.distribute.MirroredStrategy(["CPU:0"])
    assert strategy.num_replicas_in_sync == replicas
    loop = by_the_loop(config, strategy)
    fit = by_fit(config, strategy)
    start = [weight for network in networks() for weight in network.get_weights()]
    moves = [abs(a - before).max() for before, a in zip(start, loop, strict=True)]
    assert max(moves) > 0.01
    for a, b, moved in zip(loop, fit, moves, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-3 * moved)


def make_generator():
    return networks()[0]


def make_discriminator():
    return networks()[1]


def small_gan(**settings):
    generator, discriminator = networks(size=16)
    gan = tf_ttur.keras.TwoTimeScaleGAN(
        generator, discriminator, **{"latent_size": 8, "loss": "hinge", **settings}
    )
    gan.compile(
        discriminator_optimizer=keras.optimizers.Adam(4e-4, beta_1=0.0),
        generator_optimizer=keras.optimizers.Adam(1e-4, beta_1=0.0),
    )
    return gan


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).integers(0, 256, (64, 16, 16, 3), np.uint8)


def test_three_lines_train_and_measure(images):
    """The example of the module, with another network than Inception."""
    gan = small_gan(ema_decay=0.9)
    network = PixelPooling()
    fid = tf_ttur.keras.FrechetInceptionDistance(
        images, network, num_images=32, every_epochs=2, quantisation="float"
    )
    history = gan.fit(images, batch_size=16, epochs=4, callbacks=[fid], verbose=0).history
    assert list(fid.results) == [2, 4]
    name = network.metric
    assert [value for value in history[name] if value] == [r.value for r in fid.results.values()]
    live = gan.generator.get_weights()
    with gan.averaged():
        averaged = gan.generator.get_weights()
    assert any((a != b).any() for a, b in zip(live, averaged, strict=True))
    assert gan(np.zeros((2, 8), np.float32)).shape == (2, 16, 16, 3)


@pytest.mark.parametrize(
    "settings",
    [
        {"loss": "relativistic_average"},
        {"penalties": {"r1": 10.0}, "generator_steps": 2},
        {"clip_weights": 0.01, "discriminator_steps": 2, "loss": "wasserstein"},
        {"loss": LossPair(lambda real, fake: fake - real, lambda fake: -fake, None)},
    ],
)
def test_settings_train(images, settings):
    gan = small_gan(**settings)
    history = gan.fit(images, batch_size=32, epochs=1, verbose=0).history
    assert np.isfinite(history["generator_loss"]).all()
    if "clip_weights" in settings:
        assert max(abs(w).max() for w in gan.discriminator.get_weights()) <= 0.01


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda images: (images, np.zeros(64)), "images with labels"),
        (lambda images: images[:, :8], r"images of shape \(64, 8, 16, 3\)"),
    ],
)
def test_other_data_are_refused(images, change, message):
    data = change(images)
    with pytest.raises(UserError, match=message):
        small_gan().fit(*(data if isinstance(data, tuple) else (data,)), verbose=0)


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"loss": "hinges"}, "did you mean hinge"),
        ({"loss": "boundary_equilibrium"}, "auto-encoder"),
        ({"loss": 3}, "the loss is of type int"),
        ({"penalties": {"r3": 1.0}}, "there is no penalty 'r3'"),
        ({"penalties": {"r1": -1.0}}, "weight -1"),
    ],
)
def test_other_settings_are_refused(settings, message):
    with pytest.raises(UserError, match=message):
        small_gan(**settings)


def test_other_networks_are_refused():
    generator, wide = networks(outputs=2)
    with pytest.raises(UserError, match=r"discriminator gives float32 \(2, 2\) for 2 examples"):
        tf_ttur.keras.TwoTimeScaleGAN(generator, wide, latent_size=8)
    _, bounded = networks(last="sigmoid")
    with pytest.raises(UserError, match="probabilities"):
        tf_ttur.keras.TwoTimeScaleGAN(generator, bounded, latent_size=8)
