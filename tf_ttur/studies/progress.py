"""How far the cells of a study have got: a table on a terminal, otherwise a line per event."""

import time
from collections.abc import Sequence
from types import TracebackType

from rich import live, table

from tf_ttur.io import console
from tf_ttur.studies.results import curve_of, metrics_of
from tf_ttur.studies.study import Cell

_SECONDS_BETWEEN_READINGS = 2.0
_MAX_ROWS = 40  # of the table; a terminal shows no more


class _Row:
    """What is known about a cell without reading its folder again.

    Attributes:
      updates: how many it has made.
      seconds: of training, for them.
      metric: its last evaluation in words, such as "fid 66.9"; "" for none.
      state: in words.
    """

    def __init__(self, cell: Cell) -> None:
        self.cell = cell
        self.state: str = cell.state
        self.total = int(cell.config.updates)
        self.read()

    def read(self) -> bool:
        """Reads the folder; returns whether there is a new evaluation."""
        run = self.cell.run
        before = getattr(self, "metric", "")
        last = run.rows[-1] if run.rows else None
        self.updates = int(last["update"]) if last else 0
        self.seconds = float(last["training_seconds"]) if last else 0.0
        self.metric = ""
        names = metrics_of(run) if run.exists else []
        if names:
            curve = curve_of(run, names[0])
            self.metric = f"{names[0]} {curve.values[-1]:.4g} after {curve.updates[-1]:,}"
        return self.metric != before

    @property
    def seconds_per_update(self) -> float | None:
        """Of training; None before the first one."""
        return self.seconds / self.updates if self.updates else None


class Progress:
    """Shows the cells of a study. Used as a context manager.

    Args:
      cells: all that are shown.
      jobs: how many are trained at the same time, for the time that is left.
    """

    def __init__(self, cells: Sequence[Cell], jobs: int) -> None:
        self._rows = {cell.name: _Row(cell) for cell in cells}
        self._jobs = jobs
        self._running: list[str] = []
        self._read_at = 0.0
        self._live = live.Live(
            get_renderable=self._table, console=console.STDERR, auto_refresh=False
        )

    def __enter__(self) -> "Progress":
        if console.STDERR.is_terminal:
            self._live.start(refresh=True)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if console.STDERR.is_terminal:
            self._live.stop()

    def started(self, cell: Cell) -> None:
        """A process trains this cell now."""
        row = self._rows[cell.name]
        row.state = "training"
        self._running.append(cell.name)
        begin = max(cell.run.checkpoints, default=0)  # rows after it are made again
        self._say(f"{cell.name}: training from update {begin} of {row.total}")

    def ended(self, cell: Cell, words: str) -> None:
        """Its process has ended; `words` say how."""
        row = self._rows[cell.name]
        row.read()
        row.state = cell.state
        if cell.name in self._running:
            self._running.remove(cell.name)
        self._say(f"{cell.name}: {words}{self._values(row)}")
        self.refresh(at_once=True)

    def refresh(self, at_once: bool = False) -> None:
        """Reads the folders of the cells that are being trained, every two seconds."""
        if not at_once and time.monotonic() - self._read_at < _SECONDS_BETWEEN_READINGS:
            return
        self._read_at = time.monotonic()
        for name in self._running:
            row = self._rows[name]
            if row.read():
                self._say(f"{name}: update {row.updates} of {row.total}{self._values(row)}")
        if console.STDERR.is_terminal:
            self._live.refresh()

    def _say(self, text: str) -> None:
        """Writes a line where there is no table."""
        if not console.STDERR.is_terminal:
            console.say(text)

    def _values(self, row: _Row) -> str:
        metric = f", {row.metric}" if row.metric else ""
        left = self._seconds_left(row)
        return f"{metric}, {_duration(left)} left" if left else metric

    def _seconds_left(self, row: _Row) -> float | None:
        """The training time of the updates that are left, at the speed so far of this cell, or of
        all; without evaluations. None if it is unknown or nothing is left.
        """
        if row.state in ("done", "failed"):
            return None
        speeds = [one.seconds_per_update for one in self._rows.values() if one.seconds_per_update]
        speed = row.seconds_per_update or (sum(speeds) / len(speeds) if speeds else None)
        return speed * max(0, row.total - row.updates) if speed else None

    def _table(self) -> table.Table:
        rows = list(self._rows.values())
        left = sum(self._seconds_left(row) or 0.0 for row in rows) / self._jobs
        shown = table.Table(box=None, pad_edge=False)
        for name in ("cell", "state", "update", "last evaluation", "training left"):
            shown.add_column(name, justify="right" if name == "update" else "left")
        running = [row for row in rows if row.state == "training"]
        others = [row for row in rows if row.state != "training"]
        hidden = max(0, len(rows) - _MAX_ROWS)
        chosen = {id(row) for row in [*running, *others][:_MAX_ROWS]}
        for row in rows:
            if id(row) in chosen:
                words = _duration(self._seconds_left(row))
                updates = f"{row.updates:,} / {row.total:,}"
                shown.add_row(row.cell.name, row.state, updates, row.metric, words)
        more = f"{hidden} more cells; " if hidden else ""
        shown.caption = f"{more}{_duration(left) or 'unknown'} of training left, evaluations extra"
        return shown


def _duration(seconds: float | None) -> str:
    """Seconds in words: 45 s, 12 min, 3:20 h; "" for none."""
    if not seconds:
        return ""
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60}:{minutes % 60:02d} h"
