"""The values of a setting over its seeds: mean and range, by updates and by training time."""

import math
from typing import Any, NamedTuple

import numpy as np

from tf_ttur.reports.settings import Setting
from tf_ttur.runs import Run

# Points of a curve by training time, where several runs have to be brought to the same times.
_TIMES = 100


class Curve(NamedTuple):
    """The values of one name over the seeds of a setting.

    Attributes:
      x: (n,) updates, or seconds of training; ascending.
      mean, low, high: (n,) over the runs that have a finite value there.
      num_runs: (n,) how many those are.
    """

    x: list[float]
    mean: list[float]
    low: list[float]
    high: list[float]
    num_runs: list[int]

    @classmethod
    def of(cls, x: Any, values: np.ndarray) -> "Curve":
        """The curve of (runs, n) values, NaN where a run has none; points without any are left
        out.
        """
        there = np.isfinite(values)
        kept = there.any(axis=0)
        values = values[:, kept]
        return cls(
            np.asarray(x)[kept].tolist(),
            np.nanmean(values, axis=0).tolist() if kept.any() else [],
            np.nanmin(values, axis=0).tolist() if kept.any() else [],
            np.nanmax(values, axis=0).tolist() if kept.any() else [],
            there[:, kept].sum(axis=0).tolist(),
        )


def by_updates(setting: Setting, name: str) -> Curve:
    """The values of one name at every update where a run has one."""
    tables = [_column(run, name, "update") for run in setting.runs]
    updates = sorted({update for table in tables for update in table})
    values = [[table.get(update, math.nan) for update in updates] for table in tables]
    return Curve.of(updates, np.array(values, float).reshape(len(tables), -1))


def by_seconds(setting: Setting, name: str) -> Curve:
    """The values of one name against seconds of training, which leave out evaluation.

    One run keeps its own times. Several runs are interpolated linearly between their own values, at
    equally spaced times that all of them have reached, as the paper's figures align them.
    """
    tables = [_column(run, name, "training_seconds") for run in setting.runs]
    tables = [table for table in tables if table]
    if not tables:
        return Curve([], [], [], [], [])
    if len(tables) == 1:
        [table] = tables
        return Curve.of(list(table), np.array([list(table.values())], float))
    first = max(min(table) for table in tables)
    last = min(max(table) for table in tables)
    times = np.linspace(first, last, _TIMES)
    values = [np.interp(times, list(table), list(table.values())) for table in tables]
    return Curve.of(times, np.array(values))


def _column(run: Run, name: str, column: str) -> dict[float, float]:
    """{position: value} of the rows of one name; NaN for a value that was not finite."""
    rows = run.series.get(name, [])
    values = {row[column]: math.nan if row["value"] is None else row["value"] for row in rows}
    return dict(sorted(values.items()))
