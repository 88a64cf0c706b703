"""Code that all commands share: error messages, exit statuses, a quiet start of TensorFlow.

Whatever happens, only words reach the user: messages for what is foreseen, and for everything else
one line and a report in a file. `TF_TTUR_DEBUG=1` shows the traceback instead.
"""

import contextlib
import os
import pathlib
import re
import sys
import tempfile
import traceback
import warnings
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

from absl import logging

from tf_ttur import registry
from tf_ttur.commands import fault_report, out_of_memory
from tf_ttur.errors import Stopped, UserError
from tf_ttur.io import console, ending

# Start-up messages of TensorFlow that do not matter to a user. All others are shown.
_START_UP_NOISE = re.compile(
    r"before absl::InitializeLog|oneDNN custom operations are on|To turn them off, set|"
    r"Could not find cuda drivers|failed call to cuInit|This TensorFlow binary is optimized|"
    r"To enable the following instructions|^\s*$"
)
_NVIDIA_DRIVER = pathlib.Path("/proc/driver/nvidia/version")
_MEMORY = "/dev/shm"  # a file system in memory, on Linux
_BROKEN_PIPE = 141  # 128 + SIGPIPE, the status that shells report
_FAULT = 70  # EX_SOFTWARE of sysexits.h
_SECONDS_TO_END = 10  # after a signal


def run(main: Callable[[], Any]) -> None:
    """Calls `main`, and ends the process if it fails.

    The exit status is 0 for success; 2 with a message for a `UserError` or an `OSError`, such as a
    file that cannot be opened, or too little memory; 130 for Ctrl-C; 128 and the signal's number if
    `main` raises `Stopped`; 141 without a message if the reader of stdout has gone; and 70 for
    every other exception, which is a fault of this program or of a library.

    After a signal the process ends within seconds, see `ending.end_process_in_time`.
    """
    _occupy_standard_descriptors()
    _neutralise_settings()
    registry.prepare_imports(_import_tensorflow)
    warnings.showwarning = _show_warning
    try:
        with ending.end_process_in_time(_SECONDS_TO_END, console.say):
            _end_with_words(main)
    finally:
        console.finish()


def _end_with_words(main: Callable[[], Any]) -> None:
    """Calls `main`, and ends the process with a message and a status if it fails."""
    try:
        _call_and_flush(main)
    except UserError as error:
        _fail(error)
    except BrokenPipeError:
        _discard_stdout()
        sys.exit(_BROKEN_PIPE)
    except OSError as error:
        if lack := out_of_memory.explain(error):
            _fail(lack)
        expected = "a file or folder that can be read and written"
        cure = "check the path, its permissions and the free space"
        _fail(UserError(error, expected, cure))
    except Stopped as stop:
        ending.ignore_repeated_signals()
        console.say(f"stopped by {stop}; the same command resumes from here")
        sys.exit(128 + stop.number)
    except KeyboardInterrupt:
        console.say("interrupted")
        sys.exit(130)
    except Exception as error:
        if lack := out_of_memory.explain(error):
            _fail(lack)
        _end_with_report(error)


def start_tensorflow(first: Callable[[], Any] = lambda: None) -> None:
    """Imports TensorFlow and initialises its devices, without irrelevant start-up messages.

    Args:
      first: function that is called after the import, before the devices are initialised.
    """
    _import_tensorflow()
    with _filtered_stderr():
        import tensorflow as tf

        logging.set_verbosity(logging.ERROR)  # hides notices of the strategy and of TFDS
        first()
        devices = tf.config.list_logical_devices()
    if not any(device.device_type == "GPU" for device in devices):
        _advise_on_gpu()


def _import_tensorflow() -> None:
    """Imports TensorFlow without its messages, before a user's own file does it with them."""
    if "tensorflow" not in sys.modules:
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
        with _filtered_stderr():
            import tensorflow  # noqa: F401


def _advise_on_gpu() -> None:
    """Says why TensorFlow may find no GPU on a machine with NVIDIA's driver.

    GPUs that were hidden on purpose are no reason to say anything.
    """
    if not _NVIDIA_DRIVER.exists():
        return
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    # CUDA shows the devices before the first one that is not there.
    first_visible = None if visible is None else visible.split(",")[0].strip()
    if first_visible in ("", "-1", "NoDevFiles"):
        return
    if visible is None:
        reason = "Install tensorflow[and-cuda] (BUILD.md)"
    else:
        reason = (
            f"CUDA_VISIBLE_DEVICES is {visible}: correct it if there is no such GPU, otherwise "
            "install tensorflow[and-cuda] (BUILD.md)"
        )
    console.say(
        "warning: this machine has an NVIDIA driver, but TensorFlow finds no GPU and will use the "
        f"CPU. {reason}; TF_CPP_MIN_LOG_LEVEL=0 shows TensorFlow's own reasons."
    )


def _show_warning(message: Warning | str, *_: Any, **__: Any) -> None:
    console.say(f"warning: {message}")


def _fail(error: UserError) -> NoReturn:
    console.say(f"error: {error}")
    sys.exit(2)


def _end_with_report(error: Exception) -> NoReturn:
    """Says that `error` was not foreseen, and ends the process."""
    if os.environ.get("TF_TTUR_DEBUG") == "1":
        console.say("".join(traceback.format_exception(error)).rstrip())
        sys.exit(_FAULT)
    console.say(f"error: this is a fault of tf_ttur or of a library: {fault_report.line(error)}")
    try:
        place = fault_report.write(error)
    except OSError as failure:
        console.say(f"  no report could be written ({failure}); TF_TTUR_DEBUG=1 shows more")
    else:
        console.say(f"  to do:    report it, and attach {place}")
    sys.exit(_FAULT)


def _neutralise_settings() -> None:
    """Lets no setting of the surroundings end a command that does not depend on it.

    Warnings are messages, also with `PYTHONWARNINGS=error`. Figures are files, also where
    `MPLBACKEND` names a display. TensorFlow and Matplotlib fail without a temporary folder, which a
    container with a read-only file system has in memory only.
    """
    warnings.filters[:] = [  # type: ignore[index]  # a list, declared as any sequence
        ("default", *others) if action == "error" else (action, *others)
        for action, *others in warnings.filters
    ]
    os.environ["MPLBACKEND"] = "agg"
    try:
        tempfile.gettempdir()
    except FileNotFoundError:
        if os.access(_MEMORY, os.W_OK | os.X_OK):
            tempfile.tempdir = _MEMORY
            os.environ["TMPDIR"] = _MEMORY  # for libraries that are not Python's


def _occupy_standard_descriptors() -> None:
    """Opens the null device where the process was started without stdin, stdout or stderr.

    Otherwise the next file that is opened takes the descriptor, and receives messages of C++ code.
    Libraries write to `sys.stderr` without asking whether it is None.
    """
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest descriptor that is free
    if sys.stderr is None:
        # It stays open until the end of the process.
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115


def _call_and_flush(main: Callable[[], Any]) -> None:
    """Calls `main` and flushes stdout, so that an error of writing is raised here."""
    try:
        main()
    except SystemExit:
        _flush_stdout()
        raise
    _flush_stdout()


def _flush_stdout() -> None:
    if sys.stdout is not None:  # None if the process was started without stdout
        sys.stdout.flush()


def _discard_stdout() -> None:
    """Redirects stdout to the null device, because Python flushes it once more at its end."""
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), sys.stdout.fileno())


@contextlib.contextmanager
def _filtered_stderr() -> Iterator[None]:
    """Holds back what the block writes to file descriptor 2, also from C++ code.

    At the end of the block, everything except `_START_UP_NOISE` is shown.
    """
    console.flush()
    try:
        held = tempfile.TemporaryFile()  # noqa: SIM115
    except OSError:
        # Without a temporary folder the messages are shown as they come.
        yield
        return
    saved = os.dup(2)
    with held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        finally:
            console.flush()
            os.dup2(saved, 2)
            os.close(saved)
            held.seek(0)
            for line in held.read().decode(errors="replace").splitlines():
                if not _START_UP_NOISE.search(line):
                    console.say(line)
