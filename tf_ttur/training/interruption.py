"""Ctrl-C and SIGTERM as a wish to stop, which waits where something would be lost."""

import contextlib
import signal
import threading

from tf_ttur.errors import Stopped

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interruption:
    """Turns SIGINT and SIGTERM into `Stopped`, while it is open as a context manager. Other threads
    than the main one get none.
    """

    def __init__(self):
        self._waiting, self._caught, self._before = False, None, {}

    def __enter__(self):
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._handle) for number in _SIGNALS}
        return self

    def __exit__(self, *_):
        for number, handler in self._before.items():
            signal.signal(number, handler)

    @contextlib.contextmanager
    def held(self):
        """Within the block a first signal waits until its end. A second one ends the process as
        Ctrl-C does without this.
        """
        self._waiting = True
        try:
            yield
        finally:
            self._waiting = False
            caught, self._caught = self._caught, None
        if caught is not None:
            raise Stopped(caught)

    def _handle(self, number, _):
        if not self._waiting:
            raise Stopped(number)
        if self._caught is not None:
            raise KeyboardInterrupt
        self._caught = number
