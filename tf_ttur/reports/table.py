"""The table of a report: one row per setting and measure, beside the published values."""

import csv
import io
import json
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from tf_ttur.reports import curves
from tf_ttur.reports.settings import Setting
from tf_ttur.studies import published
from tf_ttur.studies.report import plain
from tf_ttur.studies.report import table as markdown_table

Row = dict[str, Any]

# {column of a row: (head in the page and in Markdown, what it says)}
COLUMNS = {
    "setting": ("setting", "what differs between the rows"),
    "rates": ("learning rates D, G", "discriminator, generator"),
    "runs": ("runs", "one per seed; how many of them failed"),
    "metric": ("measure", "lower is better"),
    "at_update": ("update", "where the mean over the runs is lowest"),
    "mean": ("mean [min, max]", "over the runs, at that update"),
    "best": ("best of runs", "over all runs and evaluations"),
    "published_mean": ("published at that update", "mean [min, max] of the paper's runs"),
    "published_best": ("published best", "over all runs and evaluations"),
}


def rows(settings: Sequence[Setting]) -> list[Row]:
    """One row per setting and measure, with None where there is nothing to say."""
    return [_row(setting, metric) for setting in settings for metric in setting.metrics]


def to_json(table: Sequence[Row]) -> str:
    """The rows as indented JSON."""
    return json.dumps(plain(list(table)), indent=1, allow_nan=False) + "\n"


def to_csv(table: Sequence[Row]) -> str:
    """The rows as CSV with a head line. Lists become words with spaces between them."""
    file = io.StringIO()
    names = list(dict.fromkeys(name for row in table for name in row))
    writer = csv.DictWriter(file, names, lineterminator="\n")
    writer.writeheader()
    for row in table:
        cells = {key: _flat(value) for key, value in plain(row).items()}
        writer.writerow(cells)
    return file.getvalue()


def to_markdown(table: Sequence[Row]) -> str:
    """The columns of the page as a Markdown table."""
    heads = [head for head, _ in COLUMNS.values()]
    return markdown_table(heads, [[cell(row, column) for column in COLUMNS] for row in table])


def cell(row: Row, column: str) -> str:
    """The text of a cell in the page and in Markdown; "-" where there is nothing to say."""
    if column == "rates":
        return f"{row['discriminator_rate']:g}, {row['generator_rate']:g}"
    if column == "runs":
        failed = f", {row['failed']} failed" if row["failed"] else ""
        return f"{row['runs']}{failed}"
    if column == "at_update":
        return "-" if row["at_update"] is None else f"{row['at_update']:,}"
    if column == "mean":
        return with_range(row["mean"], row["low"], row["high"])
    if column == "best":
        at = f" at {row['best_update']:,}" if row["best"] is not None else ""
        return number(row["best"]) + at
    if column == "published_mean":
        return with_range(row["published_mean"], row["published_low"], row["published_high"])
    if column == "published_best":
        at = f" at {row['published_best_at']}" if row["published_best_at"] else ""
        return number(row["published_best"]) + at
    return str(row[column])


def number(value: float | None) -> str:
    """A value with four significant digits; "-" for None."""
    return "-" if value is None else f"{value:.4g}"


def with_range(mean: float | None, low: float | None, high: float | None) -> str:
    """A mean with the range of the runs; without it where all are equal."""
    if low is None or high is None or low == high:
        return number(mean)
    return f"{number(mean)} [{number(low)}, {number(high)}]"


def published_name(metric: str) -> str:
    """The name under which `studies.published` has a measure: "fid" for that of any network."""
    return "fid" if metric == "fid" or metric.startswith("fid_") else metric


def published_at(setting: Setting, metric: str, update: float) -> tuple[float, ...] | None:
    """(mean, lowest, highest) of the published curve at an update, interpolated linearly.

    None before the first and after the last published point, and between points one of which
    contains failed evaluations.
    """
    name = published_name(metric)
    points = published.curve(setting.experiment, name, setting.rates)
    if not points or not points[0][0] <= update <= points[-1][0]:
        return None
    around = [
        point
        for index, point in enumerate(points)
        if point[0] == update
        or (index + 1 < len(points) and point[0] < update < points[index + 1][0])
        or (index > 0 and points[index - 1][0] < update < point[0])
    ]
    if any(published.has_failures(name, point) for point in around):
        return None
    updates = [point[0] for point in around]
    columns = list(zip(*around, strict=True))[1:]
    return tuple(float(np.interp(update, updates, column)) for column in columns)


def _row(setting: Setting, metric: str) -> Row:
    config = setting.config
    curve = curves.by_updates(setting, metric)
    chosen = _chosen(curve)
    score = published.SCORES.get((setting.experiment, published_name(metric)), {})
    best = score.get(setting.rates)
    row: Row = {
        "experiment": setting.experiment,
        "setting": setting.label,
        "variant": config.variant,
        "discriminator_rate": setting.rates.discriminator,
        "generator_rate": setting.rates.generator,
        "seeds": setting.seeds,
        "runs": len(setting.runs),
        "failed": len(setting.crashes),
        "updates": setting.updates,
        "metric": metric,
        "num_samples": config.evaluation.num_samples,
        "at_update": None if chosen is None else int(curve.x[chosen]),
        "mean": None if chosen is None else curve.mean[chosen],
        "low": None if chosen is None else curve.low[chosen],
        "high": None if chosen is None else curve.high[chosen],
        **_best(setting, metric),
    }
    at = None if chosen is None else published_at(setting, metric, curve.x[chosen])
    row["published_mean"], row["published_low"], row["published_high"] = at or (None, None, None)
    row["published_best"] = best and best.best
    row["published_best_at"] = best and best.at
    row["published_lowest_mean"] = best and best.mean[0]
    row["published_lowest_mean_at"] = best and best.mean[1]
    row["published_table"] = best and best.table
    row["erratum"] = published.ERRATA.get(setting.experiment) if best else None
    return row


def _chosen(curve: curves.Curve) -> int | None:
    """The place with the lowest mean, of those that most runs have reached."""
    most = max(curve.num_runs, default=0)
    places = [place for place, count in enumerate(curve.num_runs) if count == most]
    return min(places, key=lambda place: curve.mean[place], default=None)


def _best(setting: Setting, metric: str) -> Row:
    """The lowest value of all runs and evaluations, and where it is."""
    values = [
        (row["value"], run.config.seed, row["update"])
        for run in setting.runs
        for row in run.series.get(metric, [])
        if row["value"] is not None and math.isfinite(row["value"])
    ]
    value, seed, update = min(values, default=(None, None, None))
    return {"best": value, "best_seed": seed, "best_update": update}


def _flat(value: Any) -> Any:
    return " ".join(map(str, value)) if isinstance(value, list) else value
