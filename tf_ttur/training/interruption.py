"""Signals as requests to stop, held back where stopping would lose something.

Schedulers and terminals send more than Ctrl-C: SIGTERM, SIGHUP (the terminal has been closed),
SIGUSR1 (Slurm's and others' early warning) and SIGXCPU (the limit of processor time).
"""

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType
from typing import Any, Self

from tf_ttur.errors import Stopped
from tf_ttur.io.ending import INSISTENT, REPEATED, watchdog


class Interruption:
    """Turns signals into `Stopped` while it is open as a context manager.

    The signals are SIGINT, SIGTERM, SIGHUP, SIGUSR1 and SIGXCPU. Those of the last three that the
    process ignores stay ignored, such as SIGHUP under `nohup`. Only the main thread receives
    signals.
    """

    def __init__(self) -> None:
        self._holds = False
        self._caught: int | None = None
        self._insisted = False
        self._stopping = False
        self._earlier_handlers: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            ignored = [number for number in REPEATED if signal.getsignal(number) is signal.SIG_IGN]
            self._earlier_handlers = {
                number: signal.signal(number, self._handle)
                for number in (*INSISTENT, *REPEATED)
                if number not in ignored
            }
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._earlier_handlers.items():
            signal.signal(number, handler)

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Holds a first signal back until the end of the block.

        A second SIGINT or SIGTERM ends the process at once, as Ctrl-C usually does. Other signals
        are held back however often they come.
        """
        self._insisted = False
        self._holds = True
        try:
            with watchdog.held():
                yield
        finally:
            self._holds = False
            caught = self._caught
            self._caught = None
        if caught is not None:
            raise self._stop(caught)

    def _handle(self, number: int, _: FrameType | None) -> None:
        if self._stopping and number in REPEATED:
            return
        if not self._holds:
            raise self._stop(number)
        if number in INSISTENT:
            if self._insisted:
                watchdog.start(number)
                raise KeyboardInterrupt
            self._insisted = True
        if self._caught is None:
            self._caught = number

    def _stop(self, number: int) -> Stopped:
        self._stopping = True
        watchdog.start(number)
        return Stopped(number)
