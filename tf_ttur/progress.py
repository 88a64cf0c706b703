"""Progress bars on stderr, so that stdout stays for results."""

import time

from rich import console, progress

STDERR = console.Console(stderr=True)


def bar(transient=True):
    """A `rich` progress bar with counts, speed and the time that is left. Used as a context manager."""
    return progress.Progress(
        progress.TextColumn("{task.description}", markup=False),
        progress.BarColumn(),
        progress.MofNCompleteColumn(),
        progress.TimeElapsedColumn(),
        progress.TextColumn("left"),
        progress.TimeRemainingColumn(),
        console=STDERR,
        transient=transient,
        disable=not STDERR.is_terminal,
    )


class Status:
    """How far a long loop is: a bar on a terminal, else a line every minute. Used as a context manager.

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
        text = " ".join(f"{name} {value:.3f}" for name, value in values.items()) or self._description
        self._display.update(self._task, completed=done, description=text)
        count, seconds = done - self._shown[0], time.monotonic() - self._shown[1]
        if not STDERR.is_terminal and seconds >= self._every_seconds:
            of_all = f" of {self._total}" if self._total else ""
            STDERR.print(f"{done}{of_all}: {text}, {seconds / count:.3f} s each", soft_wrap=True)
            self._shown = (done, time.monotonic())


def track(batches, description, total):
    """Yields `batches` and moves a bar of `total` images on by the length of each."""
    with bar() as display:
        task = display.add_task(description, total=total)
        for batch in batches:
            yield batch
            display.advance(task, len(batch))
