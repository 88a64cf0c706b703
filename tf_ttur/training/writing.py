"""What TensorFlow writes, with the errors of other writing."""

import contextlib

import tensorflow as tf


@contextlib.contextmanager
def by_tensorflow(what):
    """Within the block a failure of TensorFlow is an `OSError` that says that `what` cannot be written."""
    try:
        yield
    except tf.errors.OpError as error:
        raise OSError(f"{what} cannot be written ({error.message.splitlines()[0]})") from error
