"""Messages and progress bars on stderr, so that stdout stays free for results."""

import time
from collections.abc import Iterable, Iterator, Mapping, Sized
from types import TracebackType
from typing import TypeVar

from rich import console, progress
from rich.text import Text

STDERR = console.Console(stderr=True)

Batch = TypeVar("Batch", bound=Sized)


def say(text: str) -> None:
    """Writes one message to stderr, as it is: no markup, and no line breaks of its own."""
    STDERR.print(text, soft_wrap=True, markup=False, highlight=False, emoji=False)


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
    """The progress of a long loop: a bar on a terminal, else one line per minute. Used as a context
    manager.

    Args:
      description: what the loop does.
      done: steps that are done already.
      total: steps in all; None where their number is not known.
      every_seconds: between two lines where there is no terminal.
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
        """Takes note of how many steps are done.

        Args:
          done: steps so far.
          values: {name: number} to show in place of the description; may be empty.
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
    """Yields `batches`, and shows how many of `total` examples have passed."""
    done = 0
    with Status(description, 0, total) as status:
        for batch in batches:
            yield batch
            done += len(batch)
            status.show(done, {})
