"""What all command lines share: flags and errors as messages, and a quiet start of the libraries."""

import argparse
import contextlib
import os
import pathlib
import re
import sys
import tempfile
import warnings

from absl import logging

from tf_ttur.config import QUANTISATIONS
from tf_ttur.errors import Stopped, UserError

# Start-up messages of TensorFlow that tell a user without a GPU nothing. All others are shown.
_START_UP_NOISE = re.compile(
    r"before absl::InitializeLog|oneDNN custom operations are on|To turn them off, set|Could not find cuda drivers|"
    r"failed call to cuInit|This TensorFlow binary is optimized|To enable the following instructions|^\s*$"
)


def run(main):
    """Calls `main` and ends the process.

    Exit status: 0 for success, 2 with a message for a `UserError` or a file that the system refuses, 130 for Ctrl-C, 143 for
    SIGTERM where `main` catches it.
    """
    warnings.showwarning = lambda message, *_, **__: print(f"warning: {message}", file=sys.stderr)
    try:
        main()
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    except OSError as error:
        expected, cure = "a file or folder that can be read and written", "check the path, its permissions and the free space"
        print(f"error: {UserError(error, expected, cure)}", file=sys.stderr)
        sys.exit(2)
    except Stopped as stop:
        print(f"stopped by {stop}; the same command goes on from here", file=sys.stderr)
        sys.exit(128 + stop.number)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(130)


def parser(documentation):
    """An argument parser whose help is a tool's module docstring, and whose errors are `UserError`."""
    return _Parser(description=documentation, formatter_class=argparse.RawDescriptionHelpFormatter)


class _Parser(argparse.ArgumentParser):
    def error(self, message):
        raise UserError(message, " ".join(self.format_usage().split()), "correct the command line; --help says more")


def add_network_arguments(arguments):
    """The arguments of every tool that computes features."""
    arguments.add_argument("--inception", metavar="PATH", help="the network: a .pb, the .tgz, a folder with either, or hub:HANDLE")
    choices = ("float32", "bfloat16")
    arguments.add_argument("--precision", type=precision, choices=choices, default="float32", help="of the network; bf16 is short for bfloat16 [float32]")
    arguments.add_argument("--batch-size", type=positive, default=100, help="images that go through the network at a time [100]")
    add_trust_argument(arguments)


def add_trust_argument(arguments):
    """The argument of every tool that loads a SavedModel, which is a program."""
    arguments.add_argument("--trust", action="store_true", help="let an export or a hub: module hold any operation, on files too")


def add_parity_arguments(arguments):
    """The arguments of tools that compare sets of images: what other tools do with them."""
    arguments.add_argument("--quantisation", choices=QUANTISATIONS, default="round", help="of an exported generator's images [round]")
    arguments.add_argument("--skip-unreadable", action="store_true", help="leave out images that cannot be read; count and name them")
    arguments.add_argument("--drop-remainder", action="store_true", help="leave out the last images that fill no batch, as the official tool does")


def precision(text):
    """The name of a precision, for `argparse`; "bf16" is short for "bfloat16"."""
    return "bfloat16" if text == "bf16" else text


def positive(text):
    """A whole number above 0, for `argparse`."""
    return _whole(text, 1)


def seed(text):
    """A whole number of 0 or more, for `argparse`."""
    return _whole(text, 0)


def fraction(text):
    """A number above 0 and below 1, for `argparse`."""
    value = float(text)
    if not 0 < value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and 1")
    return value


def at_most(limit):
    """A type for `argparse`: a whole number of 1 ... limit."""
    return lambda text: _whole(text, 1, limit)


def _whole(text, least, most=2**31 - 1):
    value = int(text)
    if not least <= value <= most:
        raise argparse.ArgumentTypeError(f"{text} is not in {least} ... {most}")
    return value


def start_tensorflow(first=lambda: None):
    """Imports TensorFlow, calls `first`, and finds the devices, without the messages that mean nothing."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    with _filtered_stderr():
        import tensorflow as tf

        logging.set_verbosity(logging.ERROR)  # notices of the strategy and of TFDS
        first()
        gpus = [device for device in tf.config.list_logical_devices() if device.device_type == "GPU"]
    if not gpus and pathlib.Path("/proc/driver/nvidia/version").exists():
        print(
            "warning: this machine has an NVIDIA driver, but TensorFlow finds no GPU and will use the CPU. "
            "Install tensorflow[and-cuda] (BUILD.md); TF_CPP_MIN_LOG_LEVEL=0 shows TensorFlow's own reasons.",
            file=sys.stderr,
        )


@contextlib.contextmanager
def _filtered_stderr():
    """Holds back what the block writes to file descriptor 2, C++ included, and then shows all but the noise."""
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
