import numpy as np
import pytest
import tensorflow as tf
from ml_collections import ConfigDict

from tf_ttur import config as configs
from tf_ttur import losses
from tf_ttur.data.images import Images
from tf_ttur.errors import UserError
from tf_ttur.training import devices, randomness
from tf_ttur.training import update as updates
from tf_ttur.training.randomness import Purpose
from tf_ttur.training.state import State


@pytest.fixture
def strategies():
    """{replicas: strategy}."""
    return {1: tf.distribute.MirroredStrategy(["CPU:0"]), 2: devices.mirrored_strategy()}


def run(config, strategy, count=2):
    """The weights after `count` updates, the generator's first, and the values of each update."""
    with strategy.scope():
        state = State(config)
    images = Images(config.data.source, config.data.image_size)
    update = updates.build_update(config, strategy, state, images.encode)
    iterator = updates.distribute_batches(
        config, strategy, images, devices.batch_per_replica(config, strategy), 0
    )
    values = [update(tf.constant(number, tf.int64), iterator)[0] for number in range(count)]
    values = [{name: float(value) for name, value in row.items()} for row in values]
    return state.generator.get_weights() + state.discriminator.get_weights(), values


def settings(config, **changes):
    """A validated copy with changes, such as {"generator.learning_rate": 1e-3}."""
    config = ConfigDict(config.to_dict())
    config.update_from_flattened_dict(changes)
    return configs.validate(config)


SGD = {"discriminator.optimizer": "sgd", "generator.optimizer": "sgd"}


def assert_one_equals_two(config, strategies, of_values, of_weights):
    """Compares values and weights after two updates; returns the weights of one replica.

    Args:
      of_values, of_weights: relative tolerances, that of the weights relative to their moves.
    """
    one, values_one = run(config, strategies[1])
    two, values_two = run(config, strategies[2])
    for a, b in zip(values_one, values_two, strict=True):
        np.testing.assert_allclose([*a.values()], [*b.values()], rtol=of_values)
    for start, a, b in zip(run(config, strategies[1], count=0)[0], one, two, strict=True):
        np.testing.assert_allclose(
            a - start, b - start, rtol=of_weights, atol=of_weights * abs(a - start).max() + 1e-7
        )
    return one


def test_one_replica_equals_two_with_several_discriminator_steps(tiny, strategies):
    """tests/conformance compares them for every model, with one step."""
    # With SGD the weights move by the gradient.
    config = settings(tiny, **SGD, **{"discriminator.steps": 2, "latent.shared": False})
    assert_one_equals_two(config, strategies, of_values=1e-5, of_weights=1e-3)


ALL_TOGETHER = {
    "loss": "relativistic_average",
    "latent.shared": False,
    "discriminator.r1": 0.1,
    "discriminator.zero_centered": 0.1,
    "discriminator.clip_gradients": 0.5,
    "discriminator.clip_weights": 0.03,
    "generator.clip_gradients": 0.5,
    "generator.steps": 2,
    "generator.ema_decay": 0.9,
}


@pytest.mark.slow  # 12 s
def test_one_replica_equals_two_with_all_that_looks_at_the_global_batch(tiny, strategies):
    config = settings(tiny, **SGD, **ALL_TOGETHER)
    one = assert_one_equals_two(config, strategies, of_values=1e-4, of_weights=2e-3)
    discriminator = [weight for weight in one if weight.size][-4:]
    assert max(abs(weight).max() for weight in discriminator) <= 0.03 + 1e-9


def test_the_gradient_is_shortened_to_its_limit(tiny, strategies):
    """With SGD a step has the length of the rate times the limit."""
    limits = {"generator.clip_gradients": 1e-3, "generator.learning_rate": 1.0}
    config = settings(tiny, **SGD, **limits)
    start, _ = run(config, strategies[1], count=0)
    end, _ = run(config, strategies[1], count=1)
    with strategies[1].scope():
        generator = State(config).generator
    squares = [
        ((after - before) ** 2).sum()
        for variable, before, after in zip(generator.weights, start, end, strict=False)
        if variable.trainable
    ]
    assert np.sqrt(sum(squares)) == pytest.approx(1e-3, rel=1e-2)


def test_same_seed_same_run_and_other_seed_another(tiny, strategies):
    first, second, other = (
        run(config, strategies[1])[0] for config in (tiny, tiny, settings(tiny, seed=1))
    )
    assert all((a == b).all() for a, b in zip(first, second, strict=True))
    assert any(abs(a - b).max() > 0.01 for a, b in zip(first, other, strict=True))


def test_order_of_the_two_steps(tiny, strategies):
    """Compares with the update written out: the discriminator steps first, and the generator learns
    from the new discriminator.
    """
    config = settings(tiny, **SGD)
    measured, values = run(config, strategies[1], count=1)

    state = State(config)
    generator = state.generator
    discriminator = state.discriminator
    pair = losses.pair(config.loss)
    seed = randomness.key(config.seed, Purpose.LATENTS, 0, 0)
    latents = randomness.latents("uniform", (config.batch_size, config.latent.size), seed)
    order = randomness.key(config.seed, Purpose.DATA_ORDER).numpy()
    real = next(iter(Images(config.data.source, 32).batches(order, 0, 1, config.batch_size)))
    with tf.GradientTape() as tape:
        fake = generator(latents, training=True)
        loss_d = tf.reduce_mean(pair.discriminator(discriminator(real), discriminator(fake)))
    for variable, gradient in zip(
        discriminator.trainable_variables,
        tape.gradient(loss_d, discriminator.trainable_variables),
        strict=True,
    ):
        variable.assign(variable - config.discriminator.learning_rate * gradient)
    moving = [(norm.moving_mean, norm.moving_variance) for norm in generator.norms]
    kept = [(mean.numpy(), variance.numpy()) for mean, variance in moving]
    with tf.GradientTape() as tape:
        loss_g = tf.reduce_mean(pair.generator(discriminator(generator(latents, training=True))))
    for variable, gradient in zip(
        generator.trainable_variables,
        tape.gradient(loss_g, generator.trainable_variables),
        strict=True,
    ):
        variable.assign(variable - config.generator.learning_rate * gradient)
    # The update makes one forward pass of the generator, not two, so they move once.
    for (mean, variance), (old_mean, old_variance) in zip(moving, kept, strict=True):
        mean.assign(old_mean)
        variance.assign(old_variance)

    assert values[0]["loss/discriminator"] == pytest.approx(float(loss_d), rel=1e-5)
    assert values[0]["loss/generator"] == pytest.approx(float(loss_g), rel=1e-5)
    for a, b in zip(measured, generator.get_weights() + discriminator.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-6)


def test_several_critic_steps(strategies):
    """Compares with the update written out: each critic step has its own batch, latents and penalty
    points, and the generator has new latents.
    """
    config = configs.wgan_gp(critic_steps=3)
    config.name = "tiny"
    config.variant = "orig"
    config.updates = 2
    config.data.source = "digits:64"
    config.batch_size = 8
    config.model.width = 4
    config.discriminator.learning_rate = 1e-3
    config.generator.learning_rate = 2e-3
    config = settings(config, **SGD)
    measured, values = run(config, strategies[1], count=2)

    state = State(config)
    generator = state.generator
    critic = state.discriminator
    order = randomness.key(config.seed, Purpose.DATA_ORDER).numpy()
    batches = iter(Images(config.data.source, 32).batches(order, 0, 1, config.batch_size))

    def latents(number, step):
        return tf.random.stateless_normal(
            (8, 128), randomness.key(config.seed, Purpose.LATENTS, number, step)
        )

    def move(player, variables, gradients):
        for variable, gradient in zip(variables, gradients, strict=True):
            variable.assign(variable - player.learning_rate * gradient)

    for number in range(2):
        for step in range(3):
            real = next(batches)
            fake = generator(latents(number, step), training=True)
            share = tf.random.stateless_uniform(
                (8,), randomness.key(config.seed, Purpose.GRADIENT_PENALTY, number, step)
            )[:, None, None, None]
            with tf.GradientTape() as tape:
                between = (1 - share) * real + share * fake
                with tf.GradientTape() as inner:
                    inner.watch(between)
                    scores = critic(between)
                norms = tf.norm(tf.reshape(inner.gradient(scores, between), (8, -1)), axis=1)
                loss_d = (
                    tf.reduce_mean(critic(fake))
                    - tf.reduce_mean(critic(real))
                    + 10 * tf.reduce_mean((norms - 1) ** 2)
                )
            move(
                config.discriminator,
                critic.trainable_variables,
                tape.gradient(loss_d, critic.trainable_variables),
            )
        with tf.GradientTape() as tape:
            loss_g = -tf.reduce_mean(critic(generator(latents(number, 3), training=True)))
        move(
            config.generator,
            generator.trainable_variables,
            tape.gradient(loss_g, generator.trainable_variables),
        )
        assert values[number]["loss/discriminator"] == pytest.approx(float(loss_d), rel=1e-3)
        assert values[number]["loss/generator"] == pytest.approx(float(loss_g), rel=1e-3)
    start = run(config, strategies[1], count=0)[0]
    for before, a, b in zip(
        start, measured, generator.get_weights() + critic.get_weights(), strict=True
    ):
        moved = abs(b - before).max(initial=0)
        np.testing.assert_allclose(a - before, b - before, rtol=1e-2, atol=1e-2 * moved + 1e-7)


def test_began(strategies):
    """Compares with the update written out: the discriminator, the generator, then the balance.

    The next update uses the new balance.
    """
    config = configs.began()
    config.name = "tiny"
    config.variant = "ttur"
    config.updates = 2
    config.data.source = "digits:64"
    config.batch_size = 8
    config.model.width = 4
    config.equilibrium.rate = 0.5
    config.discriminator.learning_rate = 1e-2
    config.generator.learning_rate = 2e-2
    config = settings(config, **SGD)
    measured, values = run(config, strategies[1], count=2)

    state = State(config)
    generator = state.generator
    discriminator = state.discriminator
    start = generator.get_weights() + discriminator.get_weights()
    order = randomness.key(config.seed, Purpose.DATA_ORDER).numpy()
    batches = iter(Images(config.data.source, 32).batches(order, 0, 1, config.batch_size))

    def error(images):
        return tf.reduce_mean(abs(discriminator.reconstruct(images) - images))

    def move(player, variables, gradients):
        for variable, gradient in zip(variables, gradients, strict=True):
            variable.assign(variable - player.learning_rate * gradient)

    balance = 0.0
    for number in range(2):
        latents = tf.random.stateless_uniform(
            (8, 64), randomness.key(config.seed, Purpose.LATENTS, number, 0), -1, 1
        )
        real = next(batches)
        fake = generator(latents)
        with tf.GradientTape() as tape:
            error_real = error(real)
            error_fake = error(fake)
            loss_d = error_real - balance * error_fake
        move(
            config.discriminator,
            discriminator.trainable_variables,
            tape.gradient(loss_d, discriminator.trainable_variables),
        )
        with tf.GradientTape() as tape:
            loss_g = error(generator(latents))
        move(
            config.generator,
            generator.trainable_variables,
            tape.gradient(loss_g, generator.trainable_variables),
        )
        difference = 0.5 * float(error_real) - float(error_fake)
        balance += 0.5 * difference
        assert 0.05 < balance < 0.95  # it matters, and is not clipped
        expected = {
            "loss/discriminator": float(loss_d),
            "loss/generator": float(loss_g),
            "balance": balance,
            "convergence": float(error_real) + abs(difference),
        }
        assert values[number] == pytest.approx(expected, rel=1e-4)
    for before, a, b in zip(
        start, measured, generator.get_weights() + discriminator.get_weights(), strict=True
    ):
        np.testing.assert_allclose(
            a - before, b - before, rtol=1e-2, atol=1e-2 * abs(b - before).max()
        )


def test_rates_are_per_player(tiny, strategies):
    slow = settings(tiny, **{"generator.learning_rate": 1e-9})
    start = run(slow, strategies[1], count=0)[0]
    end = run(slow, strategies[1], count=1)[0]
    generator = len(State(slow).generator.trainable_variables)
    moved = [abs(a - b).max() for a, b in zip(start, end, strict=True)]
    assert max(moved[-9:]) > 1e-4  # the discriminator's
    kernels = [
        m
        for m, weights in zip(moved[:generator], start[:generator], strict=True)
        if weights.ndim > 1
    ]
    assert max(kernels) < 1e-6


@pytest.mark.parametrize(
    "loss", [name for name, loss in losses.LOSSES.items() if not loss.balanced]
)
def test_every_loss_trains(tiny, strategies, loss):
    _, values = run(settings(tiny, loss=loss), strategies[1], count=1)
    assert all(np.isfinite(value) for value in values[0].values())


def test_batch_that_cannot_be_divided(tiny, strategies):
    with pytest.raises(UserError, match="2 devices"):
        devices.batch_per_replica(settings(tiny, batch_size=9), strategies[2])


def test_packed_samples_stay_together(strategies):
    config = configs.wgan_gp(critic_steps=1)
    config.batch_size = 12
    config.model.samples_per_score = 4
    with pytest.raises(UserError, match=r"12 on 2 devices\n.*multiple of 8, as the critic"):
        devices.batch_per_replica(config, strategies[2])
