"""Training time without the pauses for evaluation, samples and checkpoints."""

import contextlib
import time
from collections.abc import Iterator


class Clock:
    """Seconds of training.

    Args:
      seconds: those of the run before this start.
    """

    def __init__(self, seconds: float = 0.0) -> None:
        self._seconds = seconds
        self._since: float | None = None

    def start(self) -> None:
        """Counts the time from now on."""
        self._since = time.perf_counter()

    @property
    def seconds(self) -> float:
        """Seconds so far."""
        running = 0 if self._since is None else time.perf_counter() - self._since
        return self._seconds + running

    @contextlib.contextmanager
    def pause(self) -> Iterator[None]:
        """Does not count the time of the block.

        Wait for one of the device's values before the block, so that the device has finished its
        work.
        """
        self._seconds = self.seconds
        self._since = None
        yield
        self.start()
