"""The generator as a SavedModel, or as a file of another format."""

import contextlib
import pathlib
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import tensorflow as tf
from ml_collections import ConfigDict

from tf_ttur import config as configs
from tf_ttur import registry, runs
from tf_ttur.errors import UserError
from tf_ttur.io import console, files, outputs
from tf_ttur.io.paths import PathLike
from tf_ttur.registry import load
from tf_ttur.training import (
    formats,
    model_card,
    networks,
    own_objects,
    presentation,
    randomness,
    state,
    writing,
)
from tf_ttur.training.presentation import Presentation
from tf_ttur.training.randomness import Purpose

_BLOCK = 64  # examples that an exported generator makes at a time


def export_run(
    run: runs.Run,
    output: PathLike,
    best: bool = False,
    name: str = formats.SAVED_MODEL,
    overwrite: bool = False,
    ema: bool | None = None,
) -> int:
    """Exports the generator of a run.

    Args:
      run: the run folder.
      output: the folder of the export, as in `export`, or the file.
      best: whether to take the checkpoint with the best value of the metric instead of the newest.
      name: of the format, one of `formats.NAMES`.
      overwrite: whether any existing file may be replaced.
      ema: whether to take the moving average of the weights; None takes what the run measured.

    Returns:
      The number of updates after which this generator was saved.

    Raises:
      UserError: there is no such checkpoint or it cannot be read, the run keeps no average, the
        output folder or file holds something else, or the generator cannot be converted to this
        format.
    """
    path = formats.check_output(name, output, overwrite)
    if ema and not run.config.generator.ema_decay:
        raise UserError(
            f"{run.path} keeps no moving average of the generator",
            "a run with config.generator.ema_decay above 0",
            "leave --ema out",
        )
    own = _own_generator(run)
    vocabulary = run.vocabulary
    players = state.GeneratorState(run.config, len(vocabulary))
    players.read(str(_checkpoint(run, best)))
    if own and run.environment:
        for change in own_objects.changes(run.config, run.environment[-1], own):
            console.say(f"warning: {change}")
    updates = int(players.updates.numpy())
    beside = model_card.files_of(run, updates) if name == formats.HUB else {}
    with _weights(players, ema):
        write(run.config, players.generator, path, name, vocabulary, beside)
    return updates


def write(
    config: ConfigDict,
    generator: keras.Model,
    path: pathlib.Path,
    name: str,
    vocabulary: Sequence[str] = (),
    beside: Mapping[str, bytes] | None = None,
) -> None:
    """Writes the generator in one of the formats.

    Args:
      config: the validated config.
      generator: the network.
      path: a folder as in `export`, or the file, which is replaced.
      name: of the format, one of `formats.NAMES`.
      vocabulary: the symbols of a generator of lines; empty for images.
      beside: as in `export`.

    Raises:
      UserError: the folder holds something else, or the generator cannot be converted.
    """
    if name in formats.FOLDERS:
        export(config, generator, path, vocabulary, beside)
        return
    copy = _copy(config, generator, vocabulary)
    function = _function(config, presentation.of_config(config, vocabulary), copy)
    content = load(formats.FILES[name].convert)(function, vocabulary)
    with files.atomic(path) as file:
        file.write(content)


def export(
    config: ConfigDict,
    generator: keras.Model,
    folder: PathLike,
    vocabulary: Sequence[str] = (),
    beside: Mapping[str, bytes] | None = None,
) -> None:
    """Writes the generator as a SavedModel that plain `tf.saved_model.load` reads.

    The signatures for images:

    - `serving_default` takes `latents` (n, latent_size) float32 and gives `images` (n, size, size,
      channels) float32 in -1 ... 1.
    - `sample` takes the int32 scalars `count` and `seed` and gives `images` uint8. Image i depends
      on the seed and i alone.
    - `block` takes the int32 scalars `number` and `seed` and gives block `number`, from 0 on, of
      the same images, as float32 in -1 ... 1.

    For lines, `serving_default` gives `probabilities` (n, length, symbols), `sample` gives `lines`,
    strings, and there is no `block`.

    All sizes but n are fixed, and n may be 0. The generator computes in float32, whatever the
    precision of the training. One that normalises over its batch (wgan_gp) draws blocks of the
    batch size used in evaluation.

    Args:
      config: the validated config.
      generator: the network.
      folder: where to write. An earlier export there is replaced as a whole.
      vocabulary: the symbols of a generator of lines; empty for images.
      beside: {name: content} of further files in the folder.

    Raises:
      UserError: the folder holds something else.
    """
    folder = outputs.check_folder(folder)
    _check_free(folder)
    copy = _copy(config, generator, vocabulary)
    signatures = _signatures(config, copy, presentation.of_config(config, vocabulary))
    module = _Module([variable.value for variable in copy.variables], signatures)
    folder.parent.mkdir(parents=True, exist_ok=True)
    _bring_back(folder)
    _replace(folder, module, beside or {})


def _copy(config: ConfigDict, generator: keras.Model, vocabulary: Sequence[str]) -> keras.Model:
    """A copy of the generator that computes in float32.

    It is built outside of the strategy's scope, so that no mirrored variables are written.
    """
    config = config.copy_and_resolve_references()
    config.model.precision = "float32"
    copy = networks.build_generator(config, len(vocabulary))
    copy.set_weights(generator.get_weights())
    return copy


def _function(config: ConfigDict, shown: Presentation, generator: Any) -> Any:
    """The `tf.function` from latents (n, latent_size) to a dictionary of the generator's output."""

    @tf.function(
        input_signature=[tf.TensorSpec((None, config.latent.size), tf.float32, "latents")],
    )
    def generate(latents: tf.Tensor) -> dict[str, tf.Tensor]:
        return {shown.output_name: generator(latents, training=False)}

    return generate


def _own_generator(run: runs.Run) -> list[str]:
    """The user-defined objects that make the generator of a run; the loss is not needed.

    Raises:
      UserError: one of them cannot be found again; the message names the export that is there.
    """
    model = run.config.model
    words = [word for word in (model.architecture, model.generator) if registry.is_object(word)]
    for word in words:
        try:
            registry.import_object(word)
        except UserError as error:
            done = run.path / runs.EXPORT
            cure = f"use {done}, which the training has written" if done.is_dir() else error.cure
            found = f"export needs the generator of {run.path}: {error.found}"
            raise UserError(found, error.expected, cure) from error
    return words


def _weights(
    players: state.GeneratorState, ema: bool | None
) -> contextlib.AbstractContextManager[None]:
    """Gives the generator the weights that are asked for, within a block."""
    if ema is None:
        return players.presented()
    return players.averaged() if ema else contextlib.nullcontext()


class _Module(tf.Module):
    """What is saved: the variables, and the functions of the signatures."""

    def __init__(self, variables: Sequence[tf.Variable], functions: Mapping[str, Any]) -> None:
        super().__init__(name="generator")
        self._variables = variables
        self.functions = functions


def _signatures(config: ConfigDict, generator: keras.Model, shown: Presentation) -> dict[str, Any]:
    """{name: `tf.function`} as `export` describes them."""
    latent = config.latent
    length = _BLOCK
    if configs.architecture_of(config).normalises_over_batch:
        length = config.evaluation.sample_batch_size

    def draw(number: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        key = tf.random.fold_in(tf.stack([seed, Purpose.SAMPLE_GRID]), number)
        latents = randomness.latents(latent.distribution, (length, latent.size), key)
        return generator(latents, training=False)

    def generate(latents: tf.Tensor, training: bool) -> tf.Tensor:
        # TensorFlow's convolution of an empty batch has the wrong shape: 0 becomes 1 and 0 again.
        number = tf.shape(latents)[0]
        missing = tf.zeros((tf.maximum(1 - number, 0), latent.size))
        return generator(tf.concat([latents, missing], 0), training=training)[:number]

    @tf.function(input_signature=_scalars("count", "seed"))
    def sample(count: tf.Tensor, seed: tf.Tensor) -> dict[str, tf.Tensor]:
        blocks = tf.map_fn(
            lambda number: shown.show(draw(number, seed)),
            tf.range((count + length - 1) // length),
            fn_output_signature=shown.spec.dtype,
            parallel_iterations=1,
        )
        return {shown.name: tf.reshape(blocks, (-1, *shown.spec.shape))[:count]}

    @tf.function(input_signature=_scalars("number", "seed"))
    def block(number: tf.Tensor, seed: tf.Tensor) -> dict[str, tf.Tensor]:
        return {shown.output_name: draw(number, seed)}

    signatures = {"serving_default": _function(config, shown, generate), "sample": sample}
    if shown.has_blocks:
        signatures["block"] = block
    return signatures


def _checkpoint(run: runs.Run, best: bool) -> pathlib.Path:
    """The path of the best or newest checkpoint. Raises `UserError` if there is none."""
    newest = run.checkpoint(run.checkpoints[-1]) if run.checkpoints else None
    path = run.best_checkpoint if best else newest
    if path is not None:
        return path
    expected = "a run that has been started"
    if newest is None:
        raise UserError(f"{run.path} holds no checkpoint", expected, "train first")
    cure = "leave --best out, or train with evaluation"
    raise UserError(f"{run.path} holds no best checkpoint", expected, cure)


def _check_free(folder: pathlib.Path) -> None:
    """Refuses a folder that holds anything but an earlier export. Raises `UserError`."""
    is_export = (folder / "saved_model.pb").is_file()
    is_empty = not folder.exists() or (folder.is_dir() and not any(folder.iterdir()))
    if not is_export and not is_empty:
        raise UserError(
            f"{folder} holds something else",
            "a new folder, or one of an earlier export",
            "choose another folder",
        )


def _bring_back(folder: pathlib.Path) -> None:
    """Moves back an earlier export that a killed process had moved away."""
    for old in folder.parent.glob(f".{folder.name}.*/old"):
        if not folder.exists():
            old.rename(folder)
        shutil.rmtree(old.parent)


def _replace(folder: pathlib.Path, module: _Module, beside: Mapping[str, bytes]) -> None:
    """Saves a module in a folder, with the files `beside` it, in place of an earlier one."""
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}.") as temporary:
        whole = pathlib.Path(temporary) / "whole"
        old = pathlib.Path(temporary) / "old"
        with writing.by_tensorflow(folder):
            tf.saved_model.save(module, str(whole), signatures=module.functions)
        for name, content in beside.items():
            (whole / name).write_bytes(content)
        if folder.exists():
            folder.rename(old)
        try:
            whole.rename(folder)
        except BaseException:
            if old.exists():
                old.rename(folder)
            raise


def _scalars(*names: str) -> list[tf.TensorSpec]:
    return [tf.TensorSpec((), tf.int32, name) for name in names]
