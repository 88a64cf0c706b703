"""What a Python program has passed: as an array, or in words. This file imports no TensorFlow."""

from collections.abc import Mapping
from typing import Any

import numpy as np

_MOST = 4  # items of a list that messages name


def to_array(thing: Any) -> np.ndarray | None:
    """An array, tensor (also of PyTorch) or picture as an array; of equal ones in a list, all.

    Returns:
      None for anything else.
    """
    if isinstance(thing, np.ndarray):
        return thing
    if isinstance(thing, list | tuple):
        arrays = [to_array(item) for item in thing]
        if not arrays or any(array is None for array in arrays):
            return None
        if len({(array.shape, array.dtype) for array in arrays if array is not None}) > 1:
            return None
        return np.stack(arrays)  # type: ignore[arg-type]  # None has been ruled out
    if isinstance(thing, type | Mapping):
        return None
    if hasattr(thing, "detach") and hasattr(thing, "cpu"):  # a tensor of PyTorch
        thing = thing.detach().cpu()
    if not any(hasattr(thing, name) for name in ("numpy", "__array__", "__array_interface__")):
        return None
    try:
        return np.asarray(thing.numpy() if hasattr(thing, "numpy") else thing)
    except (AttributeError, NotImplementedError, TypeError, ValueError):  # a symbolic tensor
        return None


def describe(thing: Any) -> str:
    """What something is, in words: "a tuple of uint8 (8, 32, 32, 3) and int64 (8,)"."""
    if thing is None or isinstance(thing, bool | int | float | complex):
        return repr(thing)
    if isinstance(thing, str | bytes):
        return f"{type(thing).__name__} {thing[:60]!r}"
    if isinstance(thing, Mapping):
        keys = ", ".join(repr(key) for key in list(thing)[:_MOST])
        return f"a dict with the keys {keys}" if len(thing) else "an empty dict"
    if isinstance(thing, list | tuple):
        return _describe_list(thing)
    if isinstance(thing, type):
        return f"the class {thing.__name__}, not an object of it"
    array = to_array(thing)
    if array is not None:
        return f"{array.dtype} {array.shape}"
    return f"an object of type {type(thing).__module__}.{type(thing).__qualname__}"


def _describe_list(items: list | tuple) -> str:
    kind = type(items).__name__
    if not items:
        return f"an empty {kind}"
    # Items that are alike are named once.
    inner = list(dict.fromkeys(describe(item) for item in items[:1000]))
    text = ", ".join(inner[:_MOST]) + (", ..." if len(inner) > _MOST else "")
    return f"a {kind} of {len(items)}: {text}"
