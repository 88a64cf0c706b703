"""What all command lines share: errors as messages, exit statuses, a quiet start of TensorFlow."""

import contextlib
import os
import pathlib
import re
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from typing import Any

from absl import logging

from tf_ttur.errors import Stopped, UserError

# Start-up messages of TensorFlow that tell a user without a GPU nothing. All others are shown.
_START_UP_NOISE = re.compile(
    r"before absl::InitializeLog|oneDNN custom operations are on|To turn them off, set|"
    r"Could not find cuda drivers|failed call to cuInit|This TensorFlow binary is optimized|"
    r"To enable the following instructions|^\s*$"
)
_BROKEN_PIPE = 141  # 128 + SIGPIPE, as shells report it


def run(main: Callable[[], Any]) -> None:
    """Calls `main`, and ends the process unless it succeeds.

    Exit status: 0 for success; 2 with a message for a `UserError`, or for a file that the system
    refuses; 130 for Ctrl-C; 143 for SIGTERM where `main` catches it; 141 without a message if
    whoever read stdout has stopped reading.
    """
    warnings.showwarning = _show_warning
    try:
        _call_and_flush(main)
    except UserError as error:
        _fail(error)
    except BrokenPipeError:
        _discard_stdout()
        sys.exit(_BROKEN_PIPE)
    except OSError as error:
        expected = "a file or folder that can be read and written"
        cure = "check the path, its permissions and the free space"
        _fail(UserError(error, expected, cure))
    except Stopped as stop:
        print(f"stopped by {stop}; the same command resumes from here", file=sys.stderr)
        sys.exit(128 + stop.number)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(130)


def start_tensorflow(first: Callable[[], Any] = lambda: None) -> None:
    """Imports TensorFlow and finds the devices, without its start-up messages that mean nothing.

    Args:
      first: is called after the import, before the devices are found.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    with _filtered_stderr():
        import tensorflow as tf

        logging.set_verbosity(logging.ERROR)  # hides notices of the strategy and of TFDS
        first()
        devices = tf.config.list_logical_devices()
    has_gpu = any(device.device_type == "GPU" for device in devices)
    if not has_gpu and pathlib.Path("/proc/driver/nvidia/version").exists():
        print(
            "warning: this machine has an NVIDIA driver, but TensorFlow finds no GPU and will use "
            "the CPU. Install tensorflow[and-cuda] (BUILD.md); TF_CPP_MIN_LOG_LEVEL=0 shows "
            "TensorFlow's own reasons.",
            file=sys.stderr,
        )


def _show_warning(message: Warning | str, *_: Any, **__: Any) -> None:
    print(f"warning: {message}", file=sys.stderr)


def _fail(error: UserError) -> None:
    print(f"error: {error}", file=sys.stderr)
    sys.exit(2)


def _call_and_flush(main: Callable[[], Any]) -> None:
    """Calls `main`, and writes what it printed while an error of that can still be handled."""
    try:
        main()
    except SystemExit:
        _flush_stdout()
        raise
    _flush_stdout()


def _flush_stdout() -> None:
    if sys.stdout is not None:  # as it is where the process was started without it
        sys.stdout.flush()


def _discard_stdout() -> None:
    """Lets the rest of stdout go nowhere, as Python flushes it once more at its end."""
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), sys.stdout.fileno())


@contextlib.contextmanager
def _filtered_stderr() -> Iterator[None]:
    """Holds back what the block writes to file descriptor 2, C++ included.

    At its end all but the noise is shown.
    """
    sys.stderr.flush()
    saved = os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(saved, 2)
            os.close(saved)
            held.seek(0)
            for line in held.read().decode(errors="replace").splitlines():
                if not _START_UP_NOISE.search(line):
                    print(line, file=sys.stderr)
