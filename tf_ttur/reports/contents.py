"""Everything that a report says, before it becomes a page, a text or a figure."""

import dataclasses
from collections.abc import Sequence

from tf_ttur.registry import Value
from tf_ttur.reports import again, charts, nearest, pictures, table, verdict
from tf_ttur.reports.again import Recipe
from tf_ttur.reports.charts import Chart
from tf_ttur.reports.nearest import Found, Search
from tf_ttur.reports.pictures import Samples
from tf_ttur.reports.settings import Setting, differences
from tf_ttur.reports.verdict import Verdict
from tf_ttur.studies import results as numbers
from tf_ttur.studies.differences import Difference
from tf_ttur.studies.results import Results


@dataclasses.dataclass(frozen=True)
class Shown:
    """The samples of the first run of a setting: images, or lines.

    Attributes:
      label, seed: of the setting and the run.
      number: of the setting.
      samples: images over time; None for lines.
      lines: [(update, lines)]; empty for images.
      nearest: the nearest training images; or why they were not looked for.
    """

    label: str
    seed: int
    number: int
    samples: Samples | None
    lines: Sequence[tuple[int, list[str]]]
    nearest: Found | str

    @property
    def strip_file(self) -> str:
        """The name of the picture of the same latents over time."""
        return f"strip-{self.number}.png"

    @property
    def grid_file(self) -> str:
        """The name of the picture of the last samples."""
        return f"samples-{self.number}.png"


@dataclasses.dataclass(frozen=True)
class Contents:
    """What a report says.

    Attributes:
      settings: in the order of the command line.
      command: the command line that makes the report.
      results: the numbers of the settings, under their labels.
      rows: the table.
      verdict: the first words.
      evaluations, training: the charts.
      shown: the samples of each setting that has any.
      faults: warnings and crashes in words.
      differing: [(config key, value in each setting)]; empty for one setting.
      recipes: how to make each run again.
    """

    settings: Sequence[Setting]
    command: str
    results: Results
    rows: Sequence[table.Row]
    verdict: Verdict
    evaluations: Sequence[Chart]
    training: Sequence[Chart]
    shown: Sequence[Shown]
    faults: Sequence[str]
    differing: Sequence[tuple[str, list[Value]]]
    recipes: Sequence[Recipe]

    @property
    def differences(self) -> list[Difference]:
        """The last difference of each pair of settings at equal updates, and at equal seconds."""
        return [one for pair in self.results.pairs() for one in pair if one is not None]

    @property
    def title(self) -> str:
        """The experiments and the settings."""
        names = dict.fromkeys(setting.experiment for setting in self.settings)
        labels = ", ".join(setting.label for setting in self.settings)
        return labels if len(names) > 1 else f"{next(iter(names))}: {labels}"


def collect(settings: Sequence[Setting], command: str, search: Search | None = None) -> Contents:
    """Reads everything that a report on these settings says.

    Args:
      settings: from `open_settings`.
      command: the command line that makes the report.
      search: for the training images that are nearest to samples; None looks for none.

    Raises:
      UserError: a file of a run is damaged.
    """
    results = numbers.of_groups({setting.label: setting.runs for setting in settings})
    rows = table.rows(settings, results)
    return Contents(
        settings=settings,
        command=command,
        results=results,
        rows=rows,
        verdict=verdict.verdict(settings, results, rows),
        evaluations=charts.evaluations(settings, results),
        training=charts.training(settings),
        shown=[
            shown for number, one in enumerate(settings) if (shown := _shown(number, one, search))
        ],
        faults=_faults(settings, results),
        differing=differences(settings) if len(settings) > 1 else [],
        recipes=[again.recipe(setting.label, run) for setting in settings for run in setting.runs],
    )


def _shown(number: int, setting: Setting, search: Search | None) -> Shown | None:
    run = setting.runs[0]
    samples = pictures.read(run)
    lines = pictures.read_lines(run)
    if samples is None and not lines:
        return None
    found: Found | str = "this is an option, --nearest COUNT"
    if samples is not None and search is not None:
        found = nearest.find(run, samples, search)
    return Shown(setting.label, run.config.seed, number, samples, lines, found)


def _faults(settings: Sequence[Setting], results: Results) -> list[str]:
    """Warnings and crashes of all runs, in words."""
    lines = []
    for setting in settings:
        for run in setting.runs:
            name = f"{setting.label}, seed {run.config.seed}"
            lines += [f"{name}, update {update}: {words}" for update, words in run.warnings]
        entry = next(entry for entry in results.settings if entry.name == setting.label)
        lines += [
            f"{setting.label}, seed {failure.seed}, update {failure.updates}: {failure.what} was "
            "not finite, and the run stopped (crash.json)"
            for failure in entry.failed
        ]
    return lines
