"""Progress bars on stderr, so that stdout stays for results."""

from rich import console, progress

STDERR = console.Console(stderr=True)


def bar(transient=True):
    """A `rich` progress bar with counts, speed and the time that is left. Used as a context manager."""
    return progress.Progress(
        progress.TextColumn("{task.description}"),
        progress.BarColumn(),
        progress.MofNCompleteColumn(),
        progress.TimeElapsedColumn(),
        progress.TextColumn("left"),
        progress.TimeRemainingColumn(),
        console=STDERR,
        transient=transient,
        disable=not STDERR.is_terminal,
    )


def track(batches, description, total):
    """Yields `batches` and moves a bar of `total` images on by the length of each."""
    with bar() as display:
        task = display.add_task(description, total=total)
        for batch in batches:
            yield batch
            display.advance(task, len(batch))
