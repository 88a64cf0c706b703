"""Measures how long an update takes on this machine, and in which operations."""

import collections
import math
import pathlib
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
from ml_collections import ConfigDict

from tf_ttur import config as configs
from tf_ttur.metrics.precision import tensor_float_32
from tf_ttur.training import compilation, devices, networks, surroundings
from tf_ttur.training import update as updates
from tf_ttur.training.state import State

_SYMBOLS = 100  # assumed size of the vocabulary, as no data are read
_NAMED = 5  # kinds of kernels


class UpdateSpeed(NamedTuple):
    """What an update costs.

    Attributes:
      seconds: by the clock.
      kernels: that the device is given; on a CPU the operations that are carried out. None where
        the driver does not let the profiler see them.
      kernel_seconds: of all of them, added up. The rest of `seconds` is between them.
      largest: (name, share of these seconds) of the kinds that take most of them.
      peak_bytes: of the first GPU's memory; 0 without a GPU.
    """

    seconds: float
    kernels: float | None
    kernel_seconds: float
    largest: list[tuple[str, float]]
    peak_bytes: int


@surroundings.exact()
def profile(config: ConfigDict, seconds: float) -> UpdateSpeed:
    """Measures the update of an experiment on ready-made noise, after a first one.

    Args:
      config: the validated config.
      seconds: how long updates are repeated.
    """
    gpus = tf.config.list_logical_devices("GPU")
    if gpus:
        tf.config.experimental.reset_memory_stats(gpus[0].name)
    run = prepare(config)
    count = compilation.updates_per_call(config)
    run(count)
    # First, since TensorFlow soon stops to record operations that it has found to be short.
    kernels_of = _kernels if gpus else _operations
    kernels = [kernel for profile in _profiles(run, count) for kernel in kernels_of(profile)]
    start = time.perf_counter()
    run(count)
    calls = math.ceil(seconds / (time.perf_counter() - start))
    start = time.perf_counter()
    run(calls * count)
    elapsed = time.perf_counter() - start
    peak = tf.config.experimental.get_memory_info(gpus[0].name)["peak"] if gpus else 0
    return UpdateSpeed(
        elapsed / (calls * count),
        len(kernels) / count or None,
        sum(duration for _, duration in kernels) / 1e12 / count,
        _shares(kernels)[:_NAMED],
        peak,
    )


@surroundings.exact()
def seconds_per_update(config: ConfigDict, count: int = 3) -> float:
    """Mean seconds per update, over `count` updates after a first one, on ready-made noise."""
    run = prepare(config)
    start = time.perf_counter()
    run(count)
    return (time.perf_counter() - start) / count


@surroundings.exact()
def costly_operations(config: ConfigDict, count: int = 2) -> list[tuple[str, float]]:
    """Where `count` updates, after a first one, spend their time, by TensorFlow's profiler.

    Returns:
      List of (type of operation, share of the time of all operations), largest first. Operations
      that run side by side count in full.
    """
    run = prepare(config)
    return _shares(
        operation for profile in _profiles(run, count) for operation in _operations(profile)
    )


def _shares(durations: Iterable[tuple[str, int]]) -> list[tuple[str, float]]:
    """(name, share of all durations), largest first."""
    spent: collections.Counter[str] = collections.Counter()
    for name, duration in durations:
        spent[name] += duration
    return [(name, duration / spent.total()) for name, duration in spent.most_common()]


def _profiles(run: Callable[[int], None], count: int) -> list[Any]:
    """What TensorFlow's profiler writes of so many updates."""
    from tensorflow.tsl.profiler.protobuf import xplane_pb2  # no public name gives this format

    with tempfile.TemporaryDirectory() as folder:
        tf.profiler.experimental.start(folder)
        run(count)
        tf.profiler.experimental.stop()
        return [
            xplane_pb2.XSpace.FromString(path.read_bytes())
            for path in pathlib.Path(folder).rglob("*.xplane.pb")
        ]


def _kernels(profile: Any) -> Iterator[tuple[str, int]]:
    """(name, picoseconds) of what the streams of a profile's GPUs carried out."""
    for plane in profile.planes:
        if not plane.name.startswith("/device:GPU"):
            continue
        for line in plane.lines:
            if line.name.startswith("Stream"):
                for event in line.events:
                    yield plane.event_metadata[event.metadata_id].name, event.duration_ps


def _operations(profile: Any) -> Iterator[tuple[str, int]]:
    """(type of operation, picoseconds) of each kernel in what TensorFlow's profiler writes."""
    for plane in profile.planes:
        names = {number: metadata.name for number, metadata in plane.event_metadata.items()}
        for line in plane.lines:
            for event in line.events:
                # A kernel is NODE:TYPE; others are Class::function.
                node, _, operation = names[event.metadata_id].rpartition(":")
                if node and not node.endswith(":") and operation.isidentifier():
                    yield operation, event.duration_ps


def prepare(config: ConfigDict) -> Callable[[int], None]:
    """A function that makes a given number of updates, after a first one that was traced."""
    strategy = devices.strategy(config)
    symbols = _SYMBOLS if configs.kind_of(config).has_vocabulary else 0
    noise = _Noise(config, symbols)
    with strategy.scope():
        state = State(config, symbols)
    compiled = compilation.decide(config, strategy, state, noise, noise.encode)
    update = updates.build_update(config, strategy, state, noise.encode, compiled)
    calls = updates.Updates(update, compilation.updates_per_call(config))
    batch_size = devices.batch_per_replica(config, strategy)
    iterator = updates.distribute_batches(config, strategy, noise, batch_size, 0)

    def run(count: int) -> None:
        with tensor_float_32(config.model.precision == "tf32"):
            for done in range(0, count, calls.at_most):
                values, _ = calls(done, min(calls.at_most, count - done), iterator)
            np.asarray(values["loss/generator"])  # waits for the device

    run(1)
    return run


class _Noise:
    """One batch of noise, repeated for ever, in place of `Examples`."""

    def __init__(self, config: ConfigDict, symbols: int) -> None:
        self._shape = networks.example_shape(config, symbols)
        self._symbols = symbols

    def batches(
        self,
        seed: np.ndarray,
        first: int,
        stride: int,
        batch_size: int,
        wanted: updates.IsWanted | None = None,
    ) -> tf.data.Dataset:
        """As of `Examples`."""
        random = np.random.default_rng(0)
        if self._symbols:
            batch = random.integers(0, self._symbols, (batch_size, self._shape[0]), np.int32)
        else:
            batch = random.uniform(-1, 1, (batch_size, *self._shape)).astype(np.float32)
        return tf.data.Dataset.from_tensors(batch).repeat()

    def encode(self, batch: tf.Tensor) -> tf.Tensor:
        """As of `Examples`."""
        return tf.one_hot(batch, self._symbols) if self._symbols else batch
