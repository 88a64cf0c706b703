"""Training time without the pauses for evaluation, samples and checkpoints."""

import contextlib
import time


class Clock:
    """Seconds of training, continued from an earlier part of the run."""

    def __init__(self, seconds=0.0):
        self._seconds, self._since = seconds, None

    def start(self):
        self._since = time.perf_counter()

    @property
    def seconds(self):
        return self._seconds + (0 if self._since is None else time.perf_counter() - self._since)

    @contextlib.contextmanager
    def pause(self):
        """What happens in the block does not count. The device's work must be done before: wait for
        a value of it.
        """
        self._seconds, self._since = self.seconds, None
        yield
        self.start()
