"""Messages and progress bars on stderr, so that stdout stays free for results.

They are a convenience: a terminal that is closed, a pipe without a reader and a full disk neither
end a program nor slow it. What cannot be written is dropped.
"""

import errno
import io
import os
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sized
from types import TracebackType
from typing import TextIO, TypeVar

from rich import console, progress
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


class _Speed(progress.ProgressColumn):
    """Steps per second, over the last half minute."""

    def render(self, task: progress.Task) -> Text:
        return Text(f"{task.speed:.3g}/s" if task.speed else "")


def bar(transient: bool = True) -> progress.Progress:
    """A `rich` progress bar with counts, speed and remaining time. Used as a context manager.

    Args:
      transient: whether the bar is erased at its end.
    """
    return progress.Progress(
        progress.TextColumn("{task.description}", markup=False),
        progress.BarColumn(),
        progress.MofNCompleteColumn(),
        _Speed(),
        progress.TimeElapsedColumn(),
        progress.TextColumn("left"),
        progress.TimeRemainingColumn(),
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
        self._shown_done = done
        self._shown_at = time.monotonic()

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

    def show(self, done: int, values: Mapping[str, float]) -> None:
        """Updates the bar, or writes a line if one is due.

        Args:
          done: number of steps done so far.
          values: {name: number} to show instead of the description; may be empty.
        """
        numbers = " ".join(f"{name} {value:.3f}" for name, value in values.items())
        text = numbers or self._description
        self._display.update(self._task, completed=done, description=text)
        count = done - self._shown_done
        seconds = time.monotonic() - self._shown_at
        if STDERR.is_terminal or not count or seconds < self._every_seconds:
            return
        of_all = f" of {self._total}" if self._total else ""
        if seconds > count:
            speed = f"{seconds / count:.3f} s each"
        else:
            speed = f"{count / seconds:.3g} per second"
        say(f"{done}{of_all}: {text}, {speed}")
        self._shown_done = done
        self._shown_at = time.monotonic()


def track(batches: Iterable[Batch], description: str, total: int | None) -> Iterator[Batch]:
    """Yields `batches`, and shows how many of `total` examples have been yielded."""
    done = 0
    with Status(description, 0, total) as status:
        for batch in batches:
            yield batch
            done += len(batch)
            status.show(done, {})
