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
INSISTENT = (signal.SIGINT, signal.SIGTERM)  # their sender means it when they come twice
_STEP = 0.1  # seconds between two looks of the watchdog
_SECONDS_FOR_MESSAGE = 1.0
_SECONDS_FIRST_WAIT = 60.0  # granted where no wait has ended yet
_TIMES_LONGEST_WAIT = 2.0
_PIPES: list[int] = []  # into which the interpreter writes the numbers of signals


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
        self._num_signals = 0
        self._insists = False
        self._wait_start: float | None = None
        self._longest_wait: float | None = None
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

    def notice(self, number: int) -> None:
        """Takes note of signal `number`, whose handler may never run; as `start` otherwise.

        After a second SIGINT or SIGTERM nothing is held any longer.
        """
        if number in INSISTENT:
            self._num_signals += 1
            self._insists = self._num_signals > 1
        self.start(number)

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """The process does not end within this block."""
        self._num_held += 1
        try:
            yield
        finally:
            self._num_held -= 1

    @contextlib.contextmanager
    def waits(self) -> Iterator[None]:
        """Within this block the process waits for a library, and nothing is being saved.

        A block that takes much longer than all before it is cut off, even where it is held.
        """
        start = time.monotonic()
        self._wait_start = start
        try:
            yield
        finally:
            self._wait_start = None
        self._longest_wait = max(self._longest_wait or 0.0, time.monotonic() - start)

    def _is_held(self) -> bool:
        """Whether the process may not end now."""
        start = self._wait_start
        if self._insists or not self._num_held:
            return False
        if start is None:
            return True
        longest = self._longest_wait
        allowed = _SECONDS_FIRST_WAIT if longest is None else _TIMES_LONGEST_WAIT * longest
        return time.monotonic() - start < allowed

    def _watch(self, number: int, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            time.sleep(_STEP)
            if self._is_held():
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
    waits for the network in a thread or repeats a request, Python would wait for it. Where
    TensorFlow's own code waits in the main thread, for example for a file that never comes, no
    handler runs; a thread learns of the signal nevertheless. What `Watchdog.held` encloses is not
    cut off.

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
        with _noticed_by_a_thread():
            yield
    finally:
        if not watchdog.is_running:
            watchdog.arm(None)
        if signal.getsignal(signal.SIGINT) is interrupt:
            signal.signal(signal.SIGINT, earlier_handler)


@contextlib.contextmanager
def _noticed_by_a_thread() -> Iterator[None]:
    """Within the block a thread tells the watchdog of each signal that has a handler.

    The interpreter writes the number of a signal into a pipe when it comes, also while its main
    thread is inside other code and so cannot run the handler.
    """
    reading_end, writing_end = os.pipe()
    os.set_blocking(writing_end, False)
    before = signal.set_wakeup_fd(writing_end, warn_on_full_buffer=False)
    _PIPES.append(writing_end)

    def watch() -> None:
        while number := os.read(reading_end, 1)[0]:
            if number in INSISTENT or number in REPEATED:
                watchdog.notice(number)

    thread = threading.Thread(target=watch, daemon=True, name="signals")
    thread.start()
    try:
        yield
    finally:
        signal.set_wakeup_fd(before)
        _PIPES.remove(writing_end)
        os.write(writing_end, bytes(1))  # ends the thread
        thread.join()
        os.close(reading_end)
        os.close(writing_end)


def _forget_pipes() -> None:
    """Writes no signal of a forked child into the pipe of its parent."""
    if _PIPES and threading.current_thread() is threading.main_thread():
        signal.set_wakeup_fd(-1)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_pipes)


def ignore_repeated_signals() -> None:
    """Ignores SIGHUP, SIGUSR1 and SIGXCPU from now on; for a process that is about to end."""
    if threading.current_thread() is threading.main_thread():
        for number in REPEATED:
            signal.signal(number, signal.SIG_IGN)
