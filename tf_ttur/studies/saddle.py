"""The figure of the toy saddle point: four pairs of learning rates, many runs each."""

import numpy as np

from tf_ttur.studies import report
from tf_ttur.theory import saddle
from tf_ttur.theory.saddle import NEAR, SETTINGS

_BOUNDS = (0.2, 0.1, 0.01)  # of the hitting times without noise


def study(runs=400, seed=0):
    """Simulates all settings `runs` times. Returns a `report.Report`."""
    paths, numbers = _measure(runs, seed)
    return report.Report("saddle", _verdict(numbers), _text(numbers), numbers, _figure(paths))


def _measure(runs, seed):
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
        settings[name] = {
            "rates": rates,
            **saddle.summarise(paths[name]),
            "hits_without_noise": hits,
        }
    return paths, {
        "runs": runs,
        "seed": seed,
        "steps": saddle.STEPS,
        "near": NEAR,
        "settings": settings,
    }


def _verdict(numbers):
    hits = {
        name: (values["hit_median"], values["hit_share"])
        for name, values in numbers["settings"].items()
    }
    slow, ttur = hits["one time scale, slow"], hits["TTUR, x slow"]
    fast = numbers["settings"]["one time scale, fast"]
    return (
        f"The two time-scale update (x slow) comes within {NEAR} of the saddle after {ttur[0]:.0f} updates in the median, one slow time scale "
        f"after {slow[0]:.0f}; of the runs with one fast time scale {1 - fast['inside']:.0%} are not there at the end."
    )


def _text(numbers):
    settings = numbers["settings"]
    text = (
        f"{numbers['runs']} runs of {numbers['steps']:,} updates, seed {numbers['seed']}. x is multiplied by 1 - 200 lr_x in each "
        "update near the saddle: at 0.01 that is -1, so x swings for ever and the noise makes it wander (it does not blow up). "
        "What two time scales buy is time, not precision: the slow single rate ends nearer to the saddle "
        f"({settings['one time scale, slow']['final_norm'][1]:.3g} against {settings['TTUR, x slow']['final_norm'][1]:.3g}), as its steps, and with them the noise, "
        f"are smaller. With the fast single rate a run comes back to the saddle {settings['one time scale, fast']['returns']:.0f} times in the median "
        "and leaves it again, which is all that the theory promises for one time scale."
    )
    head = [
        "setting",
        "rates x, y",
        "final norm 5 / 50 / 95 %",
        "std of x",
        "std of y",
        f"share with norm < {NEAR}",
        "updates to that, median",
        "without noise to < 0.2 / 0.1 / 0.01",
    ]
    rows = []
    for name, v in settings.items():
        norm = " / ".join(f"{q:.3g}" for q in v["final_norm"])
        silent = " / ".join(
            f"{hit:.0f}" if np.isfinite(hit) else "never"
            for hit in v["hits_without_noise"].values()
        )
        median = f"{v['hit_median']:.0f}" if np.isfinite(v["hit_median"]) else "none"
        rows.append(
            [
                name,
                f"{v['rates'][0]:g}, {v['rates'][1]:g}",
                norm,
                v["x_std"],
                v["y_std"],
                f"{v['hit_share']:.0%}",
                median,
                silent,
            ]
        )
    return f"{text}\n\n{report.table(head, rows)}"


def _figure(paths):
    """For each setting the objective, the norm and the path of the first run; below, what all runs
    do.
    """
    result, axes = report.grid(len(SETTINGS) + 1, 3, 4.5, 2.8)
    for row, (name, path) in zip(axes, paths.items()):
        x, y = path[:, :, 0].T
        updates = np.arange(1, len(x))
        row[0].plot(updates, saddle.objective(x[1:], y[1:]), linewidth=0.7)
        row[0].set(title=f"{name}: objective", xlabel="update")
        row[1].plot(updates, np.hypot(x[1:], y[1:]), linewidth=0.7)
        row[1].set(title="norm", xlabel="update", ylim=(0, None))
        points = row[2].scatter(x, y, c=np.arange(len(x)), s=3, cmap="viridis", rasterized=True)
        row[2].plot(0, 0, "r+", markersize=12)
        row[2].set(
            title=f"path, rates {SETTINGS[name][0]:g}, {SETTINGS[name][1]:g}",
            xlabel="x",
            ylabel="y",
        )
        result.colorbar(points, ax=row[2], label="update")
    surface, reached, last = axes[-1]
    _surface(result, surface)
    for name, path in paths.items():
        hits = np.sort(saddle.hitting_times(saddle.norms(path)))
        reached.step(
            np.r_[1, hits[np.isfinite(hits)], len(path) - 1],
            np.r_[0, np.arange(1, np.isfinite(hits).sum() + 1), np.isfinite(hits).sum()]
            / len(hits),
            where="post",
            label=name,
        )
    reached.set(
        xscale="log",
        xlabel="update",
        title=f"share of {path.shape[2]} runs that have come within {NEAR}",
        ylim=(0, 1.05),
    )
    reached.legend(fontsize="small")
    last.boxplot(
        [saddle.norms(path)[-1] for path in paths.values()],
        whis=(5, 95),
        showfliers=False,
        orientation="horizontal",
    )
    last.set(xscale="log", yticklabels=list(paths), title="last norm: 5, 25, 50, 75, 95 %")
    last.invert_yaxis()
    return result


def _surface(result, place):
    axes = result.add_subplot(place.get_subplotspec(), projection="3d")
    place.remove()
    x, y = np.meshgrid(np.arange(-3, 3, 0.25), np.arange(-30, 30, 2.5))
    axes.plot_surface(x, y, saddle.objective(x, y), cmap="viridis", alpha=0.8, rasterized=True)
    for line_x, line_y in ((x[0], np.zeros_like(x[0])), (np.zeros_like(y[:, 0]), y[:, 0])):
        axes.plot(line_x, line_y, saddle.objective(line_x, line_y), "r", zorder=10)
    axes.set(title="f(x, y) = (1 + x²)(100 - y²)", xlabel="x", ylabel="y")
    axes.tick_params(labelsize="x-small")
