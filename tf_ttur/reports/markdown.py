"""A report as Markdown, for pages that show figures beside it."""

from tf_ttur.reports import table
from tf_ttur.reports.contents import Contents
from tf_ttur.studies import summary
from tf_ttur.wording import counted


def to_markdown(contents: Contents) -> str:
    """The report with links to the figures and pictures that stand beside it."""
    parts = [f"# {contents.title}", contents.verdict.text, table.to_markdown(contents.rows)]
    if contents.differences or contents.results.not_compared:
        parts += ["## Differences", _differences(contents)]
    for chart in contents.evaluations:
        parts.append(f"![{chart['title']} against updates]({chart['id']}.svg)")
    if contents.training:
        parts.append("![Losses, accuracy and weights against updates](training.svg)")
    for one in contents.shown:
        if one.samples:
            count = one.samples.images.shape[1]
            caption = f"{counted(count, 'sample')} of {one.label}, seed {one.seed}"
            parts.append(f"![{caption}]({one.grid_file})")
    if contents.faults:
        parts += ["## Warnings and crashes", "\n".join(f"- {line}" for line in contents.faults)]
    parts.append("## How to make it again")
    parts += [f"    {one.command}" for one in contents.recipes if one.command]
    parts.append(f"    {contents.command}")
    return "\n\n".join(parts) + "\n"


def _differences(contents: Contents) -> str:
    lines = [f"- {summary.difference(one)}" for one in contents.differences]
    lines += [f"- not compared: {reason}" for reason in contents.results.not_compared]
    return "\n".join(lines)
