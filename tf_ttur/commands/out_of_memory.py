"""Too little memory, of the machine or of a GPU, as a message for the user."""

import errno
import re
import sys

from tf_ttur.errors import UserError

# TensorFlow's and NumPy's words about what was asked for.
_TENSOR = re.compile(
    r"OOM when allocating tensor with shape(?P<shape>\[[\d,]*\]) and type (?P<type>\w+)"
    r"(?: on \S*?device:(?P<device>\w+:\d+))?"
)
_ARRAY = re.compile(r"Unable to allocate (?P<size>[\d.]+ \w+)(?P<array>[^\n]*)")
_BYTES = re.compile(r"(?:llocat\w*|request\w*) (?P<bytes>[\d.]+ ?(?:bytes|[KMGT]i?B))")
_DEVICE = re.compile(r"device:(?P<device>(?:CPU|GPU):\d+)")
# What TensorFlow raises as an internal or an unknown error. All of these come from a GPU.
_OF_GPU = re.compile(
    r"CUDA_ERROR_OUT_OF_MEMORY|STATUS_ALLOC_FAILED|Dst tensor is not initialized|"
    r"Dst tensor is not copied|cudaErrorMemoryAllocation|[Oo]ut of memory while trying to allocate"
)
# What oneDNN says on a CPU: its status 1 is a lack of memory.
_OF_ONEDNN = re.compile(r"exception:\s*Status: 1, message: ")
_CURE = (
    "lower config.batch_size, config.model.width or config.evaluation.sample_batch_size, or set"
    " config.evaluation.feature_batch_size to 25, or lower --batch-size for a command that has it;"
    " or end other programs that use this memory"
)


def explain(error: BaseException) -> UserError | None:
    """The message for `error` if it is a lack of memory, otherwise None."""
    cause: BaseException | None = error
    while cause is not None:
        if _is_lack(cause):
            text = str(cause)
            return UserError(
                f"out of memory: {_asked_for(text)}, on {_device(text)}",
                "a training or a measurement that fits in memory",
                _CURE,
            )
        cause = cause.__cause__
    return None


def _is_lack(error: BaseException) -> bool:
    if isinstance(error, MemoryError):  # NumPy's is one of these
        return True
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    tf = sys.modules.get("tensorflow")
    if tf is None or not isinstance(error, tf.errors.OpError):
        return False
    if isinstance(error, tf.errors.ResourceExhaustedError):
        # A full disk is one of these too.
        return not re.search(r"[Nn]o space left|[Qq]uota|too many open files", str(error))
    return bool(_OF_GPU.search(str(error)) or _OF_ONEDNN.search(str(error)))


def _asked_for(text: str) -> str:
    """What could not be allocated, as far as the library tells it."""
    if found := _TENSOR.search(text):
        return f"a tensor of shape {found['shape']} and type {found['type']} was asked for"
    if found := _ARRAY.search(text):
        return f"{found['size']}{found['array'].rstrip()} was asked for"
    if found := _BYTES.search(text):
        return f"{found['bytes']} were asked for"
    return "the library does not tell how much was asked for"


def _device(text: str) -> str:
    found = _TENSOR.search(text) or _DEVICE.search(text)
    name = found["device"] if found else None
    if name is None:
        name = "GPU" if _OF_GPU.search(text) else "CPU"
    return f"{name} (the machine's own memory)" if name.startswith("CPU") else name
