"""The first words of a report: what was run, and whether its values may stand beside others."""

from collections.abc import Sequence
from typing import NamedTuple

from tf_ttur.reports import again, table
from tf_ttur.reports.settings import Setting
from tf_ttur.studies import summary
from tf_ttur.studies.results import Results
from tf_ttur.wording import counted


class Verdict(NamedTuple):
    """What a report says first.

    Attributes:
      ran: sentences that say what was trained.
      values: sentences that say what came out.
      comparable: one sentence: whether the values may stand beside the published ones.
      reasons: why not; empty if they may.
    """

    ran: list[str]
    values: list[str]
    comparable: str
    reasons: list[str]

    @property
    def text(self) -> str:
        """All of it as Markdown."""
        reasons = "".join(f"\n- {reason}" for reason in self.reasons)
        parts = [" ".join(self.ran), " ".join(self.values), self.comparable]
        return "\n\n".join(part for part in parts if part) + ("\n" if reasons else "") + reasons


def verdict(settings: Sequence[Setting], results: Results, rows: Sequence[table.Row]) -> Verdict:
    """The verdict on some settings.

    Args:
      settings: of the report.
      results: their numbers.
      rows: the table.
    """
    values = [_value(row) for row in rows if row["mean"] is not None]
    values += [f"{summary.difference(at_updates)}." for at_updates, _ in results.pairs()]
    comparable, reasons = summary.comparability(results)
    return Verdict([_ran(setting, results) for setting in settings], values, comparable, reasons)


def _ran(setting: Setting, results: Results) -> str:
    config = setting.config
    done = setting.updates
    card = again.card_of(setting.config)
    length = f"{done[0]:,}" if len(set(done)) == 1 else f"{min(done):,} to {max(done):,}"
    of = f" of the card's {card.updates:,}" if card and max(done) < card.updates else ""
    each = " each" if len(done) > 1 else ""
    return (
        f"{setting.full_label}: {_runs(setting)}, {length}{of} updates{each}, learning "
        f"rates {config.discriminator.learning_rate:g} (discriminator) and "
        f"{config.generator.learning_rate:g} (generator).{_failed(setting, results)}"
    )


def _runs(setting: Setting) -> str:
    seeds = setting.seeds
    if len(seeds) == 1:
        return f"1 run (seed {seeds[0]})"
    return f"{len(seeds)} runs (seeds {', '.join(map(str, seeds))})"


def _failed(setting: Setting, results: Results) -> str:
    entry = next(entry for entry in results.settings if entry.name == setting.label)
    seeds = [failure.seed for failure in entry.failed]
    if not seeds:
        return ""
    return f" {len(seeds)} of them failed (seed {', '.join(map(str, seeds))})."


def _value(row: table.Row) -> str:
    runs, there = row["runs"], row["runs_in_mean"]
    of = f"{there} of {runs}" if there < runs else str(runs)
    over = "" if runs == 1 else f" as the mean of {of} runs"
    values = table.with_range(row["mean"], row["low"], row["high"])
    text = f"{row['setting']}: {row['metric']} {values}{over}, lowest after "
    text += f"{counted(row['at_update'], 'update')}"
    if row["published_mean"] is not None:
        text += f"; the published mean there is {table.cell(row, 'published_mean')}"
    return text + "."
