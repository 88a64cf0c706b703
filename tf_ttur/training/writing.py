"""Turns TensorFlow's errors in writing into those of the operating system."""

import contextlib
import pathlib
import re
from collections.abc import Iterator

import tensorflow as tf


@contextlib.contextmanager
def by_tensorflow(what: str | pathlib.Path) -> Iterator[None]:
    """Turns a failure of TensorFlow in the block into an `OSError`.

    The error's message says that `what` cannot be written.
    """
    try:
        yield
    except tf.errors.OpError as error:
        first_line = error.message.splitlines()[0]
        reason = re.sub(r"\{\{.*?\}\} | \[Op:\w+\]", "", first_line)  # without operations' names
        raise OSError(f"{what} cannot be written ({reason})") from error
