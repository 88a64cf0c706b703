"""One iteration of the two time-scale update: discriminator steps, then a generator step, each with its own optimizer."""

import tensorflow as tf

from tf_ttur import losses
from tf_ttur.training import randomness
from tf_ttur.training.randomness import Purpose


def build_update(config, strategy, state):
    """The update as a `tf.function`.

    The discriminator takes `config.discriminator.steps` steps, each on a batch and latents of its own. Then the generator
    takes one, with the latents of the last discriminator step (`config.latent.shared`, the DCGAN experiments) or with
    new ones. Losses are means over the global batch: each replica divides its mean by the number of replicas, and the
    optimizers add up the replicas' gradients.

    Both orders of the published codes are this one: WGAN-GP's "generator, then critic, without the generator at
    iteration 0" is the same row of steps.

    Args:
      config: the validated config.
      strategy: the distribution strategy in whose scope the state was made.
      state: `training.state.State`.

    Returns:
      update(number, iterator): `number` is a scalar int64 tensor, the count of updates so far; `iterator` gives the
      batches of real examples. Returns {"loss/discriminator", "loss/generator"}: float32 scalars on the device, the
      discriminator's from its last step; under the boundary equilibrium also "balance" and "convergence". Nothing waits
      for the device.
    """
    generator, discriminator = state.generator, state.discriminator
    loss, steps = losses.pair(config.loss, state.balance), config.discriminator.steps
    penalty, replicas = config.discriminator.gradient_penalty, strategy.num_replicas_in_sync

    def mean(values):
        return tf.reduce_mean(values) / replicas

    def draw_latents(number, step):
        seed = randomness.key(config.seed, Purpose.LATENTS, number, step)
        shape = (config.batch_size, config.latent.size)
        return randomness.share_of_replica(randomness.latents(config.latent.distribution, shape, seed))

    def discriminator_step(number, step, real, fake):
        with tf.GradientTape() as tape:
            outputs = discriminator(real, training=True), discriminator(fake, training=True)
            value = mean(loss.discriminator(*outputs))
            if penalty:
                seed = randomness.key(config.seed, Purpose.GRADIENT_PENALTY, number, step)
                mix = randomness.share_of_replica(tf.random.stateless_uniform((config.batch_size,), seed))
                penalties = losses.gradient_penalty(lambda x: discriminator(x, training=True), real, fake, mix)
                value += penalty * mean(penalties)
        variables = discriminator.trainable_variables
        state.discriminator_optimizer.apply(tape.gradient(value, variables), variables)
        return value, outputs

    def generator_step(fake, path):
        # `path` has recorded how the images came from the generator; here only their way through the discriminator.
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(fake)
            value = mean(loss.generator(discriminator(fake, training=True)))
        variables = generator.trainable_variables
        gradients = path.gradient(fake, variables, output_gradients=tape.gradient(value, fake))
        state.generator_optimizer.apply(gradients, variables)
        return value

    def move_balance(real_error, fake_error):
        replica = tf.distribute.get_replica_context()
        real_error, fake_error = replica.all_reduce(tf.distribute.ReduceOp.SUM, [real_error, fake_error])
        balance, convergence = losses.next_balance(state.balance, real_error, fake_error, **config.equilibrium)
        state.balance.assign(balance)
        return {"balance": balance / replicas, "convergence": convergence / replicas}

    def learn(number, step, batch):
        """A discriminator step. Returns (its loss, the outputs for real and generated examples, the latter, how they were made)."""
        real = tf.one_hot(batch, state.symbols) if state.symbols else batch
        with tf.GradientTape() as path:
            fake = generator(draw_latents(number, step), training=True)
        return *discriminator_step(number, step, real, fake), fake, path

    def finish(number, batch):
        """The last discriminator step and the generator step."""
        discriminator_loss, outputs, fake, path = learn(number, steps - 1, batch)
        if not config.latent.shared:
            with tf.GradientTape() as path:
                fake = generator(draw_latents(number, steps), training=True)
        generator_loss = generator_step(fake, path)
        values = {"loss/discriminator": discriminator_loss, "loss/generator": generator_loss}
        return values if state.balance is None else values | move_balance(*map(mean, outputs))

    @tf.function  # of its own, so that many steps are traced once
    def discriminator_update(number, step, batch):
        strategy.run(lambda *arguments: learn(*arguments)[0], (number, step, batch))

    @tf.function
    def update(number, iterator):
        for step in range(steps - 1):
            discriminator_update(number, tf.constant(step), next(iterator))
        values = strategy.run(finish, (number, next(iterator)))
        return {name: strategy.reduce(tf.distribute.ReduceOp.SUM, value, axis=None) for name, value in values.items()}

    return update


def distribute_batches(config, strategy, examples, batch_size, first_update):
    """An iterator over the real batches from the given update on, `batch_size` examples for each replica."""
    replicas, steps = strategy.num_replicas_in_sync, config.discriminator.steps
    seed = randomness.key(config.seed, Purpose.DATA_ORDER)
    dataset = examples.batches(seed.numpy(), first_update * steps * replicas, steps * replicas, batch_size)
    return iter(strategy.distribute_datasets_from_function(lambda context: dataset))
