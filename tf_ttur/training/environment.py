"""The entries of `environment.json`: machine, versions, data and evaluation of a run's parts.

A part begins with each start of the training. It must have the same data and evaluation as the
earlier parts, so that all values of a run are comparable.
"""

import json
import pathlib
import platform
import subprocess
from collections.abc import Mapping
from typing import Any

import tensorflow as tf
from ml_collections import ConfigDict

from tf_ttur.data import Examples
from tf_ttur.errors import UserError
from tf_ttur.io import files
from tf_ttur.training import own_objects, rates
from tf_ttur.training.evaluation import Evaluator

_PACKAGES = ("tf_ttur", "tensorflow", "keras", "numpy", "scipy", "tensorflow-datasets")


def describe(
    config: ConfigDict, update: int | None, examples: Examples, evaluator: Evaluator | None
) -> dict[str, Any]:
    """The entry of the part that begins now.

    Args:
      config: the validated config.
      update: the count of updates in the restored checkpoint; None where there is none.
      examples: what the run learns from.
      evaluator: what evaluates it, or None.
    """
    a2 = rates.check_a2(config)
    return {
        "from_update": update or 0,
        **_describe_machine(),
        "num_examples": examples.num_examples,
        "skipped": list(examples.skipped),
        "evaluation": evaluator.provenance if evaluator else None,
        "theorem_1": {
            "a2_satisfied": a2.holds,
            "a2_satisfied_by_schedules": a2.numbers["schedules_hold"],
            "a2": a2.words,
        },
        "objects": own_objects.describe(config),
    }


def check_fits(path: pathlib.Path, earlier: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """Refuses a part with other data or another evaluation than an earlier one.

    Args:
      path: the run folder, for messages.
      earlier, now: entries as `describe` returns them. Entries written by earlier versions may lack
        keys.

    Raises:
      UserError: it does not fit.
    """
    num_examples = now["num_examples"]
    if earlier.get("num_examples", num_examples) != num_examples:
        raise UserError(
            f"{path} holds a run on {earlier['num_examples']:,} examples;"
            f" now there are {num_examples:,}",
            "the data that the run was started with",
            "name the same data, or choose another --workdir",
        )
    if _what_decides(earlier["evaluation"]) != _what_decides(now["evaluation"]):
        raise UserError(
            f"{path} was evaluated with {json.dumps(earlier['evaluation'])};"
            f" now it is {json.dumps(now['evaluation'])}",
            "the same network and reference: other values are not comparable",
            "name the same ones, or choose another --workdir",
        )


def _what_decides(evaluation: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """What two evaluations must have in common for their values to be comparable.

    The floor is left out: it follows from the reference, except for its last digit. If the
    reference has a digest of its images, neither their location nor the versions that computed it
    matter.
    """
    if not evaluation:
        return evaluation
    reference = dict(evaluation.get("reference") or {})
    if reference.get("images_digest"):
        for key in ("source", "source_identity", "versions"):
            reference.pop(key, None)
    rest = {key: value for key, value in evaluation.items() if key != "floor"}
    return {**rest, "reference": reference}


def _describe_machine() -> dict[str, Any]:
    return {
        "python": platform.python_version(),
        "packages": {name: files.version(name) for name in _PACKAGES},
        "platform": platform.platform(),
        "processor": _processor(),
        "devices": [device.name for device in tf.config.list_logical_devices()],
        "gpus": [
            tf.config.experimental.get_device_details(gpu).get("device_name", "unknown")
            for gpu in tf.config.list_physical_devices("GPU")
        ],
        "git_commit": _git_commit(),
    }


def _processor() -> str:
    try:
        lines = pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{len(models)} x {models[0]}" if models else platform.processor()


def _git_commit() -> str | None:
    """The commit of the code, "-dirty" if it has been changed since; None outside a checkout."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    folder = pathlib.Path(__file__).parent
    try:
        process = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return process.stdout.strip()
