"""One iteration of the two time-scale update: discriminator steps, then a generator step, each with its own optimizer."""

import tensorflow as tf

from tf_ttur import losses
from tf_ttur.training import randomness
from tf_ttur.training.randomness import Purpose


def build_update(config, strategy, state):
    """The update as a `tf.function`.

    The discriminator takes `config.discriminator.steps` steps, each on a batch and latents of its own. Then the generator
    takes one, with the latents of the last discriminator step (`config.latent.shared`, the DCGAN experiments) or with
    new ones. Losses are means over the global batch: each replica divides its sum by the global size, and the
    optimizers add up the replicas' gradients.

    Args:
      config: the validated config.
      strategy: the distribution strategy in whose scope the state was made.
      state: `training.state.State`.

    Returns:
      update(number, iterator): `number` is a scalar int64 tensor, the count of updates so far; `iterator` gives the
      batches of real images. Returns {"loss/discriminator", "loss/generator"}: float32 scalars on the device, the
      discriminator's from its last step. Nothing waits for the device.
    """
    generator, discriminator = state.generator, state.discriminator
    loss, steps = losses.PAIRS[config.loss], config.discriminator.steps
    penalty = config.discriminator.gradient_penalty

    def mean(values):
        return tf.reduce_sum(tf.cast(values, tf.float32)) / config.batch_size

    def draw_latents(number, step):
        seed = randomness.key(config.seed, Purpose.LATENTS, number, step)
        shape = (config.batch_size, config.latent.size)
        return randomness.share_of_replica(randomness.latents(config.latent.distribution, shape, seed))

    def discriminator_step(number, step, real, fake):
        with tf.GradientTape() as tape:
            value = mean(loss.discriminator(discriminator(real, training=True), discriminator(fake, training=True)))
            if penalty:
                seed = randomness.key(config.seed, Purpose.GRADIENT_PENALTY, number, step)
                mix = randomness.share_of_replica(tf.random.stateless_uniform((config.batch_size,), seed))
                penalties = losses.gradient_penalty(lambda x: discriminator(x, training=True), real, fake, mix)
                value += penalty * mean(penalties)
        variables = discriminator.trainable_variables
        state.discriminator_optimizer.apply(tape.gradient(value, variables), variables)
        return value

    def generator_step(fake, path):
        # `path` has recorded how the images came from the generator; here only their way through the discriminator.
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(fake)
            value = mean(loss.generator(discriminator(fake, training=True)))
        variables = generator.trainable_variables
        gradients = path.gradient(fake, variables, output_gradients=tape.gradient(value, fake))
        state.generator_optimizer.apply(gradients, variables)
        return value

    def update_replica(number, batches):
        for step, real in enumerate(batches):
            with tf.GradientTape() as path:
                fake = generator(draw_latents(number, step), training=True)
            discriminator_loss = discriminator_step(number, step, real, fake)
        if not config.latent.shared:
            with tf.GradientTape() as path:
                fake = generator(draw_latents(number, steps), training=True)
        return {"loss/discriminator": discriminator_loss, "loss/generator": generator_step(fake, path)}

    @tf.function
    def update(number, iterator):
        batches = [next(iterator) for _ in range(steps)]
        values = strategy.run(update_replica, (number, batches))
        return {name: strategy.reduce(tf.distribute.ReduceOp.SUM, value, axis=None) for name, value in values.items()}

    return update


def distribute_batches(config, strategy, images, batch_size, first_update):
    """An iterator over the real batches from the given update on, `batch_size` images for each replica."""
    replicas, steps = strategy.num_replicas_in_sync, config.discriminator.steps
    seed = randomness.key(config.seed, Purpose.DATA_ORDER)
    dataset = images.batches(seed.numpy(), first_update * steps * replicas, steps * replicas, batch_size)
    return iter(strategy.distribute_datasets_from_function(lambda context: dataset))
