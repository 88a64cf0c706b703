"""What a machine with GPUs does with the experiments, measured part by part in a limited time.

On a machine without one the same parts measure its processor.
"""

import dataclasses
import json
import os
import pathlib
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from ml_collections import ConfigDict

from tf_ttur import config as configs
from tf_ttur import runs
from tf_ttur.errors import UserError
from tf_ttur.io import console, files
from tf_ttur.metrics import batch_size, inception
from tf_ttur.metrics import speed as metrics_speed
from tf_ttur.training import speed, speeds

Row = dict[str, Any]

# The settings that are tried with `Scope.card`: (precision, compile, updates per call). Not each
# with each, since XLA compiles for long.
TRIES = (
    ("float32", "none", 1),
    ("float32", "none", 20),
    ("float32", "xla", 1),
    ("float32", "xla", 20),
    ("tf32", "xla", 20),
    ("bfloat16", "none", 20),
    ("bfloat16", "xla", 20),
)
_KEYS = ("model.precision", "compile", "updates_per_call")

_SECONDS = 3.0  # for which an update is repeated
_NO_TIME = "the time was over"
# What is smaller in a quick report, where the card has the key.
_SMALL = {"model.width": 4, "batch_size": 8}


@dataclasses.dataclass(frozen=True)
class Scope:
    """What is measured.

    Attributes:
      cards: the experiments, whose updates are measured.
      card: the one of them whose settings are varied.
      minutes: after which no further measurement begins.
      quick: small networks and few repetitions, to see that everything runs.
      inception: where the Inception network is, as `inception.load` takes it.
    """

    cards: Sequence[ConfigDict]
    card: ConfigDict
    minutes: float = 10.0
    quick: bool = False
    inception: str | None = None


class Session:
    """The measurements of one report.

    Args:
      scope: what is measured.
    """

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self._end = time.monotonic() + 60 * scope.minutes

    @property
    def is_over(self) -> bool:
        """Whether no further measurement may begin."""
        return time.monotonic() >= self._end

    def update(self, config: ConfigDict, changes: Row) -> Row:
        """A row of one experiment.

        Args:
          config: its config.
          changes: {key: value} that replace those of the config.

        Returns:
          The experiment and `changes`, with what `speed.profile` has measured, or with "failed" or
          "skipped" and the reason.
        """
        row: Row = {"card": f"{config.name}:{config.variant}", **changes}
        if self.is_over:
            return row | {"skipped": _NO_TIME}
        try:
            config = self._changed(config, changes)
            measured = speed.profile(config, 0.1 if self.scope.quick else _SECONDS)
        except Exception as error:  # of any kind: a library of the GPU, or a lack of memory
            return row | {"failed": _reason(error)}
        finally:
            keras.backend.clear_session()
        # A machine that is taken away in the middle of a part leaves these lines.
        words = " ".join([row["card"], *(f"{key}={value}" for key, value in changes.items())])
        console.say(f"{words}: {1000 * measured.seconds:.1f} ms per update")
        per_second = config.batch_size / measured.seconds
        return row | measured._asdict() | {"images_per_second": per_second}

    def _changed(self, config: ConfigDict, changes: Row) -> ConfigDict:
        changed = config.copy_and_resolve_references()
        small = _SMALL if self.scope.quick else {}
        changed.update_from_flattened_dict(small | changes)
        return configs.validate(changed)


def measure(
    scope: Scope, parts: Iterable[str], save: Callable[[dict[str, Any]], None] = lambda _: None
) -> dict[str, Any]:
    """Measures parts of `PARTS`, in their order.

    A part that fails does not end the others.

    Args:
      scope: what is measured.
      parts: their names.
      save: is given the report after each part, so that a machine may be taken away.

    Returns:
      {"quick", "minutes", "parts": {name: what its function returns}, "skipped": {name: reason}},
      which JSON can hold.
    """
    session = Session(scope)
    measured: dict[str, Any] = {}
    skipped: dict[str, str] = {}
    report = {
        "quick": scope.quick,
        "minutes": scope.minutes,
        "parts": measured,
        "skipped": skipped,
    }
    for name in parts:
        if session.is_over:
            skipped[name] = _NO_TIME
        else:
            console.say(f"measuring {name}")
            try:
                measured[name] = PARTS[name](session)
            except Exception as error:  # as in `Session.update`
                skipped[name] = _reason(error)
        save(report)
    return report


def machine(session: Session) -> Row:
    """Devices, driver, versions, and the limit in products of matrices."""
    gpus = tf.config.list_physical_devices("GPU")
    build = tf.sysconfig.get_build_info()
    size = 8192 if gpus else 2048
    return {
        "platform": platform.platform(),
        "processors": os.cpu_count(),
        "gpus": [_gpu(gpu) for gpu in gpus],
        "driver": _driver(),
        "cuda": build.get("cuda_version"),
        "cudnn": build.get("cudnn_version"),
        "versions": {
            name: files.version(name) for name in ("tf_ttur", "tensorflow", "keras", "numpy")
        },
        "matrix_flops": metrics_speed.matrix_peaks(256 if session.scope.quick else size),
        "free_bytes": batch_size.free_bytes(),
    }


def _gpu(gpu: Any) -> Row:
    details = tf.config.experimental.get_device_details(gpu)
    return {
        "name": details.get("device_name", gpu.name),
        "compute_capability": details.get("compute_capability"),
    }


def _driver() -> str | None:
    """The version of NVIDIA's driver; None where its program is missing."""
    words = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    try:
        output = subprocess.run(words, capture_output=True, text=True, timeout=30, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return output.stdout.split("\n")[0].strip() or None


def features(session: Session) -> Row:
    """Images per second of the network, and how far its features are from those of a CPU."""
    scope = session.scope
    path = inception.locate(scope.inception)
    if path is None or str(path).startswith("hub:"):
        raise UserError("no frozen Inception graph here", "its file", "name it by --inception")
    rows = []
    for precision in ("float32", "bfloat16"):
        network = inception.load(path, precision)
        sizes = {batch_size.DEFAULT, batch_size.feature_batch_size(0, network)}
        for size in [2] if scope.quick else sorted(sizes):
            count = 1 if scope.quick else 3
            rate = metrics_speed.images_per_second(network, size, count)
            rows.append({"precision": precision, "batch_size": size, "images_per_second": rate})
    return {"rows": rows, "relative_difference_from_cpu": _difference_from_cpu(path)}


def _difference_from_cpu(path: Any) -> float:
    """The largest relative distance of an image's features from those of a CPU."""
    images = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3), np.uint8)
    ours = np.asarray(inception.load(path)(images)[0])
    with tf.device("CPU:0"):
        network = inception.Inception(inception.read_graph(path))
        theirs = np.asarray(network(images)[0])
    distance = np.linalg.norm(ours - theirs, axis=1) / np.linalg.norm(theirs, axis=1)
    return float(distance.max())


def settings(session: Session) -> list[Row]:
    """The update of one experiment with the settings of `TRIES`."""
    tries = [TRIES[0], TRIES[1], TRIES[-1]] if session.scope.quick else TRIES
    return [
        session.update(session.scope.card, dict(zip(_KEYS, values, strict=True)))
        for values in tries
    ]


def cards(session: Session) -> list[Row]:
    """The update of each experiment whose update costs something else, without and with XLA."""
    kinds: dict[str, ConfigDict] = {}
    for config in session.scope.cards:
        kinds.setdefault(speeds.key(config), config)
    return [
        session.update(config, {"compile": value, "updates_per_call": 20})
        for config in kinds.values()
        for value in ("none", "xla")
    ]


def resume(session: Session) -> Row:
    """Whether a run that is resumed ends with the same weights as one that is not, to the bit.

    They train with TF_DETERMINISTIC_OPS=1, in processes of their own.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        for run, updates in (("whole", 8), ("parts", 4), ("parts", 8)):
            _train(session.scope.card, folder / run, updates)
        differing = _differing(runs.Run(folder / "whole"), runs.Run(folder / "parts"))
    return {"is_exact": not differing, "differing": differing[:5]}


def _train(config: ConfigDict, workdir: pathlib.Path, updates: int) -> None:
    """Trains up to so many updates, in a process. Raises `RuntimeError` if it fails."""
    words = [
        *(sys.executable, "-m", "tf_ttur", "train", f"--config={config.name}:{config.variant}"),
        *(f"--workdir={workdir}", f"--config.updates={updates}"),
        *("--config.data.source=digits:64", "--config.evaluation.every_updates=0"),
        *("--config.samples_every_updates=0", "--config.batch_size=8", "--config.model.width=8"),
    ]
    _run(words, {"TF_DETERMINISTIC_OPS": "1"})


def _run(words: Sequence[str], environment: Mapping[str, str] | None = None) -> str:
    """What a process prints. Raises `RuntimeError` if it fails."""
    variables = os.environ | (environment or {})
    process = subprocess.run(words, env=variables, capture_output=True, text=True, check=False)
    if process.returncode:
        raise RuntimeError(f"{words[3]} failed: " + process.stderr[-500:].replace("\n", " "))
    return process.stdout


def _differing(*pair: runs.Run) -> list[str]:
    """The names of the variables whose bits differ between the newest checkpoints of two runs."""
    first, second = (
        tf.train.load_checkpoint(str(run.path / runs.CHECKPOINTS / f"ckpt-{max(run.checkpoints)}"))
        for run in pair
    )
    return [
        name
        for name in first.get_variable_to_shape_map()
        if not name.startswith(("training_seconds", "_CHECKPOINTABLE"))
        and not np.array_equal(first.get_tensor(name), second.get_tensor(name))
    ]


def all_gpus(session: Session) -> list[Row]:
    """The update of one experiment on all GPUs, in a process that sees them."""
    config = session.scope.card
    card = f"{config.name}:{config.variant}"
    words = [sys.executable, "-m", "tf_ttur", "benchmark", "--config", card, "--json"]
    batch = config.batch_size
    if session.scope.quick:
        words += [f"--config.{key}={value}" for key, value in _SMALL.items()]
        batch = _SMALL["batch_size"]
    row = json.loads(_run(words))
    return [{"card": card, **row, "images_per_second": batch / row["seconds"]}]


PARTS: dict[str, Callable[[Session], Any]] = {
    "machine": machine,
    "settings": settings,
    "features": features,
    "resume": resume,
    "all_gpus": all_gpus,
    "cards": cards,
}


def _reason(error: Exception) -> str:
    text = str(error).strip().split("\n")[0]
    return f"{type(error).__name__}: {text[:300]}"
