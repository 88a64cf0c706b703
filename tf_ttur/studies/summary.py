"""The numbers of a study in words, for a terminal."""

from collections.abc import Mapping, Sequence
from typing import Any

from tf_ttur.studies.differences import Difference
from tf_ttur.studies.results import Results, SettingNumbers

_HEAD = ("setting", "metric", "runs", "failed", "updates", "mean [range]", "best run", "published")


def describe(results: Results) -> str:
    """Tables of the settings and of their differences, with what limits them."""
    rows = [_HEAD, *(_row(entry) for entry in results.settings)]
    lines = aligned(rows)
    lines += [
        "",
        "mean [range] of the runs at the number of updates that has the lowest mean; best run: the",
        "lowest value of all runs and evaluations, as the paper's table reports it",
    ]
    if results.differences_at_updates or results.not_compared:
        lines += ["", "differences over the seeds, with 95 % intervals:"]
        for at_updates, at_seconds in results.pairs():
            lines.append(f"  {difference(at_updates)}")
            if at_seconds is not None:
                lines.append(f"  {difference(at_seconds)}")
        lines += [f"  not compared: {reason}" for reason in results.not_compared]
    comparable, reasons = comparability(results)
    lines += ["", comparable, *(f"  {reason}" for reason in reasons)]
    return "\n".join(lines)


def comparability(results: Results) -> tuple[str, list[str]]:
    """(whether the values may stand beside the published ones, in a sentence; why not)."""
    with_published = [entry for entry in results.settings if entry.published]
    entries = with_published or results.settings
    caveats: dict[str, list[str]] = {}
    for entry in entries:
        for caveat in entry.caveats:
            caveats.setdefault(caveat, []).append(entry.name)
    everybody = {entry.name for entry in entries}
    reasons = [
        caveat if set(names) == everybody else f"{caveat} ({', '.join(dict.fromkeys(names))})"
        for caveat, names in caveats.items()
    ]
    if not with_published:
        note = " Before they are compared with others, note:" if reasons else ""
        return f"Nothing is published about these values.{note}", reasons
    if not reasons:
        return "These values may stand beside the published ones: the protocol is the paper's.", []
    return "These values may not stand beside the published ones:", reasons


def difference(one: Difference) -> str:
    """A difference in one line."""
    place = f"{one.position:,.0f} {'updates' if one.unit == 'updates' else 'seconds of training'}"
    interval = "" if one.low is None else f" [{one.low:+.4g}, {one.high:+.4g}]"
    decided = one.verdict != "inconclusive"
    verdict = f"{one.first} is {one.verdict}" if decided else "inconclusive"
    return (
        f"{one.first} - {one.second} at {place}: {one.estimate:+.4g}{interval}: {verdict}"
        f" ({one.method})"
    )


def describe_ranking(ranking: Sequence[Mapping[str, Any]]) -> str:
    """The table of a search, best pair first."""
    rows = [("discriminator", "generator", "metric", "updates", "mean [range]", "runs", "failed")]
    for row in ranking:
        values = "-"
        if row["mean"] is not None:
            values = f"{row['mean']:.4g} [{row['lowest']:.4g}, {row['highest']:.4g}]"
            values += of_runs(row["num_values"], row["num_runs"])
        updates = "-" if row["updates"] is None else f"{row['updates']:,}"
        rates = (f"{row['discriminator']:g}", f"{row['generator']:g}")
        counts = (str(row["num_runs"]), str(row["num_failed"]))
        rows.append((*rates, row["metric"] or "-", updates, values, *counts))
    return "\n".join(aligned(rows))


def of_runs(num_values: int, num_runs: int) -> str:
    """ " (1 of 3 runs)" behind a mean that not all runs are in; otherwise ""."""
    return f" ({num_values} of {num_runs} runs)" if num_values < num_runs else ""


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows of equally many cells as lines with columns."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def _row(entry: SettingNumbers) -> tuple[str, ...]:
    chosen = entry.chosen
    values = "-"
    if chosen:
        values = f"{chosen.mean:.4g} [{chosen.low:.4g}, {chosen.high:.4g}]"
        values += of_runs(chosen.num_values, len(entry.seeds))
    best = f"{entry.best.value:.4g} (seed {entry.best.seed})" if entry.best else "-"
    return (
        entry.name,
        entry.metric or "-",
        str(len(entry.seeds)),
        str(len(entry.failed)),
        f"{chosen.updates:,}" if chosen else "-",
        values,
        best,
        _published(entry),
    )


def _published(entry: SettingNumbers) -> str:
    """The published best, and mean and band after as many updates where they are known."""
    if entry.published is None:
        return "-"
    text = f"best {entry.published.best:.4g}"
    if entry.published.at_chosen:
        mean, low, high = entry.published.at_chosen
        text += f"; {mean:.4g} [{low:.4g}, {high:.4g}]"
    return text
