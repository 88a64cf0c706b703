"""The checkpoint of another run, with whose weights a new run begins.

A word names it: RUN takes its newest checkpoint, RUN@UPDATE the one after so many updates, and
RUN@best the one with the best value of the metric.
"""

import dataclasses
import hashlib
import os
import pathlib
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import tensorflow as tf
from ml_collections import ConfigDict

from tf_ttur import config as configs
from tf_ttur import runs
from tf_ttur.errors import UserError
from tf_ttur.training.state import VALUE, State, reading
from tf_ttur.wording import counted

_NETWORKS = ("discriminator", "generator")
# What makes the variables of the networks, for the message that names a difference.
_SHAPING = re.compile(r"model\..*|latent\.size|data\.(image_size|channels|line_length)")
_WORDS_OF_NETWORKS = ("model.architecture", "model.discriminator", "model.generator")


@dataclasses.dataclass(frozen=True)
class Start:
    """A checkpoint of another run.

    Attributes:
      run: the other run.
      asked: which of its checkpoints was asked for: "", "best", or a number.
      update: the number of updates that the other run had made.
      path: of the checkpoint, as TensorFlow takes it.
      with_optimizers: whether the new run takes over the state of the optimizers, too.
    """

    run: runs.Run
    asked: str
    update: int
    path: pathlib.Path
    with_optimizers: bool

    def __str__(self) -> str:
        return f"{self.run.path} after {counted(self.update, 'update')}"

    def describe(self) -> dict[str, Any]:
        """The facts that `environment.json` keeps."""
        return {
            "run": str(self.run.path.resolve()),
            "asked": self.asked,
            "update": self.update,
            "sha256": self._digest(),
            "optimizers": self.with_optimizers,
        }

    def check(self, config: ConfigDict, state: State, vocabulary: Sequence[str]) -> None:
        """Refuses a checkpoint of other networks, or of other optimizers where they are wanted.

        Args:
          config: the validated config of the new run.
          state: of the new run.
          vocabulary: the symbols of the new run; empty for images.

        Raises:
          UserError: the message names the config keys and the variables that differ.
        """
        differing = [each for each in self.run.differences(config) if _SHAPING.fullmatch(each.key)]
        words = [each for each in differing if each.key in _WORDS_OF_NETWORKS]
        shapes = self._shapes()
        variables = [
            text for name in _NETWORKS for text in _other_shapes(name, getattr(state, name), shapes)
        ]
        if words or variables:
            lines = [configs.listed(differing), *(f"    {text}" for text in variables[:4])]
            raise UserError(
                f"the networks of {self.run.path} are others than those of this run:\n"
                + "\n".join(line for line in lines if line),
                "networks with the same architecture and sizes",
                "give this run the values of the other, or start it without --from",
            )
        if list(vocabulary) != self.run.vocabulary_of(config):
            raise UserError(
                f"{self.run.path} has learned other symbols than those of this run's data",
                "the same vocabulary",
                "train on the data of that run, or start without --from",
            )
        if self.with_optimizers:
            self._check_optimizers(config, state, shapes)

    def apply(self, state: State) -> None:
        """Gives the state the weights of the checkpoint, and the state of the optimizers if wanted.

        The learning rates stay those of the new run, and a moving average of the generator begins
        at these weights.
        """
        names = list(_NETWORKS)
        optimizers = [getattr(state, f"{name}_optimizer") for name in _NETWORKS]
        rates = []
        if self.with_optimizers:
            names += [f"{name}_optimizer" for name in _NETWORKS]
            rates = [float(optimizer.learning_rate.value.numpy()) for optimizer in optimizers]
        variables: dict[str, Any] = {
            name: [variable.value for variable in getattr(state, name).variables] for name in names
        }
        if state.balance is not None:
            variables["balance"] = state.balance
        with reading(str(self.path)):
            tf.train.Checkpoint(**variables).read(str(self.path)).expect_partial()
        if state.average is not None:
            state.average.restart()
        for optimizer, rate in zip(optimizers, rates, strict=False):
            optimizer.learning_rate = rate

    def _shapes(self) -> dict[str, list[int]]:
        """{name of a variable in the checkpoint: its shape}."""
        with reading(str(self.path)):
            return dict(tf.train.load_checkpoint(str(self.path)).get_variable_to_shape_map())

    def _check_optimizers(
        self, config: ConfigDict, state: State, shapes: Mapping[str, list[int]]
    ) -> None:
        stored = configs.stored_values(self.run.path / runs.CONFIG)
        for player in _NETWORKS:
            optimizer = getattr(state, f"{player}_optimizer")
            if not any(variable.name == "learning_rate" for variable in optimizer.variables):
                raise UserError(
                    f"--from-optimizers with the schedule {config[player].schedule} of the"
                    f" {player}: its rate would begin at the other run's count of steps",
                    "a constant learning rate",
                    f"set config.{player}.schedule=constant, or leave --from-optimizers out",
                )
            key = f"{player}.optimizer"
            was, now = stored.get(key), config[player].optimizer
            if was != now or [*_other_shapes(f"{player}_optimizer", optimizer, shapes)]:
                raise UserError(
                    f"the {player}'s optimizer of {self.run.path} has another state:\n"
                    f"    {configs.Difference(key, was, now)}",
                    "the same optimizers, with constant learning rates in both runs",
                    "leave --from-optimizers out: the optimizers then begin anew",
                )

    def _digest(self) -> str:
        digest = hashlib.sha256()
        for path in sorted(self.path.parent.glob(f"{self.path.name}.*")):
            with path.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
        return digest.hexdigest()


def find(
    workdir: str | pathlib.Path,
    word: str | os.PathLike[str] | None,
    with_optimizers: bool = False,
) -> Start | None:
    """The checkpoint that the training in a run folder must begin with.

    A run that has begun needs none: it resumes. A folder whose first start left no update begins
    again with what that start began with, unless another word is given.

    Args:
      workdir: the run folder.
      word: RUN, RUN@UPDATE or RUN@best; None where the user has named none.
      with_optimizers: as of `Start`.

    Raises:
      UserError: there is no such checkpoint, or the run in the folder has begun differently.
    """
    if word is None and with_optimizers:
        raise UserError(
            "--from-optimizers without --from", "the run whose optimizers are meant", "add --from"
        )
    run = runs.open_run(workdir)
    parts = run.environment if run.exists else []
    recorded = parts[-1].get("start") if parts else None
    if not run.exists or not run.has_begun:
        if word is not None:
            return locate(word, with_optimizers)
        if recorded is not None:
            return locate(f"{recorded['run']}@{recorded['update']}", recorded["optimizers"])
        return None
    if word is not None and not _is_recorded(word, with_optimizers, recorded):
        began = "its own initial weights"
        if recorded is not None:
            began = f"{recorded['run']} after {counted(recorded['update'], 'update')}"
            began += " and its optimizers" if recorded["optimizers"] else ""
        raise UserError(
            f"the run in {run.path} did not begin with {os.fspath(word)}",
            f"what it began with: {began}",
            "leave --from out to resume it, or choose another --workdir for a new run",
        )
    return None


def locate(word: str | os.PathLike[str], with_optimizers: bool = False) -> Start:
    """The checkpoint that a word names. Raises `UserError` if there is none."""
    place, asked = runs.split_word(word, "--from")
    run = runs.open_run(place)
    if not run.exists:
        raise UserError(
            f"{place} is not a run folder",
            "RUN, RUN@UPDATE or RUN@best, where RUN is the --workdir of a training",
            "correct --from",
        )
    best = run.best_checkpoint
    available = {number: run.checkpoint(number) for number in run.checkpoints}
    if best is not None:
        available.setdefault(runs.number_of(best), best)
    if asked == runs.BEST:
        path = best
    elif asked:
        path = available.get(int(asked))
    else:
        path = available[max(available)] if available else None
    if path is None:
        listed = ", ".join(map(str, sorted(available))) or "none"
        raise UserError(
            f"{run.path} has no {asked or 'newest'} checkpoint".replace("newest ", ""),
            f"RUN@UPDATE; its checkpoints are those after these updates: {listed}"
            + ("" if best is None else f"; the best one is after {runs.number_of(best)}"),
            "correct --from",
        )
    return Start(run, asked, runs.number_of(path), path, with_optimizers)


def check_resumed(workdir: str | pathlib.Path, state: State) -> None:
    """Refuses networks, given from Python, that are not those of the run in a folder.

    Raises:
      UserError: the newest checkpoint holds variables of other shapes; the message names them.
    """
    run = runs.open_run(workdir)
    if not run.has_begun or not run.checkpoints:
        return
    path = str(run.checkpoint(run.checkpoints[-1]))
    try:
        shapes = tf.train.load_checkpoint(path).get_variable_to_shape_map()
    except (tf.errors.OpError, ValueError):
        return  # a resume sets a damaged checkpoint aside
    variables = [
        text for name in _NETWORKS for text in _other_shapes(name, getattr(state, name), shapes)
    ]
    if variables:
        raise UserError(
            f"the run in {run.path} has other networks than those that are given:\n"
            + "\n".join(f"    {text}" for text in variables[:4]),
            "the networks that the run was started with",
            "pass these again, or choose another folder for a new run",
        )


def _is_recorded(
    word: str | os.PathLike[str], with_optimizers: bool, recorded: Mapping[str, Any] | None
) -> bool:
    """Whether a word names what a run began with; its checkpoint may be gone by now."""
    if recorded is None or recorded["optimizers"] != with_optimizers:
        return False
    place, asked = runs.split_word(word, "--from")
    if (str(place.resolve()), asked) == (recorded["run"], recorded["asked"]):
        return True
    return locate(word).describe()["sha256"] == recorded["sha256"]


def _other_shapes(name: str, network: Any, shapes: Mapping[str, list[int]]) -> Iterator[str]:
    """The variables of a network or optimizer whose shape in a checkpoint is another."""
    for index, variable in enumerate(network.variables):
        was = shapes.get(f"{name}/{index}/{VALUE}")
        now = list(variable.shape)
        if was != now:
            yield f"{variable.path}: {'none' if was is None else tuple(was)} -> {tuple(now)}"
    surplus = f"{name}/{len(network.variables)}/{VALUE}"
    if surplus in shapes:
        yield f"{name}: more variables -> {len(network.variables)}"
