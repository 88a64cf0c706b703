"""Messages and progress bars on stderr, so that stdout stays free for results.

They are a convenience: a terminal that is closed, a pipe without a reader and a full disk neither
end a program nor slow it. What cannot be written is dropped.
"""

import collections
import errno
import io
import os
import sys
import time
from collections.abc import Iterable, Iterator, Sized
from types import TracebackType
from typing import TextIO, TypeVar

from rich import console, progress
from rich.table import Column
from rich.text import Text

Batch = TypeVar("Batch", bound=Sized)

# A terminal or pipe that has gone never comes back. A disk that is full may have room later.
_GONE = (errno.EPIPE, errno.EIO, errno.EBADF, errno.ENXIO, errno.ESHUTDOWN, errno.ECONNRESET)


class _Stderr(io.TextIOBase):
    """The stderr of the moment, whose failures are nobody's concern.

    `rich` ends the process if a pipe has no reader, so the errors must not reach it.
    """

    def __init__(self) -> None:
        super().__init__()
        self._gone: TextIO | None = None

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """That of stderr, from which `rich` chooses the characters of a bar."""
        return getattr(self._stream(), "encoding", None) or "utf-8"

    def isatty(self) -> bool:
        """Whether stderr is a terminal that is still there."""
        stream = self._stream()
        try:
            return stream is not None and stream is not self._gone and stream.isatty()
        except (OSError, ValueError):
            return False

    def fileno(self) -> int:
        """The descriptor of stderr.

        Raises:
          OSError: there is none.
        """
        stream = self._stream()
        if stream is None:
            raise OSError(errno.EBADF, "there is no stderr")
        return stream.fileno()

    def writable(self) -> bool:
        """True."""
        return True

    def write(self, text: str) -> int:
        """Writes what can be written; returns the length of `text`."""
        stream = self._stream()
        if stream is not None and stream is not self._gone:
            try:
                _write(stream, text)
            except (OSError, ValueError) as error:
                self._drop(stream, error)
        return len(text)

    def flush(self) -> None:
        """Flushes stderr if that is possible."""
        stream = self._stream()
        if stream is not None and stream is not self._gone:
            try:
                stream.flush()
            except (OSError, ValueError) as error:
                self._drop(stream, error)

    def close(self) -> None:
        """Does nothing: stderr is not this object's own.

        Python calls it at the end of the process, when the modules' names are gone already.
        """

    def close_if_broken(self) -> None:
        """Redirects stderr to the null device if it cannot be flushed.

        Python flushes it at the end of the process, and would change the exit status.
        """
        stream = self._stream()
        if stream is None or stream is self._gone:
            return
        try:
            stream.flush()
        except (OSError, ValueError):
            self._give_up(stream)

    def _stream(self) -> TextIO | None:
        """What `sys.stderr` is now. `rich` replaces it by a proxy while a bar is shown."""
        return getattr(sys.stderr, "rich_proxied_file", sys.stderr)

    def _drop(self, stream: TextIO, error: Exception) -> None:
        if isinstance(error, ValueError) or error.errno in _GONE:  # type: ignore[attr-defined]
            self._give_up(stream)

    def _give_up(self, stream: TextIO) -> None:
        """Writes no more to this stream.

        Libraries write to the process's own stderr too, some of them in C++; what they write goes
        to the null device from now on.
        """
        self._gone = stream
        if stream is not sys.__stderr__:
            return
        try:
            with open(os.devnull, "wb") as nowhere:
                os.dup2(nowhere.fileno(), stream.fileno())
        except (OSError, ValueError):
            return


def _write(stream: TextIO, text: str) -> None:
    try:
        stream.write(text)
    except UnicodeEncodeError:  # a ValueError, but stderr is still there
        encoding = getattr(stream, "encoding", None) or "ascii"
        stream.write(text.encode(encoding, "backslashreplace").decode(encoding))


_STREAM = _Stderr()
STDERR = console.Console(file=_STREAM)  # type: ignore[arg-type]


def say(text: str) -> None:
    """Writes one message to stderr unchanged: without markup and without wrapping."""
    if STDERR.is_terminal:
        STDERR.print(text, soft_wrap=True, markup=False, highlight=False, emoji=False)
    else:
        STDERR.file.write(text + "\n")
        STDERR.file.flush()


def flush() -> None:
    """Writes what is buffered for stderr."""
    _STREAM.flush()


def finish() -> None:
    """Call this at the end of a process, so that a broken stderr does not change its status."""
    _STREAM.close_if_broken()


_WIDE = 110  # columns of a terminal that has room for a bar beside the text
_BAR = 20  # columns
_SAMPLES = 10  # progress reports over which the speed is measured


class _Line(progress.ProgressColumn):
    """Count, speed, time left and then the text, which is cut where the terminal ends."""

    def __init__(self) -> None:
        super().__init__(Column(no_wrap=True, overflow="ellipsis"))

    def render(self, task: progress.Task) -> Text:
        """As the base class."""
        speed = task.fields.get("speed") or task.speed
        left = None
        if speed and task.total is not None:
            reported = task.fields.get("reported")
            since = time.monotonic() - reported if reported else 0
            left = max(0.0, (task.total - task.completed) / speed - since)
        words = [_count(int(task.completed), task.total, "/")]
        words += [_per_second(speed)] if speed else []
        words += [f"{_duration(left)} left"] if left is not None else []
        return Text(f"{' '.join(words)}  {task.description}", no_wrap=True, overflow="ellipsis")


def bar(transient: bool = True) -> progress.Progress:
    """A `rich` progress bar with counts, speed and remaining time. Used as a context manager.

    A terminal of fewer than 110 columns shows the line alone, without the bar.

    Args:
      transient: whether the bar is erased at its end.
    """
    columns: list[progress.ProgressColumn] = [_Line()]
    if STDERR.width >= _WIDE:
        columns.insert(0, progress.BarColumn(_BAR))
    return progress.Progress(
        *columns,
        console=STDERR,
        transient=transient,
        disable=not STDERR.is_terminal,
    )


class Status:
    """The progress of a long loop: a bar on a terminal, otherwise one line per minute.

    Used as a context manager.

    Args:
      description: what the loop does.
      done: steps that are already done.
      total: number of all steps; None if it is unknown.
      every_seconds: seconds between two lines without a terminal.
    """

    def __init__(
        self, description: str, done: int, total: int | None, every_seconds: float = 60
    ) -> None:
        self._description = description
        self._total = total
        self._every_seconds = every_seconds
        self._display = bar()
        self._task = self._display.add_task(description, total=total, completed=done)
        start = (time.monotonic(), done)
        self._reports = collections.deque([start], maxlen=_SAMPLES)
        self._shown = start

    def __enter__(self) -> "Status":
        self._display.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._display.stop()

    def show(self, done: int, text: str = "") -> None:
        """Updates the bar, or writes a line if one is due.

        Args:
          done: number of steps done so far.
          text: is shown instead of the description; short, as it is cut where the terminal ends.
        """
        text = text or self._description
        now = time.monotonic()
        self._reports.append((now, done))
        since, before = self._reports[0]
        speed = (done - before) / (now - since) if now > since else 0.0
        self._display.update(
            self._task, completed=done, description=text, speed=speed, reported=now
        )
        shown_at, shown = self._shown
        if STDERR.is_terminal or done == shown or now - shown_at < self._every_seconds:
            return
        self._shown = (now, done)
        words = [_count(done, self._total, " of ")]
        if now > shown_at:
            speed = (done - shown) / (now - shown_at)
            words.append(_per_second(speed))
            if self._total is not None:
                words.append(f"{_duration((self._total - done) / speed)} left")
        say(f"{', '.join(words)}: {text}")


def _count(done: int, total: float | None, between: str) -> str:
    return f"{done:,}" if total is None else f"{done:,}{between}{int(total):,}"


def _per_second(speed: float) -> str:
    return f"{speed:.3g}/s" if speed >= 1 else f"{1 / speed:.3g} s each"


def _duration(seconds: float) -> str:
    """Seconds as h:mm:ss, such as 0:01:05; from two days on in days."""
    if seconds >= 2 * 86_400:
        return f"{seconds / 86_400:.1f} days"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}"


def track(batches: Iterable[Batch], description: str, total: int | None) -> Iterator[Batch]:
    """Yields `batches`, and shows how many of `total` examples have been yielded."""
    done = 0
    with Status(description, 0, total) as status:
        for batch in batches:
            yield batch
            done += len(batch)
            status.show(done)
