"""How each run was made: its difference from its card, its command, and its environment."""

import dataclasses
import shlex
from typing import Any

from ml_collections import ConfigDict

from tf_ttur import config as configs
from tf_ttur import registry, runs
from tf_ttur.config import Difference
from tf_ttur.errors import UserError
from tf_ttur.runs import Run

# Keys that a card sets, and a command line cannot.
_OF_CARDS = ("name", "variant")


def card_of(config: ConfigDict) -> ConfigDict | None:
    """The shipped card that a run was made from, as its name says; None if there is none."""
    try:
        return configs.read_card(f"{config.name}:{config.variant}")
    except UserError:
        return None


def changes(config: ConfigDict, card: ConfigDict) -> list[Difference]:
    """The values that a run does not have from its card."""
    of_card = configs.flatten(card)
    return [
        Difference(key, of_card[key], value)
        for key, value in configs.flatten(config).items()
        if key not in _OF_CARDS and of_card[key] != value
    ]


@dataclasses.dataclass(frozen=True)
class Recipe:
    """How to make a run again.

    Attributes:
      label, seed: of its setting and of the run.
      command: the command line; None if no shipped card has the run's name.
      config: the path of its config.
      environment: {what: words} of its last start; {} if nothing records it.
    """

    label: str
    seed: int
    command: str | None
    config: str
    environment: dict[str, Any]


def recipe(label: str, run: Run) -> Recipe:
    """How to make a run again; `label` is that of its setting."""
    path = str(run.path / runs.CONFIG)
    return Recipe(label, run.config.seed, command(run), path, environment(run))


def command(run: Run) -> str | None:
    """The command line that makes a run again; None if there is none.

    There is none if no shipped card has the run's name, or a Python program gave it objects.

    Its folder is a new one, as the run's own need not hold its checkpoints any more. A network that
    the user named stands as PATH, as a run folder does not say where it was.
    """
    card = card_of(run.config)
    given = any(map(registry.is_given, [*configs.objects(run.config), run.config.data.source]))
    if card is None or given:
        return None
    words = ["tf-ttur", "train", "--config", f"{run.config.name}:{run.config.variant}"]
    words += ["--workdir", f"again/{run.path.resolve().name}"]
    words += [f"--config.{change.key}={change.now}" for change in changes(run.config, card)]
    network = (evaluation_of(run) or {}).get("network")
    if network not in (None, "original", "pixels"):
        words += ["--inception", "PATH"]
    return shlex.join(words)


def evaluation_of(run: Run) -> dict[str, Any] | None:
    """What the last start of a run recorded about its evaluation; None if it recorded nothing."""
    return run.environment[-1].get("evaluation") if run.environment else None


def environment(run: Run) -> dict[str, Any]:
    """{what: words} of the last start of a run; {} without environment.json."""
    if not run.environment:
        return {}
    part = run.environment[-1]
    packages = part.get("packages", {})
    versions = ", ".join(f"{name} {version}" for name, version in packages.items())
    evaluation = evaluation_of(run) or {}
    data = {"num_examples": part.get("num_examples"), **part.get("data", {})}
    lines = {
        "starts": str(len(run.environment)),
        "Python": part.get("python"),
        "packages": versions,
        "platform": part.get("platform"),
        "processor": part.get("processor"),
        "devices": ", ".join(part.get("gpus") or part.get("devices", [])),
        "commit": part.get("git_commit"),
        "examples": data["num_examples"],
        "network of the evaluation": evaluation.get("network"),
        "its digest": evaluation.get("network_sha1"),
        "its precision": evaluation.get("precision"),
    }
    return {name: value for name, value in lines.items() if value}
