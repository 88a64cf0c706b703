"""The measured seconds per update of experiments, kept per machine.

Reading them needs no TensorFlow; only measuring does.
"""

import hashlib
import json
import os
import pathlib
import platform
from collections.abc import Iterable

from ml_collections import ConfigDict

from tf_ttur import config as configs
from tf_ttur.errors import UserError
from tf_ttur.io import cache, console, files

# The time of an update depends on the keys that begin with one of these.
_COSTLY = (
    "batch_size",
    "model",
    "discriminator.steps",
    "discriminator.gradient_penalty",
    "data.image_size",
    "data.line_length",
    "latent.size",
    "loss",
)


def read() -> dict[str, float]:
    """{key: seconds per update} of earlier measurements; {} where there are none.

    Raises:
      UserError: their file is damaged.
    """
    path = _path()
    try:
        return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    except ValueError as error:
        raise UserError(
            f"{path} cannot be read ({error})",
            "what tf-ttur list --measure wrote",
            "remove it, and measure again",
        ) from error


def key(config: ConfigDict) -> str:
    """A string shared by all experiments whose update costs the same on this machine."""
    flat = configs.flatten(config)
    costly = {name: value for name, value in flat.items() if name.startswith(_COSTLY)}
    text = json.dumps([_machine(), files.version("tensorflow"), costly])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def measure(configs_to_measure: Iterable[ConfigDict], speeds: dict[str, float]) -> None:
    """Measures each kind of update once. Adds its seconds to `speeds` and writes the file.

    Args:
      configs_to_measure: of the experiments.
      speeds: {key: seconds per update}, as `read` returns it.
    """
    from tf_ttur.training import speed

    by_key = {key(config): config for config in configs_to_measure}
    for one, config in by_key.items():
        speeds[one] = speed.seconds_per_update(config)
        console.say(f"{config.name}:{config.variant}: {speeds[one]:.2f} s per update")
        with files.atomic(_path(), "w") as file:
            json.dump(speeds, file)


def _path() -> pathlib.Path:
    return cache.folder() / "speed.json"


def _machine() -> tuple[str | int | None, ...]:
    """What identifies this machine and the devices that TensorFlow may use.

    Asking TensorFlow itself would take seconds.
    """
    gpus = len(list(pathlib.Path("/proc/driver/nvidia/gpus").glob("*")))
    return (
        platform.node(),
        platform.machine(),
        os.cpu_count(),
        gpus,
        os.environ.get("CUDA_VISIBLE_DEVICES"),
    )
