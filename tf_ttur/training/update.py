"""One iteration of the two time-scale update: discriminator steps, then a generator step, each with its own optimizer."""

import tensorflow as tf

from tf_ttur import losses
from tf_ttur.data import order
from tf_ttur.training import randomness
from tf_ttur.training.collapse import ACCURACY
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
      batches of real examples. Returns (values, faults), both on the device; nothing waits for it.

      values: {"loss/discriminator", "loss/generator"}: float32 scalars, the discriminator's from its last step;
      "accuracy/discriminator" where the loss has a boundary between real and fake; under the boundary equilibrium
      "balance" and "convergence".
      faults: {"discriminator", "generator"}: float32 vectors, above 0 where the loss (first), the gradient of a
      trainable variable (in their order) or the variable after the step (likewise) is not finite, or too large to be squared.
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
        gradients = tape.gradient(value, variables)
        state.discriminator_optimizer.apply(gradients, variables)
        return value, outputs, not_finite(value, gradients, variables)

    def generator_step(fake, path):
        # `path` has recorded how the images came from the generator; here only their way through the discriminator.
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(fake)
            value = mean(loss.generator(discriminator(fake, training=True)))
        variables = generator.trainable_variables
        gradients = path.gradient(fake, variables, output_gradients=tape.gradient(value, fake))
        state.generator_optimizer.apply(gradients, variables)
        return value, not_finite(value, gradients, variables)

    def not_finite(value, gradients, variables):
        weights = [variable.value for variable in variables]
        sizes = tf.stack([value, *(tf.nn.l2_loss(tensor) for tensor in (*gradients, *weights))])  # in one pass over each, and no copies
        return tf.cast(~tf.math.is_finite(sizes), tf.float32)

    def move_balance(real_error, fake_error):
        replica = tf.distribute.get_replica_context()
        real_error, fake_error = replica.all_reduce(tf.distribute.ReduceOp.SUM, [real_error, fake_error])
        balance, convergence = losses.next_balance(state.balance, real_error, fake_error, **config.equilibrium)
        state.balance.assign(balance)
        return {"balance": balance / replicas, "convergence": convergence / replicas}

    def learn(number, step, batch):
        """A discriminator step.

        Returns (its loss, the outputs for real and generated examples, faults, generated examples, how they were made).
        """
        real = tf.one_hot(batch, state.symbols) if state.symbols else batch
        with tf.GradientTape() as path:
            fake = generator(draw_latents(number, step), training=True)
        return *discriminator_step(number, step, real, fake), fake, path

    def finish(number, batch):
        """The last discriminator step and the generator step."""
        discriminator_loss, outputs, discriminator_faults, fake, path = learn(number, steps - 1, batch)
        if not config.latent.shared:
            with tf.GradientTape() as path:
                fake = generator(draw_latents(number, steps), training=True)
        generator_loss, generator_faults = generator_step(fake, path)
        values = {"loss/discriminator": discriminator_loss, "loss/generator": generator_loss}
        if loss.boundary is not None:
            values[ACCURACY] = losses.accuracy(loss, *outputs) / replicas
        if state.balance is not None:
            values |= move_balance(*map(mean, outputs))
        return values, {"discriminator": discriminator_faults, "generator": generator_faults}

    def add_replicas(values):
        return tf.nest.map_structure(lambda value: strategy.reduce(tf.distribute.ReduceOp.SUM, value, axis=None), values)

    @tf.function  # of its own, so that many steps are traced once
    def discriminator_update(number, step, batch):
        return add_replicas(strategy.run(lambda *arguments: learn(*arguments)[2], (number, step, batch)))

    @tf.function
    def update(number, iterator):
        earlier = [discriminator_update(number, tf.constant(step), next(iterator)) for step in range(steps - 1)]
        values, faults = add_replicas(strategy.run(finish, (number, next(iterator))))
        faults["discriminator"] = tf.add_n([*earlier, faults["discriminator"]])
        return values, faults

    return update


def distribute_batches(config, strategy, examples, batch_size, first_update):
    """An iterator over the real batches from the given update on, `batch_size` examples for each replica."""
    replicas = strategy.num_replicas_in_sync

    def share(context):
        """Of several workers each reads the batches of its own replicas."""
        workers, worker = context.num_input_pipelines, context.input_pipeline_id
        wanted = None if workers == 1 else lambda number: number % replicas // (replicas // workers) == worker
        return examples.batches(*_order(config, strategy, first_update), batch_size, wanted)

    return iter(strategy.distribute_datasets_from_function(share))


def examples_of(config, strategy, examples, batch_size, update):
    """The indices of the examples in update number `update` (from 0): a list of a list for each discriminator step and replica."""
    seed, first, stride = _order(config, strategy, update)
    indices = order.batch_indices(seed, first, stride, batch_size, examples.num_examples)
    return [batch.tolist() for batch in indices.take(stride).as_numpy_iterator()]


def _order(config, strategy, first_update):
    """seed, first and stride of `order.batch_indices`."""
    stride = strategy.num_replicas_in_sync * config.discriminator.steps
    return randomness.key(config.seed, Purpose.DATA_ORDER).numpy(), first_update * stride, stride
