"""Whether XLA compiles the updates of a run, and how many updates a call makes."""

import re
from typing import Any

import tensorflow as tf
from ml_collections import ConfigDict

from tf_ttur.errors import UserError
from tf_ttur.io import console
from tf_ttur.training import devices
from tf_ttur.training import update as updates
from tf_ttur.training.state import State

_UPDATES_PER_CALL_ON_GPU = 100
# In TensorFlow's message: "... on XLA_CPU_JIT: Unique (No registered 'Unique' OpKernel ...".
_IS_OF_XLA = "Failed getting HLO text"
_OPERATION = re.compile(r"XLA_\w+_JIT: (\w+)")


def updates_per_call(config: ConfigDict) -> int:
    """How many updates a call makes at most, for `update.Updates`."""
    if config.updates_per_call:
        return config.updates_per_call
    return _UPDATES_PER_CALL_ON_GPU if tf.config.list_logical_devices("GPU") else 1


def decide(
    config: ConfigDict,
    strategy: tf.distribute.Strategy,
    state: State,
    examples: updates.Batches,
    encode: updates.Encode,
) -> bool:
    """Whether XLA compiles the updates. Says why not, where only the networks stand against it.

    Args:
      config: the validated config.
      strategy, state, encode: as in `update.build_update`.
      examples: what the run learns from.

    Raises:
      UserError: `config.compile` is "xla", and XLA cannot compile these updates.
    """
    if not devices.may_compile(config):
        return False
    replica = updates.build_replica(config, strategy, state, encode, compiled=True)
    batch_size = devices.batch_per_replica(config, strategy)
    batches: Any = updates.distribute_batches(config, strategy, examples, batch_size, 0)
    batch = tf.nest.map_structure(_zeros, batches.element_spec)
    obstacle = _obstacle(lambda: strategy.run(replica.lower, (batch,)))
    if obstacle is None:
        return True
    if config.compile == "xla":
        raise UserError(
            f"config.compile = xla, and {obstacle}",
            "networks, losses and penalties of operations that XLA compiles",
            "set config.compile = none, or auto",
        )
    console.say(f"the updates are not compiled: {obstacle}")
    return False


def _obstacle(lower: Any) -> str | None:
    """What XLA cannot compile, in words; None if it can compile all."""
    try:
        lower()
    except (tf.errors.OpError, ValueError) as error:
        if _IS_OF_XLA not in str(error):
            raise
        operation = _OPERATION.search(str(error))
        if operation is not None:
            return f"XLA cannot compile the operation {operation[1]}"
        return f"XLA cannot compile them ({str(error).splitlines()[0]})"
    return None


def _zeros(spec: tf.TensorSpec) -> tf.Tensor:
    return tf.zeros(spec.shape, spec.dtype)
