"""Ctrl-C and SIGTERM as requests to stop, held back where stopping would lose something."""

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType
from typing import Any, Self

from tf_ttur.errors import Stopped

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interruption:
    """Turns SIGINT and SIGTERM into `Stopped` while it is open as a context manager.

    Only the main thread receives signals.
    """

    def __init__(self) -> None:
        self._holds = False
        self._caught: int | None = None
        self._earlier_handlers: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._earlier_handlers = {
                number: signal.signal(number, self._handle) for number in _SIGNALS
            }
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._earlier_handlers.items():
            signal.signal(number, handler)

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Holds a first signal back until the end of the block.

        A second one ends the process at once, as Ctrl-C usually does.
        """
        self._holds = True
        try:
            yield
        finally:
            self._holds = False
            caught = self._caught
            self._caught = None
        if caught is not None:
            raise Stopped(caught)

    def _handle(self, number: int, _: FrameType | None) -> None:
        if not self._holds:
            raise Stopped(number)
        if self._caught is not None:
            raise KeyboardInterrupt
        self._caught = number
