"""What a study leaves: a figure, its numbers, and what they say in words."""

import dataclasses
import json
import pathlib

import matplotlib
import matplotlib.figure
import numpy as np

from tf_ttur.io import files


@dataclasses.dataclass(frozen=True)
class Report:
    """What a study found.

    Attributes:
      name: of its files, without an ending.
      verdict: one line.
      text: Markdown that follows the verdict: a paragraph, and tables where they help.
      numbers: dict of what JSON can hold, NumPy's scalars and arrays included; what is not finite
        becomes null.
      figure: a `matplotlib.figure.Figure`.
    """

    name: str
    verdict: str
    text: str
    numbers: dict
    figure: matplotlib.figure.Figure

    def write(self, folder):
        """Writes NAME.svg, NAME.png, NAME.json and NAME.md, each whole or not at all. Returns the
        verdict.
        """
        folder = pathlib.Path(folder)
        # Without date and random names, so that the same study gives the same file.
        with matplotlib.rc_context({"svg.hashsalt": self.name}):
            for ending, options in (("svg", {"metadata": {"Date": None}}), ("png", {})):
                with files.atomic(folder / f"{self.name}.{ending}") as file:
                    self.figure.savefig(file, format=ending, dpi=100, **options)
        with files.atomic(folder / f"{self.name}.json", "w") as file:
            file.write(
                json.dumps(
                    plain({"verdict": self.verdict, **self.numbers}), indent=1, allow_nan=False
                )
                + "\n"
            )
        with files.atomic(folder / f"{self.name}.md", "w") as file:
            file.write(f"{self.verdict} {self.text}".strip() + "\n")
        return self.verdict


def plain(value):
    """NumPy's scalars and arrays, nested in any way, as what JSON holds; NaN and infinity as None."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [plain(item) for item in value]
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value


def grid(rows, columns, width=4.0, height=3.0, **options):
    """A figure and its (rows, columns) array of axes, `width` by `height` inches each."""
    figure = matplotlib.figure.Figure(
        figsize=(width * columns, height * rows), layout="constrained"
    )
    return figure, figure.subplots(rows, columns, squeeze=False, **options)


def table(head, rows):
    """A Markdown table of strings and numbers."""
    cells = [
        [cell.replace("|", r"\|") if isinstance(cell, str) else f"{cell:.4g}" for cell in row]
        for row in rows
    ]
    lines = [head, ["---"] * len(head), *cells]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
