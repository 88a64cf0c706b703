"""The generator as a SavedModel, and how its output is shown."""

import pathlib
import tempfile

import tensorflow as tf

from tf_ttur.errors import UserError
from tf_ttur.training import networks, randomness
from tf_ttur.training.randomness import Purpose

_BLOCK = 64  # examples that an exported generator makes at a time


def to_uint8(images):
    """-1 ... 1 to 0 ... 255, rounded."""
    return tf.cast(tf.clip_by_value(tf.round((images + 1.0) * 127.5), 0, 255), tf.uint8)


def to_lines(probabilities, vocabulary):
    """(n, length, symbols) to (n,) strings of the most probable symbols."""
    symbols = tf.gather(tf.constant(vocabulary), tf.argmax(probabilities, -1))
    return tf.strings.reduce_join(symbols, -1)


def export(config, generator, folder, vocabulary=()):
    """Writes the generator as a SavedModel that plain `tf.saved_model.load` reads.

    Signatures of images: `serving_default` takes `latents` (n, latent_size) float32 and gives `images` (n, size, size, 3)
    float32 in -1 ... 1; `sample` takes the int32 scalars `count` and `seed` and gives `images` uint8, of which image i
    depends on the seed and i alone. Of lines: `serving_default` gives `probabilities` (n, length, symbols), `sample` gives
    `lines`, strings. The folder is replaced as a whole.

    A generator that normalises by the batch (wgan_gp) draws in `sample` as many at a time as the evaluation does.

    Raises:
      UserError: the folder holds something else.
    """
    folder = pathlib.Path(folder)
    if folder.exists() and not (folder / "saved_model.pb").is_file() and (not folder.is_dir() or any(folder.iterdir())):
        raise UserError(f"{folder} holds something else", "a new folder, or one of an earlier export", "choose another folder")
    copy = networks.build_generator(config, len(vocabulary))  # outside the strategy, so that no mirrored variables are written
    copy.set_weights(generator.get_weights())
    module = _Export(config, copy, vocabulary)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}.") as temporary:
        whole, old = pathlib.Path(temporary) / "whole", pathlib.Path(temporary) / "old"
        tf.saved_model.save(module, str(whole), signatures={"serving_default": module.generate, "sample": module.sample})
        if folder.exists():
            folder.rename(old)
        whole.rename(folder)


class _Export(tf.Module):
    def __init__(self, config, generator, vocabulary):
        super().__init__(name="generator")
        self._variables = [variable.value for variable in generator.variables]
        raw, shown = ("probabilities", "lines") if vocabulary else ("images", "images")
        size = config.data.image_size
        shape, dtype = ((), tf.string) if vocabulary else ((size, size, 3), tf.uint8)
        length = config.evaluation.sample_batch_size if config.model.architecture == "wgan_gp" else _BLOCK
        self.generate = tf.function(
            lambda latents: {raw: generator(latents, training=False)},
            input_signature=[tf.TensorSpec((None, config.latent.size), tf.float32, "latents")],
        )

        @tf.function(input_signature=[tf.TensorSpec((), tf.int32, "count"), tf.TensorSpec((), tf.int32, "seed")])
        def sample(count, seed):
            def block(number):
                key = tf.random.fold_in(tf.stack([seed, Purpose.SAMPLE_GRID]), number)
                latents = randomness.latents(config.latent.distribution, (length, config.latent.size), key)
                made = generator(latents, training=False)
                return to_lines(made, vocabulary) if vocabulary else to_uint8(made)

            numbers = tf.range((count + length - 1) // length)
            blocks = tf.map_fn(block, numbers, fn_output_signature=dtype, parallel_iterations=1)
            return {shown: tf.reshape(blocks, (-1, *shape))[:count]}

        self.sample = sample
