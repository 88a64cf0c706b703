"""The generator as a SavedModel, and how its output is shown."""

import pathlib
import tempfile

import tensorflow as tf

from tf_ttur.errors import UserError
from tf_ttur.quantisation import to_uint8
from tf_ttur.training import networks, randomness, writing
from tf_ttur.training.randomness import Purpose

_BLOCK = 64  # examples that an exported generator makes at a time


def to_lines(probabilities, vocabulary):
    """(n, length, symbols) to (n,) strings of the most probable symbols."""
    symbols = tf.gather(tf.constant(vocabulary), tf.argmax(probabilities, -1))
    return tf.strings.reduce_join(symbols, -1)


def export(config, generator, folder, vocabulary=()):
    """Writes the generator as a SavedModel that plain `tf.saved_model.load` reads.

    Signatures of images: `serving_default` takes `latents` (n, latent_size) float32 and gives `images` (n, size, size, 3)
    float32 in -1 ... 1; `sample` takes the int32 scalars `count` and `seed` and gives `images` uint8, of which image i
    depends on the seed and i alone; `sample_float` gives the same images as float32 in -1 ... 1. Of lines: `serving_default`
    gives `probabilities` (n, length, symbols), `sample` gives `lines`, strings. The folder is replaced as a whole.

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
        with writing.by_tensorflow(folder):
            tf.saved_model.save(module, str(whole), signatures=module.functions)
        if folder.exists():
            folder.rename(old)
        whole.rename(folder)


class _Export(tf.Module):
    def __init__(self, config, generator, vocabulary):
        super().__init__(name="generator")
        self._variables = [variable.value for variable in generator.variables]
        raw = "probabilities" if vocabulary else "images"
        generate = tf.function(
            lambda latents: {raw: generator(latents, training=False)},
            input_signature=[tf.TensorSpec((None, config.latent.size), tf.float32, "latents")],
        )
        self.functions = {"serving_default": generate}
        if vocabulary:
            self.functions["sample"] = _sampler(config, generator, "lines", lambda made: to_lines(made, vocabulary), (), tf.string)
        else:
            shape = (config.data.image_size, config.data.image_size, 3)
            self.functions["sample"] = _sampler(config, generator, "images", to_uint8, shape, tf.uint8)
            self.functions["sample_float"] = _sampler(config, generator, "images", tf.identity, shape, tf.float32)


def _sampler(config, generator, name, show, shape, dtype):
    """The `tf.function` of (count, seed) that gives {name: what `show` makes of the generator's output}."""
    latent = config.latent
    length = config.evaluation.sample_batch_size if config.model.architecture == "wgan_gp" else _BLOCK

    @tf.function(input_signature=[tf.TensorSpec((), tf.int32, "count"), tf.TensorSpec((), tf.int32, "seed")])
    def sample(count, seed):
        def block(number):
            key = tf.random.fold_in(tf.stack([seed, Purpose.SAMPLE_GRID]), number)
            latents = randomness.latents(latent.distribution, (length, latent.size), key)
            return show(generator(latents, training=False))

        numbers = tf.range((count + length - 1) // length)
        blocks = tf.map_fn(block, numbers, fn_output_signature=dtype, parallel_iterations=1)
        return {name: tf.reshape(blocks, (-1, *shape))[:count]}

    return sample
