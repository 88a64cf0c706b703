"""The look of all figures: colours, marks, bands, and a legend that never covers data.

The colours are those of Okabe and Ito (https://jfly.uni-koeln.de/color/): people with any common
form of colour blindness can tell them apart. Marks and dashes tell the lines apart without colour.
"""

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import matplotlib
import matplotlib.figure
import matplotlib.rcsetup
import numpy as np

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")
MARKS = ("o", "s", "^", "D", "v", "P", "X")
GREY = "0.4"
_BAND = 0.2  # opacity
_MAX_MARKED = 40  # points of a line that still have marks

_SETTINGS: dict[Any, Any] = {
    "axes.grid": True,
    "axes.prop_cycle": matplotlib.rcsetup.cycler("color", COLOURS),
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": "medium",
    "figure.constrained_layout.use": True,
    "grid.alpha": 0.3,
    "image.cmap": "viridis",
    "legend.frameon": False,
    "lines.linewidth": 1.4,
    "lines.markersize": 4,
    "scatter.edgecolors": "none",
    "svg.fonttype": "path",
}


class Look(NamedTuple):
    """Colour and mark of one thing that a figure shows.

    Attributes:
      colour, mark: as Matplotlib takes them.
    """

    colour: str
    mark: str


def look(number: int) -> Look:
    """The look of thing number 0, 1, ..."""
    return Look(COLOURS[number % len(COLOURS)], MARKS[number % len(MARKS)])


@contextlib.contextmanager
def applied() -> Iterator[None]:
    """Within the block, or the function that this decorates, figures are drawn in this style."""
    with matplotlib.rc_context(_SETTINGS):
        yield


def draw_band(
    axes: Any,
    x: Sequence[float],
    middle: Sequence[float],
    low: Sequence[float],
    high: Sequence[float],
    number: int,
    label: str,
    *,
    dashed: bool = False,
) -> None:
    """Draws a mean as a line, and the range from lowest to highest as a band, as the paper does.

    Args:
      axes: Matplotlib's.
      x, middle, low, high: (n,) numbers; NaN leaves a gap.
      number: which look, see `look`.
      label: for the legend.
      dashed: for published values, beside measured ones of the same number.
    """
    colour, mark = look(number)
    marked = mark if len(x) <= _MAX_MARKED else ""
    axes.plot(
        x,
        middle,
        linestyle="--" if dashed else "-",
        marker=marked,
        markerfacecolor="white" if dashed else colour,
        color=colour,
        label=label,
    )
    if dashed or len(x) == 1:
        below = np.subtract(middle, low)
        above = np.subtract(high, middle)
        axes.errorbar(x, middle, [below, above], fmt="none", ecolor=colour, capsize=4, alpha=0.6)
    if np.any(np.greater(high, low)):
        hatch = "////" if dashed else None
        face = "none" if dashed else colour
        axes.fill_between(
            x, low, high, facecolor=face, edgecolor=colour, hatch=hatch, alpha=_BAND, linewidth=0
        )


def legend_below(axes: Any, handles: Sequence[Any] | None = None, columns: int = 2) -> None:
    """Puts the legend of one of several axes below it.

    Args:
      axes: Matplotlib's.
      handles: what to show; None takes all that has a label.
      columns: in one row.
    """
    axes.legend(
        handles=axes.get_legend_handles_labels()[0] if handles is None else handles,
        loc="upper center",
        bbox_to_anchor=(0.5, -0.2),
        ncols=columns,
        fontsize="small",
    )


def add_legend(figure: matplotlib.figure.Figure, columns: int = 2) -> None:
    """Puts one legend of all axes below them, each label once. Without labels there is none."""
    handles: dict[str, Any] = {}
    for axes in figure.axes:
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
            handles.setdefault(label, handle)
    if handles:
        figure.legend(
            list(handles.values()), list(handles), loc="outside lower center", ncols=columns
        )
