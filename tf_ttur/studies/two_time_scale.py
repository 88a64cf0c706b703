"""The figure of Theorem 1 on the linear game."""

import numpy as np

from tf_ttur.studies import report
from tf_ttur.theory import two_time_scale as theory

_DECAYING = "decaying, two time scales"
_FIT = 6_000, 60_000  # steps between which the slopes are taken
_SHOWN = (100, 1_000, 10_000, 100_000)


def study(runs=200, seed=0):
    """Simulates all settings `runs` times. Returns a `report.Report`."""
    curves, numbers = _measure(runs, seed)
    return report.Report(
        "two-time-scale", _verdict(numbers), _text(numbers), numbers, _figure(curves, numbers)
    )


def _measure(runs, seed):
    """Simulates all settings and computes what infinitely many runs would give.

    Returns:
      (curves, numbers): curves[name] is (mean squares of the runs, expected ones); numbers are for
      JSON.
    """
    curves, settings = {}, {}
    for number, (name, (a, b, steps)) in enumerate(theory.SETTINGS.items()):
        measured = theory.simulate(a, b, steps, runs, seed=[seed, number])
        expected = theory.expected_squares(a, b, steps)
        curves[name] = measured, expected
        shown = [step for step in _SHOWN if step <= steps]
        settings[name] = {
            "steps": shown,
            "rms_theta": [np.sqrt(measured[step, 0]) for step in shown],
            "expected_rms_theta": [np.sqrt(expected[step, 0]) for step in shown],
        }
    measured, expected = curves[_DECAYING]
    stable = {str(ratio): theory.is_stable(ratio) for ratio in (0.1, 0.49, 0.5, 1.0)}
    slopes = {
        "between": _FIT,
        "measured": theory.slopes(measured, *_FIT),
        "expected": theory.slopes(expected, *_FIT),
    }
    slopes["theory"] = -theory.SLOW_POWER, -theory.FAST_POWER
    return curves, {
        "runs": runs,
        "seed": seed,
        "noise_std": theory.NOISE_STD,
        "stable_at_ratio": stable,
        "slopes": slopes,
        "settings": settings,
    }


def _verdict(numbers):
    last = {name: values["rms_theta"][-1] for name, values in numbers["settings"].items()}
    equal = max(last["constant, equal"], last["decaying, equal"])
    constant, decaying = last["constant, two time scales"], last[_DECAYING]
    return (
        f"Equal rates {'diverge' if min(last['constant, equal'], last['decaying, equal']) > 100 else 'do not diverge'} (RMS of theta up to {equal:.2g} after 1,000 "
        f"updates), two time scales {'converge' if max(constant, decaying) < 0.1 else 'do not converge'}: RMS {constant:.2g} with constant rates and "
        f"{decaying:.2g} with decaying ones after 100,000."
    )


def _text(numbers):
    slopes = numbers["slopes"]
    text = (
        f"Linear game with noise of {numbers['noise_std']}, {numbers['runs']} runs, seed {numbers['seed']}. The Jacobian is stable if and only "
        "if the slow rate is less than half of the fast one; equal rates fail also when they decay. Between "
        f"{slopes['between'][0]:,} and {slopes['between'][1]:,} updates the mean square of theta falls with the power {slopes['measured'][0]:.2f} of the update "
        f"(exact recursion {slopes['expected'][0]:.2f}, theory {slopes['theory'][0]}), that of w - lambda(theta) with {slopes['measured'][1]:.2f} "
        f"(exact {slopes['expected'][1]:.2f}, theory {slopes['theory'][1]}): the theory's rates are those of the limit."
    )
    head = ["rates", *(f"RMS theta after {step:,}" for step in _SHOWN)]
    rows = []
    for name, values in numbers["settings"].items():
        cells = [
            f"{m:.3g} (exact {e:.3g})"
            for m, e in zip(values["rms_theta"], values["expected_rms_theta"])
        ]
        rows.append([name, *cells, *["not run"] * (len(_SHOWN) - len(cells))])
    return f"{text}\n\n{report.table(head, rows)}"


def _figure(curves, numbers):
    """RMS of both errors against updates, and the slopes of the decaying pair."""
    result, [(theta, fast)] = report.grid(1, 2, 6.5, 4.5)
    for colour, (name, (measured, expected)) in enumerate(curves.items()):
        steps = np.unique(np.geomspace(1, len(measured) - 1, 400).astype(int))
        theta.loglog(steps, np.sqrt(measured[steps, 0]), color=f"C{colour}", label=name)
        theta.loglog(steps, np.sqrt(expected[steps, 0]), "k:", linewidth=0.8)
    theta.set(
        xlabel="update",
        ylabel="RMS of theta",
        ylim=(1e-4, 1e4),
        title=f"linear game, {numbers['runs']} runs (dotted: exact)",
    )
    theta.legend()
    measured = curves[_DECAYING][0]
    steps = np.unique(np.geomspace(100, len(measured) - 1, 400).astype(int))
    for column, (label, power) in enumerate(
        zip(("theta (slow)", "w - lambda(theta) (fast)"), numbers["slopes"]["theory"])
    ):
        fast.loglog(
            steps,
            measured[steps, column],
            color=f"C{column}",
            label=f"{label}: slope {numbers['slopes']['measured'][column]:.2f}",
        )
        anchor = _FIT[1]
        fast.loglog(
            steps,
            measured[anchor, column] * (steps / anchor) ** power,
            "--",
            color=f"C{column}",
            label=f"n^{power}",
        )
    fast.set(xlabel="update", ylabel="mean square", title=_DECAYING)
    fast.legend()
    return result
