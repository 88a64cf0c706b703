"""The entries of `environment.json`: machine, versions, data and evaluation of a run's parts.

A part begins with each start of the training. It must have the same data and evaluation as the
earlier parts, so that all values of a run are comparable.
"""

import pathlib
import platform
import subprocess
from collections.abc import Mapping
from typing import Any

import tensorflow as tf
from ml_collections import ConfigDict

from tf_ttur import config as configs
from tf_ttur import runs
from tf_ttur.data import Examples
from tf_ttur.errors import UserError
from tf_ttur.io import files
from tf_ttur.training import own_objects, rates
from tf_ttur.training.evaluation import Evaluator
from tf_ttur.training.own import Own

_PACKAGES = ("tf_ttur", "tensorflow", "keras", "numpy", "scipy", "tensorflow-datasets")


def describe(
    config: ConfigDict,
    update: int | None,
    examples: Examples,
    evaluator: Evaluator | None,
    own: Own,
    start: Mapping[str, Any] | None,
    compiled: bool,
) -> dict[str, Any]:
    """The entry of the part that begins now.

    Args:
      config: the validated config.
      update: the count of updates in the restored checkpoint; None where there is none.
      examples: what the run learns from.
      evaluator: what evaluates it, or None.
      own: objects that a Python program gave.
      start: the checkpoint of another run that the run has begun with (`starts.Start.describe`), or
        None.
      compiled: whether XLA compiles the updates.
    """
    a2 = rates.check_a2(config)
    return {
        "from_update": update or 0,
        **_describe_machine(),
        "compiled": compiled,
        "data": describe_data(examples),
        "skipped": list(examples.skipped),
        "evaluation": evaluator.provenance if evaluator else None,
        "theorem_1": {
            "a2_satisfied": a2.holds,
            "a2_satisfied_by_schedules": a2.numbers["schedules_hold"],
            "a2": a2.words,
        },
        "objects": own_objects.describe(config),
        "given": own.describe(),
        "start": start,
    }


def check_data(run: runs.Run, config: ConfigDict, examples: Examples) -> None:
    """Refuses other data than those that a run was started with, whatever they are called.

    Reads examples, and writes nothing. Runs of version 0.1.0 recorded only the number of examples.

    Raises:
      UserError: the data are others, or an example cannot be read.
    """
    now = describe_data(examples)
    part = run.environment[-1] if run.environment else {}
    stored = part.get("data", {"num_examples": part.get("num_examples", now["num_examples"])})
    differing = configs.differing_values(*_common(stored, now))
    if differing:
        raise UserError(
            f"{run.path} holds a run on other data:\n"
            + configs.listed([*_places(run, config), *differing]),
            "the data that the run was started with; they may have moved",
            "name the same data, or choose another --workdir",
        )


def check_evaluation(run: runs.Run, part: Mapping[str, Any]) -> None:
    """Refuses another evaluation than that of the values which a run already has.

    Args:
      run: the run, which has begun.
      part: the entry of the start that is about to be made, as `describe` returns it.

    Raises:
      UserError: the values would not be comparable.
    """
    if not run.environment or not run.has_evaluations:
        return
    earlier, now = _what_decides(run.environment[-1]["evaluation"], part["evaluation"])
    differing = configs.differing_values(earlier, now)
    if differing:
        raise UserError(
            f"{run.path} was evaluated with another network or reference:\n"
            + configs.listed(differing),
            "the same network and reference: other values are not comparable",
            "name the same ones, or choose another --workdir",
        )


def describe_data(examples: Examples) -> dict[str, Any]:
    """What the data of a run are: the number of examples, and digests of their content.

    Raises:
      UserError: an example cannot be read.
    """
    return {"num_examples": examples.num_examples, **examples.fingerprints}


def _places(run: runs.Run, config: ConfigDict) -> list[configs.Difference]:
    """The key that says where the data are, if its value has changed."""
    key = configs.kind_of(config).place
    was = configs.stored_values(run.path / runs.CONFIG)[key]
    now = configs.flatten(config)[key]
    return [configs.Difference(key, was, now)] if was != now else []


def _common(
    first: Mapping[str, Any], second: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Two dicts without what only one of them has: another version wrote it, or did not."""
    keys = [key for key in first if key in second]
    return {key: first[key] for key in keys}, {key: second[key] for key in keys}


def _what_decides(
    earlier: Mapping[str, Any] | None, now: Mapping[str, Any] | None
) -> tuple[dict[str, Any], dict[str, Any]]:
    """What two evaluations must have in common for their values to be comparable.

    The floor is left out: it follows from the reference, except for its last digit. If both
    references have a digest of their images, or of their moments, that digest counts, and neither
    their location nor the versions that computed them.
    """
    results = [dict(evaluation or {}) for evaluation in (earlier, now)]
    references = [result.pop("reference", None) or {} for result in results]
    for result in results:
        result.pop("floor", None)
    for digest in ("images_digest", "moments_digest"):
        if all(reference.get(digest) for reference in references):
            keys = (digest, "network", "network_sha1", "precision")
            references = [
                {key: reference[key] for key in keys if key in reference}
                for reference in references
            ]
            break
    first, second = _common(*results)
    first["reference"], second["reference"] = _common(*references)
    return first, second


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
