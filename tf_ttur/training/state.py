"""Everything that a checkpoint holds, and what comes out of it."""

import pathlib
import tempfile

import tensorflow as tf

from tf_ttur.errors import UserError
from tf_ttur.models import dcgan
from tf_ttur.training import randomness, rates
from tf_ttur.training.randomness import Purpose

_EXPORT_BLOCK = 64  # images that an exported generator makes at a time


class State:
    """Both networks, both optimizers, the count of updates and the training time. To be made in the strategy's scope.

    Data order and random numbers are functions of the count of updates, so this is the whole state of a run.
    """

    def __init__(self, config):
        self._config = config
        self.generator = build_generator(config)
        self.discriminator = dcgan.Discriminator(
            config.model.width, seed=randomness.integer(config.seed, Purpose.DISCRIMINATOR_WEIGHTS), name="discriminator"
        )
        self.discriminator(tf.zeros((2, config.data.image_size, config.data.image_size, 3)))  # makes the variables
        steps = config.updates * config.discriminator.steps
        self.generator_optimizer = rates.optimizer(config.generator, config.updates, "generator_optimizer")
        self.discriminator_optimizer = rates.optimizer(config.discriminator, steps, "discriminator_optimizer")
        self.generator_optimizer.build(self.generator.trainable_variables)
        self.discriminator_optimizer.build(self.discriminator.trainable_variables)
        self.updates = tf.Variable(0, dtype=tf.int64, trainable=False)
        self.training_seconds = tf.Variable(0.0, dtype=tf.float64, trainable=False)
        # Lists of variables, because a checkpoint does not see the layers that a Keras 3 model keeps in a list.
        parts = ("generator", "discriminator", "generator_optimizer", "discriminator_optimizer")
        self._checkpoint = tf.train.Checkpoint(
            updates=self.updates,
            training_seconds=self.training_seconds,
            **{part: [variable.value for variable in getattr(self, part).variables] for part in parts},
        )

    def manager(self, folder):
        """The `tf.train.CheckpointManager` of the run folder."""
        return tf.train.CheckpointManager(self._checkpoint, str(pathlib.Path(folder) / "checkpoints"), self._config.keep_checkpoints)

    def restore(self, manager):
        """Takes the newest checkpoint, if there is one. Returns whether there was."""
        if manager.latest_checkpoint is None:
            return False
        self.read(manager.latest_checkpoint)
        return True

    def read(self, checkpoint):
        """Takes the checkpoint with this path."""
        try:
            self._checkpoint.restore(checkpoint).assert_consumed()
        except (tf.errors.OpError, AssertionError, ValueError) as error:
            raise UserError(
                f"the checkpoint {checkpoint} cannot be restored ({str(error).splitlines()[0]})",
                "a whole checkpoint of this experiment",
                f"set it aside and name an older one in {pathlib.Path(checkpoint).parent / 'checkpoint'}, or use a new --workdir",
            ) from error

    def weight_norms(self):
        """The Euclidean norm of each player's weights, of which Theorem 1 assumes that it stays bounded (A5)."""
        networks = {"weight_norm/generator": self.generator, "weight_norm/discriminator": self.discriminator}
        return {name: float(tf.linalg.global_norm([v.value for v in network.trainable_variables])) for name, network in networks.items()}


def build_generator(config):
    """The generator with its initial weights."""
    generator = dcgan.Generator(
        config.data.image_size,
        config.model.width,
        config.model.batch_norm_momentum,
        seed=randomness.integer(config.seed, Purpose.GENERATOR_WEIGHTS),
        name="generator",
    )
    generator(tf.zeros((1, config.latent.size)), training=False)  # makes the variables
    return generator


def to_uint8(images):
    """-1 ... 1 to 0 ... 255, rounded."""
    return tf.cast(tf.clip_by_value(tf.round((images + 1.0) * 127.5), 0, 255), tf.uint8)


class _Export(tf.Module):
    def __init__(self, config, generator):
        super().__init__(name="generator")
        self._variables = [variable.value for variable in generator.variables]
        self.generate = tf.function(
            lambda latents: {"images": generator(latents, training=False)},
            input_signature=[tf.TensorSpec((None, config.latent.size), tf.float32, "latents")],
        )

        @tf.function(input_signature=[tf.TensorSpec((), tf.int32, "count"), tf.TensorSpec((), tf.int32, "seed")])
        def sample(count, seed):
            shape = (_EXPORT_BLOCK, config.latent.size)

            def block(number):
                key = tf.random.fold_in(tf.stack([seed, Purpose.SAMPLE_GRID]), number)
                return to_uint8(generator(randomness.latents(config.latent.distribution, shape, key), training=False))

            numbers = tf.range((count + _EXPORT_BLOCK - 1) // _EXPORT_BLOCK)
            blocks = tf.map_fn(block, numbers, fn_output_signature=tf.uint8, parallel_iterations=1)
            size = config.data.image_size
            return {"images": tf.reshape(blocks, (-1, size, size, 3))[:count]}

        self.sample = sample


def export(config, generator, folder):
    """Writes the generator as a SavedModel that plain `tf.saved_model.load` reads.

    Signatures: `serving_default` takes `latents` (n, latent_size) float32 and gives `images` (n, size, size, 3) float32
    in -1 ... 1; `sample` takes the int32 scalars `count` and `seed` and gives `images` uint8, of which image i depends
    on the seed and i alone. The folder is replaced as a whole.

    Raises:
      UserError: the folder holds something else.
    """
    folder = pathlib.Path(folder)
    if folder.exists() and not (folder / "saved_model.pb").is_file() and (not folder.is_dir() or any(folder.iterdir())):
        raise UserError(f"{folder} holds something else", "a new folder, or one of an earlier export", "choose another folder")
    copy = build_generator(config)  # outside the strategy, so that no mirrored variables are written
    copy.set_weights(generator.get_weights())
    module = _Export(config, copy)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}.") as temporary:
        whole, old = pathlib.Path(temporary) / "whole", pathlib.Path(temporary) / "old"
        tf.saved_model.save(module, str(whole), signatures={"serving_default": module.generate, "sample": module.sample})
        if folder.exists():
            folder.rename(old)
        whole.rename(folder)
