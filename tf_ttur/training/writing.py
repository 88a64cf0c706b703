"""What TensorFlow writes, with the errors of other writing."""

import contextlib
import pathlib
import re
from collections.abc import Iterator

import tensorflow as tf


@contextlib.contextmanager
def by_tensorflow(what: str | pathlib.Path) -> Iterator[None]:
    """Within the block a failure of TensorFlow is an `OSError` that says that `what` cannot be
    written.
    """
    try:
        yield
    except tf.errors.OpError as error:
        first_line = error.message.splitlines()[0]
        reason = re.sub(r"\{\{.*?\}\} | \[Op:\w+\]", "", first_line)  # without operations' names
        raise OSError(f"{what} cannot be written ({reason})") from error
