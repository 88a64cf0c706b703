"""The result of a study: a figure, its numbers, and text."""

import dataclasses
import json
import pathlib
from collections.abc import Sequence
from typing import Any

import matplotlib
import matplotlib.figure
import numpy as np

from tf_ttur.io import files, outputs


@dataclasses.dataclass(frozen=True)
class Report:
    """The result of a study.

    Attributes:
      name: of its files, without an ending.
      verdict: one line.
      text: Markdown that follows the verdict: a paragraph, and tables where they help.
      numbers: dict of what JSON can hold, NumPy's scalars and arrays included. Values that are not
        finite become null.
      figure: a `matplotlib.figure.Figure`.
    """

    name: str
    verdict: str
    text: str
    numbers: dict[str, Any]
    figure: matplotlib.figure.Figure

    def write(self, folder: str | pathlib.Path) -> str:
        """Writes NAME.svg, .png, .json and .md, each atomically, and returns the verdict."""
        folder = outputs.check_folder(folder)
        # Without date and random names, so that the same study gives the same file.
        with matplotlib.rc_context({"svg.hashsalt": self.name}):
            self._write_figure(folder / f"{self.name}.svg", metadata={"Date": None})
            self._write_figure(folder / f"{self.name}.png")
        numbers = plain({"verdict": self.verdict, **self.numbers})
        with files.atomic(folder / f"{self.name}.json", "w") as file:
            file.write(json.dumps(numbers, indent=1, allow_nan=False) + "\n")
        with files.atomic(folder / f"{self.name}.md", "w") as file:
            file.write(f"{self.verdict} {self.text}".strip() + "\n")
        return self.verdict

    def _write_figure(self, path: pathlib.Path, **options: Any) -> None:
        with files.atomic(path) as file:
            self.figure.savefig(file, format=path.suffix[1:], dpi=100, **options)


def plain(value: Any) -> Any:
    """Converts a value to what JSON can hold.

    NumPy's scalars and arrays, nested in any way, become numbers and lists; NaN and infinity become
    None.
    """
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [plain(item) for item in value]
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value


def grid(
    rows: int, columns: int, width: float = 4.0, height: float = 3.0, **options: Any
) -> tuple[matplotlib.figure.Figure, np.ndarray]:
    """A figure and its (rows, columns) array of axes, `width` by `height` inches each."""
    figure = matplotlib.figure.Figure(
        figsize=(width * columns, height * rows), layout="constrained"
    )
    return figure, figure.subplots(rows, columns, squeeze=False, **options)


def table(head: Sequence[str], rows: Sequence[Sequence[str | float]]) -> str:
    """A Markdown table of strings and numbers."""
    cells = [[_cell(cell) for cell in row] for row in rows]
    lines = [list(head), ["---"] * len(head), *cells]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(value: str | float) -> str:
    return value.replace("|", r"\|") if isinstance(value, str) else f"{value:.4g}"
