"""The report of FID against the Inception Score under disturbances: figure, table and text."""

from collections.abc import Iterable, Sequence
from typing import Any, Literal

import matplotlib.figure
import numpy as np
import PIL.Image

from tf_ttur.data.disturbances import DISTURBANCES, LEVELS, MIXED, disturb
from tf_ttur.errors import UserError
from tf_ttur.studies import report, style
from tf_ttur.studies.disturbances import UNDISTURBED, Row, Settings, title
from tf_ttur.studies.published import DISTURBED
from tf_ttur.wording import counted

_ROW = 4  # images in a row of the picture of a mixture

Limit = float | Literal["largest", "published"]
Series = dict[str, Any]
Summary = dict[str, Series]


def study(
    rows: Sequence[Row],
    settings: Settings,
    metric: str,
    shown: np.ndarray,
    others: np.ndarray | None = None,
    limit: Limit = "largest",
) -> report.Report:
    """The report of what was measured.

    Args:
      rows, settings: what `disturbances.measure` returns.
      metric: the name of the distance.
      shown: (n, size, size, 3) uint8 images. The figure shows the first of them at all levels, and
        up to 16 of them as the images into which others are mixed.
      others: (n, height, width, 3) uint8 images that are mixed in; None leaves that picture empty.
      limit: as in `summarise`.

    Raises:
      UserError: no disturbance was measured at all levels.
    """
    summary = summarise(rows, limit)
    if not summary:
        raise UserError(
            "no disturbance has been measured at all levels",
            "at least one",
            "name one, with --only or --mixed-in",
        )
    numbers = {"settings": settings, "metric": metric, "disturbances": summary}
    return report.Report(
        "disturb",
        _verdict(summary, metric),
        _text(summary, settings, metric),
        numbers,
        _figure(summary, metric, shown, others, settings["swirl_radius"]),
    )


def summarise(rows: Sequence[Row], limit: Limit = "largest") -> Summary:
    """The values of each disturbance over its levels.

    Args:
      rows: what `disturbances.measure` returns.
      limit: the bound m of IND = m - IS. "largest" takes the largest score over the levels of a
        disturbance, as the original's notebook does, so that the smallest IND is 0; "published"
        takes that of the published figures; a number is taken as it is. The paper's bound is the
        number of samples, if there are no more samples than classes.

    Returns:
      {name: series} of the disturbances that were measured at all levels. A series is a dict of
      alpha, fid, inception_score, inception_score_std and ind, which are lists over the levels 0 to
      3, and of ind_limit, fid_rises and inception_score_falls.
    """
    start = next(row for row in rows if row["disturbance"] == UNDISTURBED)
    result = {}
    for name in (*DISTURBANCES, MIXED):
        levels = [row for row in rows if row["disturbance"] == name]
        levels = [start, *sorted(levels, key=lambda row: row["level"])]
        if len(levels) == len(LEVELS):
            result[name] = _series(levels, _bound(name, levels, limit))
    return result


def _bound(name: str, levels: Iterable[Row], limit: Limit) -> float:
    if limit == "largest":
        return max(row["inception_score"] for row in levels)
    if limit == "published":
        return DISTURBED[name]["ind_limit"]
    return limit


def _series(levels: Sequence[Row], bound: float) -> Series:
    keys = ("alpha", "fid", "inception_score", "inception_score_std")
    columns: Series = {key: [row[key] for row in levels] for key in keys}
    columns["ind_limit"] = bound
    columns["ind"] = [bound - score for score in columns["inception_score"]]
    columns["fid_rises"] = bool(np.all(np.diff(columns["fid"]) > 0))
    columns["inception_score_falls"] = bool(np.all(np.diff(columns["inception_score"]) < 0))
    return columns


def _verdict(summary: Summary, metric: str) -> str:
    """One line: for which disturbances each measure follows the level."""
    rises = [name for name, series in summary.items() if series["fid_rises"]]
    falls = [name for name, series in summary.items() if series["inception_score_falls"]]
    return (
        f"{metric} rises with every level of {_some(rises, len(summary))}; the Inception Score "
        f"falls with every level of {_some(falls, len(summary))}."
    )


def _some(names: Sequence[str], total: int) -> str:
    """How many of the disturbances, with their names unless it is none or all."""
    words = f"{len(names)} of {total} disturbances"
    if 0 < len(names) < total:
        words += f" ({', '.join(title(name) for name in names)})"
    return words


def _text(summary: Summary, settings: Settings, metric: str) -> str:
    text = (
        f"Measured on {counted(settings['images'], 'image')} of `{settings['source']}`, seed "
        f"{settings['seed']}, with the {settings['network']} network ({settings['precision']}); "
        f"the distance is `{metric}` to the undisturbed reference. The Inception Score need not "
        "fall when images get worse, as it never sees the real images. IND is the limit that "
        "stands beside it minus the score. Published values: CelebA, 50,000 images, the original "
        "network; they are comparable in shape only."
    )
    if MIXED in summary:
        text += (
            f" Mixed: that part of the images is replaced by images of `{settings['mixed_in']}`, "
            "drawn with replacement."
        )
    head = [
        "disturbance",
        "level",
        "alpha",
        metric,
        "Inception Score",
        "IND",
        "its limit",
        "published FID",
        "published Inception Score",
        "published IND",
    ]
    rows = [_row(name, summary[name], level) for name in summary for level in LEVELS]
    return f"{text}\n\n{report.table(head, rows)}"


def _row(name: str, series: Series, level: int) -> list[str | float]:
    published = DISTURBED[name]
    published_score = published["inception_score"][level]
    score = series["inception_score"][level]
    return [
        title(name),
        str(level),
        series["alpha"][level],
        series["fid"][level],
        f"{score:.3f} ± {series['inception_score_std'][level]:.3f}",
        f"{series['ind'][level]:.3f}",
        series["ind_limit"],
        published["fid"][level],
        published_score,
        published["ind_limit"] - published_score,
    ]


@style.applied()
def _figure(
    summary: Summary,
    metric: str,
    shown: np.ndarray,
    others: np.ndarray | None,
    swirl_radius: float,
) -> matplotlib.figure.Figure:
    """A row per disturbance: an image at its levels, the distance, the Inception Score, IND."""
    result, axes = report.grid(len(summary), 4, 3.6, 2.5)
    image = shown[:1] / np.float32(127.5) - 1
    for (name, series), row in zip(summary.items(), axes, strict=True):
        pictures, fid, score, ind = row
        pictures.set(xticks=[], yticks=[], title=title(name), xlabel="levels 0, 1, 2, 3")
        pictures.grid(False)
        if name == MIXED:
            _draw_mixtures(pictures, series["alpha"], shown, others)
        else:
            _draw_levels(pictures, name, image, swirl_radius)
        fid.plot(LEVELS, series["fid"], "o-")
        fid.set(ylabel=metric, ylim=(0, None))
        score.errorbar(
            LEVELS,
            series["inception_score"],
            series["inception_score_std"],
            fmt="s-",
            capsize=4,
            color=style.COLOURS[1],
        )
        score.set(ylabel="Inception Score (std of parts)")
        ind.plot(LEVELS, series["ind"], "^-", color=style.COLOURS[2])
        ind.set(ylabel=f"IND (limit {series['ind_limit']:.3g})")
        for axis in (fid, score, ind):
            axis.set(xticks=LEVELS, xlabel="level")
    return result


def _draw_levels(axes: Any, name: str, image: np.ndarray, swirl_radius: float) -> None:
    strip = [
        (disturb(image, name, level, swirl_radius=swirl_radius)[0] + 1) * 127.5 for level in LEVELS
    ]
    axes.imshow(np.concatenate(strip, axis=1).round().astype(np.uint8))


def _draw_mixtures(
    axes: Any, alphas: Sequence[float], shown: np.ndarray, others: np.ndarray | None
) -> None:
    """For each level 16 images, as many of which are others as the level says."""
    if others is None:
        axes.text(0.5, 0.5, "a part of the images is replaced", ha="center", va="center")
        return
    side = shown.shape[1]
    resized = [PIL.Image.fromarray(image).resize((side, side)) for image in others]
    count = _ROW**2
    images = np.resize(shown, (count, *shown.shape[1:]))
    mixed_in = np.resize(np.stack([np.asarray(image) for image in resized]), images.shape)
    # The same order at each level, and not all others in one corner.
    order = np.random.default_rng(0).permutation(count).reshape(-1, 1, 1, 1)
    cells = [np.where(order < round(alpha * count), mixed_in, images) for alpha in alphas]
    gap = np.full((_ROW * side, max(1, side // 4), 3), 255, np.uint8)
    strip = [part for cell in cells for part in (_square(cell), gap)][:-1]
    axes.imshow(np.concatenate(strip, axis=1))


def _square(images: np.ndarray) -> np.ndarray:
    """`_ROW`² images as one picture."""
    rows = images.reshape(_ROW, _ROW, *images.shape[1:])
    return np.concatenate([np.concatenate(list(row), axis=1) for row in rows], axis=0)
