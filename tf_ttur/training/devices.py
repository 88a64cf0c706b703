"""The devices that a run computes on."""

import functools
import json
import os

import tensorflow as tf
from ml_collections import ConfigDict

from tf_ttur.errors import UserError
from tf_ttur.wording import counted

_EXAMPLE = (
    '{"cluster": {"worker": ["host1:port", "host2:port"]}, "task": {"type": "worker", "index": 0}}'
)


@functools.cache
def mirrored_strategy() -> tf.distribute.Strategy:
    """The `MirroredStrategy` over all GPUs of this machine, or else its logical CPUs.

    There is one per process: two `MirroredStrategy` objects would share the keys of their
    collective operations.
    """
    return tf.distribute.MirroredStrategy(_names())


@functools.cache
def multi_worker_strategy() -> tf.distribute.Strategy:
    """The `MultiWorkerMirroredStrategy` over all devices of the processes named by TF_CONFIG.

    It must be created before any other use of TensorFlow. There is one per process.

    Raises:
      UserError: TF_CONFIG is missing or wrong, or the other processes do not answer.
    """
    _check_cluster(os.environ.get("TF_CONFIG"))
    try:
        return tf.distribute.MultiWorkerMirroredStrategy()
    except tf.errors.OpError as error:
        reason = error.message.splitlines()[0]
        raise UserError(
            f"the workers of TF_CONFIG do not find each other ({reason})",
            "all processes running at the same time",
            "start them all",
        ) from error


def strategy(config: ConfigDict) -> tf.distribute.Strategy:
    """The strategy that a config asks for.

    Raises:
      UserError: `config.compile` is "xla", and the run has several devices.
    """
    if may_compile(config):
        return tf.distribute.OneDeviceStrategy(_names()[0])
    if config.compile == "xla":
        raise UserError(
            "config.compile = xla with several devices",
            "one device: TensorFlow's exchange between devices is not compiled",
            "set config.compile = none, or CUDA_VISIBLE_DEVICES to one device",
        )
    return multi_worker_strategy() if config.distribution == "multi_worker" else mirrored_strategy()


def may_compile(config: ConfigDict) -> bool:
    """Whether a config wants XLA to compile its updates, and the devices allow it.

    A `MirroredStrategy` exchanges gradients where XLA cannot follow, so there must be one device.
    XLA's convolutions for CPUs are slow, so "auto" wants it on a GPU.
    """
    if config.compile == "none" or config.distribution == "multi_worker":
        return False
    on_gpu = bool(tf.config.list_logical_devices("GPU"))
    return len(_names()) == 1 and (on_gpu or config.compile == "xla")


def _names() -> list[str]:
    """The devices of this machine that a run computes on."""
    devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
    return [device.name for device in devices]


def is_chief(strategy: tf.distribute.Strategy) -> bool:
    """Whether this process writes the run folder; True if it is the only process."""
    resolver = strategy.cluster_resolver
    if resolver is None or not resolver.cluster_spec():
        return True
    has_chief = "chief" in resolver.cluster_spec().jobs
    return resolver.task_type == "chief" if has_chief else resolver.task_id == 0


def ask_chief(strategy: tf.distribute.Strategy, number: int) -> int:
    """The chief's `number`, on all workers. The workers wait for each other here."""
    local = len(strategy.extended.worker_devices)
    if local == strategy.num_replicas_in_sync:
        return number

    @tf.function
    def total() -> tf.Tensor:
        own = tf.constant(number if is_chief(strategy) else 0, tf.int64)
        return strategy.reduce(tf.distribute.ReduceOp.SUM, strategy.run(lambda: own), axis=None)

    return int(total()) // local


def batch_per_replica(config: ConfigDict, strategy: tf.distribute.Strategy) -> int:
    """The batch size of one replica.

    Raises:
      UserError: the global batch cannot be divided.
    """
    replicas = strategy.num_replicas_in_sync
    packed = config.model.samples_per_score
    if config.batch_size % (replicas * packed):
        expected = f"a multiple of {replicas * packed}"
        if packed > 1:
            expected += f", as the critic scores {packed} samples together"
        raise UserError(
            f"config.batch_size = {config.batch_size} on {counted(replicas, 'device')}",
            expected,
            "change it, or set CUDA_VISIBLE_DEVICES to fewer devices",
        )
    return config.batch_size // replicas


def describe(strategy: tf.distribute.Strategy) -> str:
    """The devices of a strategy, for messages."""
    local = strategy.extended.worker_devices
    names = ", ".join(device.split("device:")[-1] for device in local)
    if len(local) < strategy.num_replicas_in_sync:
        names += f" (of {strategy.num_replicas_in_sync} devices in all)"
    return names


def _check_cluster(content: str | None) -> None:
    """Refuses a TF_CONFIG that does not name this process. Raises `UserError`."""
    try:
        cluster = json.loads(content)  # type: ignore[arg-type]  # None raises TypeError
        task = cluster["task"]
        cluster["cluster"][task["type"]][int(task["index"])]
    except (ValueError, TypeError, LookupError) as error:
        raise UserError(
            f"config.distribution = 'multi_worker' with TF_CONFIG = {content}",
            f"for the first of two processes {_EXAMPLE}",
            "set it for each process",
        ) from error
