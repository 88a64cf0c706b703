"""The end of a process after a signal, even if a library still waits for something."""

import _thread
import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType

# These signals come several times by themselves: SIGHUP from the kernel and from the shell, SIGXCPU
# every second. Windows has none of them.
REPEATED = tuple(
    getattr(signal, name) for name in ("SIGHUP", "SIGUSR1", "SIGXCPU") if hasattr(signal, name)
)
_STEP = 0.1  # seconds between two looks of the watchdog
_SECONDS_FOR_MESSAGE = 1.0


class Watchdog:
    """Ends the process if it does not end by itself after a signal.

    It does so only in a process that is a command line (`end_process_in_time`). There the time
    starts with `start`, and starts again whenever something is held.

    Attributes:
      is_running: whether it waits for the end of the process.
    """

    def __init__(self) -> None:
        self._seconds: float | None = None
        self._say: Callable[[str], object] = str
        self._num_held = 0
        self.is_running = False

    def arm(self, seconds: float | None, say: Callable[[str], object] = str) -> None:
        """Lets `start` end the process after `seconds`; None lets it do nothing."""
        self._seconds = seconds
        self._say = say

    def start(self, number: int) -> None:
        """Begins to wait for the end of the process, after signal `number`."""
        if self._seconds is None or self.is_running:
            return
        self.is_running = True
        # `threading.Thread` takes a lock that the code may hold which the signal has interrupted.
        _thread.start_new_thread(self._watch, (number, self._seconds))

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """The process does not end within this block."""
        self._num_held += 1
        try:
            yield
        finally:
            self._num_held -= 1

    def _watch(self, number: int, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            time.sleep(_STEP)
            if self._num_held:
                end = time.monotonic() + seconds
        name = signal.Signals(number).name
        text = f"{name} came {seconds:g} s ago and a library still waits; ending without it"
        # In a thread of its own, because another one may hold the lock of stderr.
        message = threading.Thread(target=self._say, args=(text,), daemon=True)
        message.start()
        message.join(_SECONDS_FOR_MESSAGE)
        os._exit(128 + number)


watchdog = Watchdog()


@contextlib.contextmanager
def end_process_in_time(seconds: float, say: Callable[[str], None]) -> Iterator[None]:
    """Ends the process if it does not end by itself within `seconds` after a signal.

    The signals are Ctrl-C, and in a training all signals of its `Interruption`. Where a library
    waits for the network in a thread or repeats a request, Python would wait for it. What
    `Watchdog.held` encloses is not cut off, and neither is an operation of TensorFlow during which
    Python's main thread sees no signal.

    Only for a process that is a command line.

    Args:
      seconds: for the process to end by itself.
      say: function that writes the message.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    earlier_handler = signal.getsignal(signal.SIGINT)

    def interrupt(number: int, _: FrameType | None) -> None:
        watchdog.start(number)
        raise KeyboardInterrupt

    if earlier_handler is signal.default_int_handler:
        signal.signal(signal.SIGINT, interrupt)
    watchdog.arm(seconds, say)
    try:
        yield
    finally:
        if not watchdog.is_running:
            watchdog.arm(None)
        if signal.getsignal(signal.SIGINT) is interrupt:
            signal.signal(signal.SIGINT, earlier_handler)


def ignore_repeated_signals() -> None:
    """Ignores SIGHUP, SIGUSR1 and SIGXCPU from now on; for a process that is about to end."""
    if threading.current_thread() is threading.main_thread():
        for number in REPEATED:
            signal.signal(number, signal.SIG_IGN)
