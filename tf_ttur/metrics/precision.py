"""The number formats that networks compute in."""

import contextlib
from collections.abc import Iterator

PRECISIONS = ("float32", "bfloat16")
SHORT_NAMES = {"bf16": "bfloat16"}


@contextlib.contextmanager
def tensor_float_32(allowed: bool) -> Iterator[None]:
    """Within the block, float32 products on a GPU may, or may not, have 10 bits."""
    import tensorflow as tf

    settings = tf.config.experimental
    before = settings.tensor_float_32_execution_enabled()
    settings.enable_tensor_float_32_execution(allowed)
    try:
        yield
    finally:
        settings.enable_tensor_float_32_execution(before)
