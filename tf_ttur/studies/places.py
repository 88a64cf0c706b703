"""Dividing this machine's cores and GPUs among processes that train at the same time."""

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from typing import NamedTuple

from tf_ttur.io import sharing

_SECONDS_FOR_DRIVER = 20


class Place(NamedTuple):
    """Where one of several processes runs.

    Attributes:
      cores: the processor cores that it may use; None for all.
      environment: {variable: value} beside those of this process.
    """

    cores: frozenset[int] | None
    environment: dict[str, str]


def divide(jobs: int) -> list[Place]:
    """One place for each of `jobs` processes.

    GPUs are dealt out in turn. Processes that share one let its memory grow, and know how many they
    are at most. Cores are divided into blocks of neighbours; with more processes than cores, each
    has one core.
    """
    if jobs == 1:
        return [Place(None, {})]
    return _divide(jobs, _cores(), gpus())


def gpus() -> list[str]:
    """The numbers or names of the GPUs that this process may use, as CUDA_VISIBLE_DEVICES does.

    [] without NVIDIA's driver, or where they are hidden.
    """
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        words = [word.strip() for word in visible.split(",")]
        return [word for word in words if word and word not in ("-1", "NoDevFiles")]
    program = shutil.which("nvidia-smi")
    if program is None:
        return []
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        listed = subprocess.run(
            [program, "-L"], capture_output=True, text=True, timeout=_SECONDS_FOR_DRIVER, check=True
        )
        count = sum(line.startswith("GPU ") for line in listed.stdout.splitlines())
        return [str(number) for number in range(count)]
    return []


@contextlib.contextmanager
def limited_to(cores: frozenset[int] | None) -> Iterator[None]:
    """Processes that the block starts may use these cores alone.

    Only Linux can do this; elsewhere it does nothing.
    """
    if cores is None or not hasattr(os, "sched_setaffinity"):
        yield
        return
    earlier = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, earlier)


def _divide(jobs: int, cores: list[int], names: list[str]) -> list[Place]:
    places = []
    for job in range(jobs):
        if jobs <= len(cores):
            first = job * len(cores) // jobs
            own = cores[first : (job + 1) * len(cores) // jobs]
        else:
            own = [cores[job % len(cores)]]
        environment = {}
        if names:
            environment["CUDA_VISIBLE_DEVICES"] = names[job % len(names)]
        if 0 < len(names) < jobs:
            environment["TF_FORCE_GPU_ALLOW_GROWTH"] = "true"
            environment[sharing.PROCESSES_PER_GPU] = str(-(-jobs // len(names)))
        places.append(Place(frozenset(own), environment))
    return places


def _cores() -> list[int]:
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))
