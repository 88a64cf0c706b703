"""What all command lines share: errors as messages, exit statuses, and a quiet start of the
libraries.
"""

import contextlib
import os
import pathlib
import re
import sys
import tempfile
import warnings

from absl import logging

from tf_ttur.errors import Stopped, UserError

# Start-up messages of TensorFlow that tell a user without a GPU nothing. All others are shown.
_START_UP_NOISE = re.compile(
    r"before absl::InitializeLog|oneDNN custom operations are on|To turn them off, set|Could not find cuda drivers|"
    r"failed call to cuInit|This TensorFlow binary is optimized|To enable the following instructions|^\s*$"
)


def run(main):
    """Calls `main` and ends the process.

    Exit status: 0 for success, 2 with a message for a `UserError` or a file that the system
    refuses, 130 for Ctrl-C, 143 for SIGTERM where `main` catches it.
    """
    warnings.showwarning = lambda message, *_, **__: print(f"warning: {message}", file=sys.stderr)
    try:
        main()
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    except OSError as error:
        expected, cure = (
            "a file or folder that can be read and written",
            "check the path, its permissions and the free space",
        )
        print(f"error: {UserError(error, expected, cure)}", file=sys.stderr)
        sys.exit(2)
    except Stopped as stop:
        print(f"stopped by {stop}; the same command goes on from here", file=sys.stderr)
        sys.exit(128 + stop.number)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(130)


def start_tensorflow(first=lambda: None):
    """Imports TensorFlow, calls `first`, and finds the devices, without the messages that mean
    nothing.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    with _filtered_stderr():
        import tensorflow as tf

        logging.set_verbosity(logging.ERROR)  # notices of the strategy and of TFDS
        first()
        gpus = [
            device for device in tf.config.list_logical_devices() if device.device_type == "GPU"
        ]
    if not gpus and pathlib.Path("/proc/driver/nvidia/version").exists():
        print(
            "warning: this machine has an NVIDIA driver, but TensorFlow finds no GPU and will use the CPU. "
            "Install tensorflow[and-cuda] (BUILD.md); TF_CPP_MIN_LOG_LEVEL=0 shows TensorFlow's own reasons.",
            file=sys.stderr,
        )


@contextlib.contextmanager
def _filtered_stderr():
    """Holds back what the block writes to file descriptor 2, C++ included, and then shows all but
    the noise.
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
