"""The figure of the toy saddle point: four pairs of learning rates, many runs each."""

from typing import Any

import matplotlib.figure
import numpy as np

from tf_ttur.studies import report, style
from tf_ttur.theory import saddle
from tf_ttur.theory.saddle import NEAR, SETTINGS
from tf_ttur.wording import counted

_BOUNDS = (0.2, 0.1, 0.01)  # of the hitting times without noise

Paths = dict[str, np.ndarray]
Numbers = dict[str, Any]


def study(runs: int = 400, seed: int = 0) -> report.Report:
    """Simulates all settings `runs` times."""
    paths, numbers = _measure(runs, seed)
    return report.Report("saddle", _verdict(numbers), _text(numbers), numbers, _figure(paths))


def _measure(runs: int, seed: int) -> tuple[Paths, Numbers]:
    """Simulates all settings.

    Returns:
      (paths, numbers): paths[name] is the (steps + 1, 2, runs) array of `saddle.simulate`; numbers
      are for JSON.
    """
    paths = {
        name: saddle.simulate(rates, runs, seed=[seed, number])
        for number, (name, rates) in enumerate(SETTINGS.items())
    }
    settings = {}
    for name, rates in SETTINGS.items():
        silent = saddle.norms(saddle.simulate(rates, 1, noise_std=0))
        hits = {str(bound): saddle.hitting_times(silent, bound)[0] for bound in _BOUNDS}
        summary = saddle.summarise(paths[name])
        settings[name] = {"rates": rates, **summary, "hits_without_noise": hits}
    numbers = {
        "runs": runs,
        "seed": seed,
        "steps": saddle.STEPS,
        "near": NEAR,
        "settings": settings,
    }
    return paths, numbers


def _verdict(numbers: Numbers) -> str:
    settings = numbers["settings"]
    slow = settings["one time scale, slow"]["hit_median"]
    ttur = settings["TTUR, x slow"]["hit_median"]
    inside = settings["one time scale, fast"]["inside"]
    ever = settings["one time scale, fast"]["hit_share"]
    return (
        f"The two time-scale update (x slow) comes within {NEAR} of the saddle after {ttur:.0f} "
        f"updates in the median, one slow time scale after {slow:.0f}. Of the runs with one fast "
        f"time scale {ever:.0%} have ever come so near, and {inside:.0%} are there at the end."
    )


def _text(numbers: Numbers) -> str:
    settings = numbers["settings"]
    slow = settings["one time scale, slow"]["final_norm"][1]
    ttur = settings["TTUR, x slow"]["final_norm"][1]
    returns = settings["one time scale, fast"]["returns"]
    text = (
        f"{counted(numbers['runs'], 'run')} of {numbers['steps']:,} updates, "
        f"seed {numbers['seed']}. x is "
        "multiplied by 1 - 200 lr_x in each update near the saddle: at 0.01 that is -1, so x "
        "swings for ever and the noise makes it wander (it does not blow up). What two time scales "
        "buy is time, not precision: the slow single rate ends nearer to the saddle "
        f"({slow:.3g} against {ttur:.3g}), as its steps, and with them the noise, are smaller. "
        f"With the fast single rate a run comes back to the saddle {returns:.0f} times in the "
        "median and leaves it again, which is all that the theory promises for one time scale."
    )
    head = [
        "setting",
        "rates x, y",
        "final norm 5 / 50 / 95 %",
        "std of x",
        "std of y",
        f"share ever within {NEAR}",
        "updates to that, median",
        f"share within {NEAR} at the end",
        "without noise to < 0.2 / 0.1 / 0.01",
    ]
    rows = [_row(name, values) for name, values in settings.items()]
    return f"{text}\n\n{report.table(head, rows)}"


def _row(name: str, values: Numbers) -> list[str | float]:
    silent = [
        f"{hit:.0f}" if np.isfinite(hit) else "never"
        for hit in values["hits_without_noise"].values()
    ]
    median = values["hit_median"]
    return [
        name,
        f"{values['rates'].x:g}, {values['rates'].y:g}",
        " / ".join(f"{quantile:.3g}" for quantile in values["final_norm"]),
        values["x_std"],
        values["y_std"],
        f"{values['hit_share']:.0%}",
        f"{median:.0f}" if np.isfinite(median) else "none",
        f"{values['inside']:.0%}",
        " / ".join(silent),
    ]


@style.applied()
def _figure(paths: Paths) -> matplotlib.figure.Figure:
    """For each setting the objective, norm and path of the first run; below, what all runs do."""
    result, axes = report.grid(len(SETTINGS) + 1, 3, 4.5, 2.8)
    for row, (name, path) in zip(axes[:-1], paths.items(), strict=True):
        _draw_first_run(result, row, name, path[:, :, 0].T)
    surface, reached, last = axes[-1]
    _draw_surface(result, surface)
    _draw_shares(reached, paths)
    last.boxplot(
        [saddle.norms(path)[-1] for path in paths.values()],
        whis=(5, 95),
        showfliers=False,
        orientation="horizontal",
    )
    last.set(
        xscale="log",
        yticklabels=list(paths),
        title="after the last update, all runs",
        xlabel="distance to the saddle: 5, 25, 50, 75, 95 %",
    )
    last.invert_yaxis()
    return result


def _draw_first_run(
    figure: matplotlib.figure.Figure, row: np.ndarray, name: str, path: np.ndarray
) -> None:
    objective, norm, plane = row
    x, y = path
    updates = np.arange(1, len(x))
    objective.plot(updates, saddle.objective(x[1:], y[1:]), linewidth=0.7)
    objective.set(title=name, xlabel="update", ylabel="objective f(x, y)")
    norm.plot(updates, np.hypot(x[1:], y[1:]), linewidth=0.7)
    norm.set(title="first run", xlabel="update", ylabel="distance to the saddle", ylim=(0, None))
    points = plane.scatter(x, y, c=np.arange(len(x)), s=3, cmap="viridis", rasterized=True)
    plane.plot(0, 0, "+", color=style.COLOURS[1], markersize=12)
    rates = SETTINGS[name]
    plane.set(title=f"path, rates {rates.x:g}, {rates.y:g}", xlabel="x", ylabel="y")
    figure.colorbar(points, ax=plane, label="update")


def _draw_shares(axes: Any, paths: Paths) -> None:
    """The share of the runs that have come near, against updates."""
    for name, path in paths.items():
        hits = np.sort(saddle.hitting_times(saddle.norms(path)))
        reached = hits[np.isfinite(hits)]
        counts = np.arange(len(reached) + 1)
        updates = np.r_[1, reached, len(path) - 1]
        shares = np.r_[counts, len(reached)] / len(hits)
        axes.step(updates, shares, where="post", label=name)
    runs = next(iter(paths.values())).shape[2]
    axes.set(
        xscale="log",
        xlabel="update",
        ylabel="share of the runs",
        title=f"{counted(runs, 'run')}: have come within {NEAR}",
        ylim=(0, 1.05),
    )
    style.legend_below(axes)


def _draw_surface(figure: matplotlib.figure.Figure, place: Any) -> None:
    axes: Any = figure.add_subplot(place.get_subplotspec(), projection="3d")
    place.remove()
    x, y = np.meshgrid(np.arange(-3, 3, 0.25), np.arange(-30, 30, 2.5))
    axes.plot_surface(x, y, saddle.objective(x, y), cmap="viridis", alpha=0.8, rasterized=True)
    for line_x, line_y in ((x[0], np.zeros_like(x[0])), (np.zeros_like(y[:, 0]), y[:, 0])):
        height = saddle.objective(line_x, line_y)
        axes.plot(line_x, line_y, height, color=style.COLOURS[1], zorder=10)
    axes.set(title="f(x, y) = (1 + x²)(100 - y²)", xlabel="x", ylabel="y", zlabel="f(x, y)")
    axes.tick_params(labelsize="x-small")
