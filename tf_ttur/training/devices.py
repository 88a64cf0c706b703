"""On what a run computes."""

import functools
import json
import os

import tensorflow as tf

from tf_ttur.errors import UserError


@functools.cache
def mirrored_strategy():
    """The `MirroredStrategy` over all GPUs of this machine, or over its (logical) CPUs where it has
    none.

    One for the whole process: the collective operations of a second one would have the keys of the
    first one's. TensorFloat-32 is switched off, so that a GPU gives the numbers of a CPU (features
    of the FID need that). On a CPU all operations are made deterministic, so that a run that goes
    on ends as one that was never stopped; on a GPU TF_DETERMINISTIC_OPS=1 asks for that, at its
    price.
    """
    _compute_exactly()
    devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
    return tf.distribute.MirroredStrategy([device.name for device in devices])


@functools.cache
def multi_worker_strategy():
    """The `MultiWorkerMirroredStrategy` over all devices of the processes that the variable
    TF_CONFIG names.

    To be called before anything else of TensorFlow. Otherwise as `mirrored_strategy`.

    Raises:
      UserError: TF_CONFIG is missing or wrong, or the other processes are not there.
    """
    content = os.environ.get("TF_CONFIG")
    example = '{"cluster": {"worker": ["host1:port", "host2:port"]}, "task": {"type": "worker", "index": 0}}'
    try:
        task = json.loads(content)["task"]
        json.loads(content)["cluster"][task["type"]][int(task["index"])]
    except (ValueError, TypeError, LookupError) as error:
        found = f"config.distribution = 'multi_worker' with TF_CONFIG = {content}"
        raise UserError(
            found, f"for the first of two processes {example}", "set it for each process"
        ) from error
    _compute_exactly()
    try:
        return tf.distribute.MultiWorkerMirroredStrategy()
    except tf.errors.OpError as error:
        reason = error.message.splitlines()[0]
        raise UserError(
            f"the workers of TF_CONFIG do not find each other ({reason})",
            "all processes at once",
            "start them all",
        ) from error


def strategy(config):
    """The strategy that a config names."""
    return multi_worker_strategy() if config.distribution == "multi_worker" else mirrored_strategy()


def is_chief(strategy):
    """Whether this process writes what is to be written; always, where there are no others."""
    resolver = strategy.cluster_resolver
    if resolver is None or not resolver.cluster_spec():
        return True
    has_chief = "chief" in resolver.cluster_spec().jobs
    return resolver.task_type == "chief" if has_chief else resolver.task_id == 0


def ask_chief(strategy, number):
    """The chief's whole number, on all workers. All wait here for each other."""
    local = len(strategy.extended.worker_devices)
    if local == strategy.num_replicas_in_sync:
        return number

    @tf.function
    def total():
        own = tf.constant(number if is_chief(strategy) else 0, tf.int64)
        return strategy.reduce(tf.distribute.ReduceOp.SUM, strategy.run(lambda: own), axis=None)

    return int(total()) // local


def _compute_exactly():
    tf.config.experimental.enable_tensor_float_32_execution(False)
    if not tf.config.list_physical_devices("GPU"):
        tf.config.experimental.enable_op_determinism()


def batch_per_replica(config, strategy):
    """The batch of one replica. Raises `UserError` if the global batch cannot be divided."""
    replicas, packed = strategy.num_replicas_in_sync, config.model.samples_per_score
    if config.batch_size % (replicas * packed):
        raise UserError(
            f"config.batch_size = {config.batch_size} on {replicas} devices",
            f"a multiple of {replicas * packed}"
            + (f", for {packed} samples a score on each" if packed > 1 else ""),
            "change it, or set CUDA_VISIBLE_DEVICES to fewer devices",
        )
    return config.batch_size // replicas
