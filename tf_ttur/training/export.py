"""The generator as a SavedModel, and how its output is shown."""

import pathlib
import shutil
import tempfile

import tensorflow as tf

from tf_ttur import config as configs
from tf_ttur.data.quantisation import to_uint8
from tf_ttur.errors import UserError
from tf_ttur.training import networks, randomness, writing
from tf_ttur.training.randomness import Purpose

_BLOCK = 64  # examples that an exported generator makes at a time


def to_lines(probabilities, vocabulary):
    """(n, length, symbols) to (n,) strings of the most probable symbols."""
    symbols = tf.gather(tf.constant(vocabulary), tf.argmax(probabilities, -1))
    return tf.strings.reduce_join(symbols, -1)


def export(config, generator, folder, vocabulary=()):
    """Writes the generator as a SavedModel that plain `tf.saved_model.load` reads.

    Signatures of images: `serving_default` takes `latents` (n, latent_size) float32 and gives
    `images` (n, size, size, 3) float32 in -1 ... 1; `sample` takes the int32 scalars `count` and
    `seed` and gives `images` uint8, of which image i depends on the seed and i alone; `block` takes
    the int32 scalars `number` and `seed` and gives the next so many of the same images, from number
    0 on, as float32 in -1 ... 1. Of lines: `serving_default` gives `probabilities` (n, length,
    symbols), `sample` gives `lines`, strings. The folder is replaced as a whole.

    A generator that normalises by the batch (wgan_gp) draws in a block as many as the evaluation
    does at a time.

    Raises:
      UserError: the folder holds something else.
    """
    folder = pathlib.Path(folder)
    if (
        folder.exists()
        and not (folder / "saved_model.pb").is_file()
        and (not folder.is_dir() or any(folder.iterdir()))
    ):
        raise UserError(
            f"{folder} holds something else",
            "a new folder, or one of an earlier export",
            "choose another folder",
        )
    copy = networks.build_generator(
        config, len(vocabulary)
    )  # outside the strategy, so that no mirrored variables are written
    copy.set_weights(generator.get_weights())
    module = _Export(config, copy, vocabulary)
    folder.parent.mkdir(parents=True, exist_ok=True)
    _bring_back(folder)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}.") as temporary:
        whole, old = pathlib.Path(temporary) / "whole", pathlib.Path(temporary) / "old"
        with writing.by_tensorflow(folder):
            tf.saved_model.save(module, str(whole), signatures=module.functions)
        if folder.exists():
            folder.rename(old)
        try:
            whole.rename(folder)
        except BaseException:
            if old.exists():
                old.rename(folder)
            raise


def _bring_back(folder):
    """An earlier export that had made room for another when the process was killed gets its name
    again.
    """
    for old in folder.parent.glob(f".{folder.name}.*/old"):
        if not folder.exists():
            old.rename(folder)
        shutil.rmtree(old.parent)


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
        latent, length = (
            config.latent,
            config.evaluation.sample_batch_size
            if configs.architecture_of(config).normalises_over_batch
            else _BLOCK,
        )
        if vocabulary:
            name, show, shape, dtype = (
                "lines",
                lambda made: to_lines(made, vocabulary),
                (),
                tf.string,
            )
        else:
            name, show, shape, dtype = (
                "images",
                to_uint8,
                (config.data.image_size, config.data.image_size, 3),
                tf.uint8,
            )

        def draw(number, seed):
            key = tf.random.fold_in(tf.stack([seed, Purpose.SAMPLE_GRID]), number)
            return generator(
                randomness.latents(latent.distribution, (length, latent.size), key), training=False
            )

        @tf.function(input_signature=_scalars("count", "seed"))
        def sample(count, seed):
            numbers = tf.range((count + length - 1) // length)
            blocks = tf.map_fn(
                lambda number: show(draw(number, seed)),
                numbers,
                fn_output_signature=dtype,
                parallel_iterations=1,
            )
            return {name: tf.reshape(blocks, (-1, *shape))[:count]}

        self.functions["sample"] = sample
        if not vocabulary:
            self.functions["block"] = tf.function(
                lambda number, seed: {name: draw(number, seed)},
                input_signature=_scalars("number", "seed"),
            )


def _scalars(*names):
    return [tf.TensorSpec((), tf.int32, name) for name in names]
