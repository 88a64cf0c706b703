"""Progress bars on stderr, so that stdout stays for results."""

import time

from rich import console, progress
from rich.text import Text

STDERR = console.Console(stderr=True)


def say(text: str) -> None:
    """Writes one message to stderr, as it is: no markup, and no line breaks of its own."""
    STDERR.print(text, soft_wrap=True, markup=False, highlight=False)


class _Speed(progress.ProgressColumn):
    """How many a second, over the last half minute."""

    def render(self, task):
        return Text(f"{task.speed:.3g}/s" if task.speed else "")


def bar(transient=True):
    """A `rich` progress bar with counts, speed and the time that is left. Used as a context
    manager.
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
    """How far a long loop is: a bar on a terminal, else a line every minute. Used as a context
    manager.

    `total` is None for a loop whose length is not known.
    """

    def __init__(self, description, done, total, every_seconds=60):
        self._description, self._total, self._every_seconds = description, total, every_seconds
        self._display = bar()
        self._task = self._display.add_task(description, total=total, completed=done)
        self._shown = (done, time.monotonic())

    def __enter__(self):
        self._display.start()
        return self

    def __exit__(self, *_):
        self._display.stop()

    def show(self, done, values):
        """Takes note of `done` and of the {name: number} to show."""
        text = (
            " ".join(f"{name} {value:.3f}" for name, value in values.items()) or self._description
        )
        self._display.update(self._task, completed=done, description=text)
        count, seconds = done - self._shown[0], time.monotonic() - self._shown[1]
        if not STDERR.is_terminal and count and seconds >= self._every_seconds:
            of_all = f" of {self._total}" if self._total else ""
            speed = (
                f"{seconds / count:.3f} s each"
                if seconds > count
                else f"{count / seconds:.3g} a second"
            )
            STDERR.print(f"{done}{of_all}: {text}, {speed}", soft_wrap=True)
            self._shown = (done, time.monotonic())


def track(batches, description, total):
    """Yields `batches`, and shows how many of `total` images have passed."""
    done = 0
    with Status(description, 0, total) as status:
        for batch in batches:
            yield batch
            done += len(batch)
            status.show(done, {})
