"""The command line that starts a training again with lower learning rates."""

import itertools
import pathlib
import shlex
from collections.abc import Sequence

from ml_collections import ConfigDict

_PLAYERS = ("discriminator", "generator")
_HIGHEST_RATE = 1e-4  # low enough for every network here
_WITH_VALUE = ("--workdir", "--from", *(f"--config.{name}.learning_rate" for name in _PLAYERS))


def command(words: Sequence[str], config: ConfigDict, workdir: str, update: int) -> str:
    """The command line that follows a run whose values were no longer finite.

    The rates are a tenth of what they were, and at most 1e-4.

    Args:
      words: the arguments of the command line that failed.
      config: its validated config.
      workdir: its run folder.
      update: the count of updates in the last good checkpoint. If it is 0, the run starts over in
        its folder. Otherwise a new run begins with that checkpoint.
    """
    rates = [
        f"--config.{name}.learning_rate={min(config[name].learning_rate / 10, _HIGHEST_RATE):g}"
        for name in _PLAYERS
    ]
    named = any(word.partition("=")[0] == "--workdir" for word in words)
    if update:
        start = ["--from", f"{workdir}@{update}"]
        folder = ["--workdir", _free(f"{workdir}-from-{update}")] if named else []
        kept = _without(words, ("--from-optimizers", *_WITH_VALUE))
    else:
        start = []
        folder = ["--workdir", workdir] if named else []
        kept = _without(words, [flag for flag in _WITH_VALUE if flag != "--from"])
    return shlex.join(["tf-ttur", "train", *kept, *rates, *start, *folder])


def _without(words: Sequence[str], flags: Sequence[str]) -> list[str]:
    """The words without these flags and the values that belong to them."""
    kept = []
    remaining = iter(words)
    for word in remaining:
        flag, equals, _ = word.partition("=")
        if flag not in flags:
            kept.append(word)
        elif not equals and flag in _WITH_VALUE:
            next(remaining, None)
    return kept


def _free(folder: str) -> str:
    """The folder, with a number if it is there already."""
    names = itertools.chain([folder], (f"{folder}.{count}" for count in itertools.count(2)))
    return next(name for name in names if not pathlib.Path(name).exists())
