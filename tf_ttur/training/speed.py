"""How long an update takes on this machine, and what the time goes into."""

import collections
import pathlib
import tempfile
import time

import numpy as np
import tensorflow as tf

from tf_ttur import config as configs
from tf_ttur.training import devices
from tf_ttur.training import update as updates
from tf_ttur.training.state import State

_SYMBOLS = 100  # of a language, where the data that would tell are not read


def seconds_per_update(config, count=3):
    """Mean seconds of `count` updates after a first one, on examples of noise that are ready
    beforehand.
    """
    run = _prepare(config)
    start = time.perf_counter()
    run(count)
    return (time.perf_counter() - start) / count


def costly_operations(config, count=2):
    """What `count` updates, after a first one, spend their time in, by TensorFlow's profiler.

    Returns:
      List of (type of operation, share of the time of all operations), largest first. Operations
      that run side by side count in full.
    """
    from tensorflow.tsl.profiler.protobuf import xplane_pb2  # no public name gives this format

    run = _prepare(config)
    spent = collections.Counter()
    with tempfile.TemporaryDirectory() as folder:
        tf.profiler.experimental.start(folder)
        run(count)
        tf.profiler.experimental.stop()
        for path in pathlib.Path(folder).rglob("*.xplane.pb"):
            for plane in xplane_pb2.XSpace.FromString(path.read_bytes()).planes:
                names = {number: metadata.name for number, metadata in plane.event_metadata.items()}
                for line in plane.lines:
                    for event in line.events:
                        node, _, operation = names[event.metadata_id].rpartition(":")
                        if (
                            node and not node.endswith(":") and operation.isidentifier()
                        ):  # a kernel, NODE:TYPE; others are Class::function
                            spent[operation] += event.duration_ps
    return [(operation, duration / spent.total()) for operation, duration in spent.most_common()]


def _prepare(config):
    """A function of a number of updates to make, after a first one that traces."""
    strategy = devices.mirrored_strategy()
    symbols = _SYMBOLS if configs.kind_of(config).has_vocabulary else 0
    with strategy.scope():
        state = State(config, symbols)
    update = updates.build_update(config, strategy, state)
    iterator = updates.distribute_batches(
        config, strategy, _Noise(config, symbols), devices.batch_per_replica(config, strategy), 0
    )

    def run(count):
        for number in range(count):
            values, _ = update(tf.constant(number, tf.int64), iterator)
        float(values["loss/generator"])  # waits for the device

    run(1)
    return run


class _Noise:
    """One batch again and again, in the place of `Images` or `Lines`."""

    def __init__(self, config, symbols):
        self._config, self._symbols = config, symbols

    def batches(self, seed, first, stride, batch_size, wanted=None):
        random, size = np.random.default_rng(0), self._config.data.image_size
        if self._symbols:
            batch = random.integers(
                0, self._symbols, (batch_size, self._config.data.line_length), np.int32
            )
        else:
            batch = random.uniform(-1, 1, (batch_size, size, size, 3)).astype(np.float32)
        return tf.data.Dataset.from_tensors(batch).repeat()
