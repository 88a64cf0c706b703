"""A report as one HTML file that needs nothing else."""

import base64
import importlib.resources
from collections.abc import Mapping
from typing import Any

import jinja2
import markupsafe

from tf_ttur.io import files
from tf_ttur.reports import pictures, table
from tf_ttur.reports.contents import Contents, Shown
from tf_ttur.reports.nearest import Found


def render(contents: Contents, figures: Mapping[str, bytes]) -> str:
    """The page.

    Args:
      contents: what it says.
      figures: {name: SVG} of its charts, for browsers without scripts.
    """
    rows = contents.rows
    return (
        _templates()
        .get_template("report.html")
        .render(
            contents=contents,
            version=files.version(),
            columns=table.COLUMNS,
            cell=table.cell,
            signed=lambda value: "-" if value is None else f"{value:+.4g}",
            number=table.number,
            errata=sorted({(row["experiment"], row["erratum"]) for row in rows if row["erratum"]}),
            csv=_base64(table.to_csv(rows).encode()),
            json=_base64(table.to_json(rows).encode()),
            log=any(chart["log"] for chart in contents.evaluations),
            timing=_timing(contents),
            images={
                name: f"data:image/svg+xml;base64,{_base64(svg)}" for name, svg in figures.items()
            },
            samples=[_samples(one) for one in contents.shown],
        )
    )


def _templates() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("tf_ttur.reports"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    templates = importlib.resources.files("tf_ttur.reports") / "templates"
    for name, suffix in (("style", "css"), ("script", "js")):
        text = (templates / f"report.{suffix}").read_text(encoding="utf-8")
        environment.globals[name] = markupsafe.Markup(text)
    return environment


def _timing(contents: Contents) -> str:
    """How several runs come to the same times, where there are several."""
    if all(len(setting.runs) == 1 for setting in contents.settings):
        return ""
    return (
        "A setting has one clock, as in the paper's figures: the seconds between two evaluations "
        "are the mean of its runs."
    )


def _samples(shown: Shown) -> dict[str, Any]:
    """What the template shows of some samples."""
    common = {"label": shown.label, "seed": shown.seed, "lines": shown.lines}
    if shown.samples is None:
        return common
    samples = shown.samples
    strip = pictures.strip(samples)
    grid = pictures.last_grid(samples)
    return {
        **common,
        "when": ", ".join(f"{update:,}" for update in samples.updates),
        "last": f"{samples.updates[-1]:,}",
        "latents": min(pictures.LATENTS, samples.images.shape[1]),
        "count": samples.images.shape[1],
        "strip": pictures.data_uri(strip),
        "strip_size": strip.size,
        "grid": pictures.data_uri(grid),
        "grid_size": grid.size,
        **_nearest(shown.nearest),
    }


def _nearest(found: Found | str) -> dict[str, Any]:
    """The picture of the nearest training images; or why there is none."""
    if isinstance(found, str):
        return {"nearest": None, "why_not": found}
    picture = found.picture()
    return {
        "nearest": pictures.data_uri(picture),
        "nearest_size": picture.size,
        "nearest_caption": found.caption,
    }


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()
