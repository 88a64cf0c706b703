"""The figure of Theorem 1 on the linear game."""

from typing import Any

import matplotlib.figure
import numpy as np

from tf_ttur.studies import report, style
from tf_ttur.theory import two_time_scale as theory
from tf_ttur.wording import counted

_DECAYING = "decaying, two time scales"
_FIT = (6_000, 60_000)  # steps between which the slopes are taken
_SHOWN = (100, 1_000, 10_000, 100_000)

Curves = dict[str, tuple[np.ndarray, np.ndarray]]
Numbers = dict[str, Any]


def study(runs: int = 200, seed: int = 0) -> report.Report:
    """Simulates all settings `runs` times."""
    curves, numbers = _measure(runs, seed)
    return report.Report(
        "two-time-scale", _verdict(numbers), _text(numbers), numbers, _figure(curves, numbers)
    )


def _measure(runs: int, seed: int) -> tuple[Curves, Numbers]:
    """Simulates all settings and computes what infinitely many runs would give.

    Returns:
      (curves, numbers): curves[name] is (mean squares of the runs, expected ones); numbers are for
      JSON.
    """
    curves = {}
    settings = {}
    for number, (name, (a, b, steps)) in enumerate(theory.SETTINGS.items()):
        measured = theory.simulate(a, b, steps, runs, seed=[seed, number])
        expected = theory.expected_squares(a, b, steps)
        curves[name] = (measured, expected)
        shown = [step for step in _SHOWN if step <= steps]
        settings[name] = {
            "steps": shown,
            "rms_theta": [np.sqrt(measured[step, 0]) for step in shown],
            "expected_rms_theta": [np.sqrt(expected[step, 0]) for step in shown],
        }
    measured, expected = curves[_DECAYING]
    numbers = {
        "runs": runs,
        "seed": seed,
        "noise_std": theory.NOISE_STD,
        "stable_at_ratio": {str(rho): theory.is_stable(rho) for rho in (0.1, 0.49, 0.5, 1.0)},
        "slopes": {
            "between": _FIT,
            "measured": theory.slopes(measured, *_FIT),
            "expected": theory.slopes(expected, *_FIT),
            "theory": (-theory.SLOW_POWER, -theory.FAST_POWER),
        },
        "settings": settings,
    }
    return curves, numbers


def _verdict(numbers: Numbers) -> str:
    last = {name: values["rms_theta"][-1] for name, values in numbers["settings"].items()}
    equal = [last["constant, equal"], last["decaying, equal"]]
    constant = last["constant, two time scales"]
    decaying = last[_DECAYING]
    diverge = "diverge" if min(equal) > 100 else "do not diverge"
    converge = "converge" if max(constant, decaying) < 0.1 else "do not converge"
    return (
        f"Equal rates {diverge} (RMS of theta up to {max(equal):.2g} after 1,000 updates), two "
        f"time scales {converge}: RMS {constant:.2g} with constant rates and {decaying:.2g} with "
        "decaying ones after 100,000."
    )


def _text(numbers: Numbers) -> str:
    slopes = numbers["slopes"]
    first, last = slopes["between"]
    theta, w = zip(slopes["measured"], slopes["expected"], slopes["theory"], strict=True)
    text = (
        f"Linear game with noise of {numbers['noise_std']}, {counted(numbers['runs'], 'run')}, "
        f"seed {numbers['seed']}. The Jacobian is stable if and only if the slow rate is less than "
        "half of the fast one; equal rates fail also when they decay. "
        f"Between {first:,} and {last:,} updates the mean square of theta falls with the "
        f"power {theta[0]:.2f} of the update (exact recursion {theta[1]:.2f}, theory {theta[2]}), "
        f"that of w - lambda(theta) with {w[0]:.2f} (exact {w[1]:.2f}, theory {w[2]}): "
        "the theory's rates are those of the limit."
    )
    head = ["rates", *(f"RMS theta after {step:,}" for step in _SHOWN)]
    rows = []
    for name, values in numbers["settings"].items():
        pairs = zip(values["rms_theta"], values["expected_rms_theta"], strict=True)
        cells = [f"{measured:.3g} (exact {exact:.3g})" for measured, exact in pairs]
        rows.append([name, *cells, *["not run"] * (len(_SHOWN) - len(cells))])
    return f"{text}\n\n{report.table(head, rows)}"


@style.applied()
def _figure(curves: Curves, numbers: Numbers) -> matplotlib.figure.Figure:
    """RMS of both errors against updates, and the slopes of the decaying pair."""
    result, [(theta, decaying)] = report.grid(1, 2, 6.5, 4.5)
    for colour, (name, (measured, expected)) in enumerate(curves.items()):
        steps = _log_spaced(1, len(measured) - 1)
        theta.loglog(steps, np.sqrt(measured[steps, 0]), color=style.COLOURS[colour], label=name)
        theta.loglog(steps, np.sqrt(expected[steps, 0]), "k:", linewidth=0.8)
    theta.set(
        xlabel="update",
        ylabel="root mean square of theta",
        ylim=(1e-4, 1e4),
        title=f"linear game, {counted(numbers['runs'], 'run')} (dotted: exact)",
    )
    style.legend_below(theta)
    _draw_slopes(decaying, curves[_DECAYING][0], numbers["slopes"])
    return result


def _draw_slopes(axes: Any, measured: np.ndarray, slopes: Numbers) -> None:
    steps = _log_spaced(100, len(measured) - 1)
    anchor = _FIT[1]
    for column, label in enumerate(("theta (slow)", "w - lambda(theta) (fast)")):
        colour = style.COLOURS[column]
        power = slopes["theory"][column]
        words = f"{label}: slope {slopes['measured'][column]:.2f}"
        axes.loglog(steps, measured[steps, column], color=colour, label=words)
        line = measured[anchor, column] * (steps / anchor) ** power
        axes.loglog(steps, line, "--", color=colour, label=f"n^{power}")
    axes.set(xlabel="update", ylabel="mean square of the error", title=_DECAYING)
    style.legend_below(axes)


def _log_spaced(first: int, last: int) -> np.ndarray:
    return np.unique(np.geomspace(first, last, 400).astype(int))
