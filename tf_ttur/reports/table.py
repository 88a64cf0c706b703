"""The table of a report: one row per setting and measure, beside the published values."""

import csv
import io
import json
from collections.abc import Sequence
from typing import Any

from tf_ttur.reports.settings import Setting
from tf_ttur.studies import numbers, summary
from tf_ttur.studies.report import table as markdown_table
from tf_ttur.studies.results import Results, SettingNumbers

Row = dict[str, Any]

# {column: (head in the page and in Markdown, what it says)}
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


def rows(settings: Sequence[Setting], results: Results) -> list[Row]:
    """One row per setting and measure, with None where there is nothing to say.

    Args:
      settings: of the report.
      results: their numbers, under their labels.
    """
    by_label = {setting.label: setting for setting in settings}
    measured = [entry for entry in results.settings if entry.metric]
    return [_row(entry, by_label[entry.name]) for entry in measured]


def to_json(table: Sequence[Row]) -> str:
    """The rows as indented JSON."""
    return json.dumps(numbers.to_json(list(table)), indent=1, allow_nan=False) + "\n"


def to_csv(table: Sequence[Row]) -> str:
    """The rows as CSV with a head line. Lists become words with spaces between them."""
    file = io.StringIO()
    names = list(dict.fromkeys(name for row in table for name in row))
    writer = csv.DictWriter(file, names, lineterminator="\n")
    writer.writeheader()
    for row in table:
        cells = {key: _flat(value) for key, value in numbers.to_json(row).items()}
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
        values = with_range(row["mean"], row["low"], row["high"])
        return values + summary.of_runs(row["runs_in_mean"], row["runs"])
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


def _row(entry: SettingNumbers, setting: Setting) -> Row:
    chosen, best, area, published = entry.chosen, entry.best, entry.area, entry.published
    at_chosen = (published and published.at_chosen) or (None, None, None)
    return {
        "experiment": entry.experiment,
        "setting": entry.name,
        "variant": entry.variant,
        "discriminator_rate": entry.rates.discriminator,
        "generator_rate": entry.rates.generator,
        "seeds": entry.seeds,
        "runs": len(entry.seeds),
        "failed": len(entry.failed),
        "updates": setting.updates,
        "metric": entry.metric,
        "num_samples": setting.config.evaluation.num_samples,
        "at_update": chosen and chosen.updates,
        "runs_in_mean": chosen.num_values if chosen else 0,
        "mean": chosen and chosen.mean,
        "low": chosen and chosen.low,
        "high": chosen and chosen.high,
        "deviation": chosen and chosen.deviation,
        "best": best and best.value,
        "best_seed": best and best.seed,
        "best_update": best and best.updates,
        "mean_height_of_curve": area and area.mean,
        "height_from_update": area and area.first,
        "height_to_update": area and area.last,
        "published_mean": at_chosen[0],
        "published_low": at_chosen[1],
        "published_high": at_chosen[2],
        "published_best": published and published.best,
        "published_best_at": published and published.best_at,
        "published_lowest_mean": published and published.lowest_mean,
        "published_lowest_mean_at": published and published.lowest_mean_at,
        "published_table": published and published.table,
        "erratum": (published and published.erratum) or None,
    }


def _flat(value: Any) -> Any:
    return " ".join(map(str, value)) if isinstance(value, list) else value
