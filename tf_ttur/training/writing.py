"""What TensorFlow writes, with the errors of other writing."""

import contextlib
import re

import tensorflow as tf


@contextlib.contextmanager
def by_tensorflow(what):
    """Within the block a failure of TensorFlow is an `OSError` that says that `what` cannot be
    written.
    """
    try:
        yield
    except tf.errors.OpError as error:
        reason = re.sub(
            r"\{\{.*?\}\} | \[Op:\w+\]", "", error.message.splitlines()[0]
        )  # without the operation's names
        raise OSError(f"{what} cannot be written ({reason})") from error
