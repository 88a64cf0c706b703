"""The figure of Theorem 2: Adam as a heavy ball with friction."""

import numpy as np

from tf_ttur.studies import report
from tf_ttur.theory import heavy_ball as theory

_H = (
    0.1,
    0.05,
    0.025,
    0.0125,
    0.00625,
)  # step sizes against the differential equation, r = 1, times 0 ... 10
_LYAPUNOV_FRICTIONS = (0.1, 0.5, 2.0)
_WELL_FRICTIONS = (0.1, 0.2, 0.4, 0.8, 2.0)
_WELL_START = 5.0
_SECOND = {"h": 0.01, "r": 1.0, "noise_std": 2.0, "start": 0.5, "steps": 1000, "runs": 4000}


def study(seed=0):
    """All parts of the theorem. Returns a `report.Report`."""
    curves, numbers = _measure(seed)
    return report.Report(
        "heavy-ball", _verdict(numbers), _text(numbers), numbers, _figure(curves, numbers)
    )


def _measure(seed):
    """(curves for the figure, numbers for JSON)."""
    numbers = {
        "seed": seed,
        "first_moment": _first_moment(seed),
        "time_scaling": _time_scaling(),
        "second_moment": _second_moment(seed),
    }
    paths, numbers["discretisation"] = _discretisation()
    energies, numbers["lyapunov"] = _lyapunov()
    wells, numbers["minima"] = _minima()
    return {"paths": paths, "energies": energies, "wells": wells}, numbers


def _first_moment(seed):
    """Largest difference between the ball's moment and Adam's, f = theta^2 / 2 with noise."""
    steps = 0.1 * np.arange(1, 2001) ** -0.5
    result = {}
    for name, memory in (
        ("exponential memory", theory.exponential_memory(1.0)),
        ("polynomial memory", theory.polynomial_memory(1.0)),
    ):
        generator = np.random.default_rng(seed)
        r = memory(steps)
        _, moments, gradients = theory.discrete(
            lambda x, n: x + 0.1 * generator.standard_normal(), 1.0, steps, r
        )
        result[name] = float(
            np.abs(moments - theory.adam_first_moment(gradients, 1 - steps * r)).max()
        )
    return result


def _discretisation():
    paths, errors = {}, []
    for h in _H:
        count = round(10 / h)
        discrete, _, _ = theory.discrete(
            lambda x, n: theory.bowl_gradient(x), [1.0, 1.0], np.full(count, h), np.ones(count)
        )
        times = h * np.arange(count + 1)
        continuous, _, _ = theory.continuous(theory.bowl_gradient, [1.0, 1.0], 1.0, 1.0, times)
        paths[h] = times, discrete, continuous
        errors.append(float(np.abs(discrete - continuous).max()))
    return paths, {
        "h": _H,
        "sup_errors": errors,
        "quotients": [a / b for a, b in zip(errors, errors[1:])],
    }


def _time_scaling(r=0.5):
    """theta'' + r theta' + r grad f = 0 in the time s = sqrt(r) t is theta'' + sqrt(r) theta' +
    grad f = 0.
    """
    times = np.linspace(0, 10, 101)
    first, _, _ = theory.continuous(theory.bowl_gradient, [1.0, 1.0], r, r, times)
    second, _, _ = theory.continuous(
        theory.bowl_gradient, [1.0, 1.0], np.sqrt(r), 1.0, np.sqrt(r) * times
    )
    return float(np.abs(first - second).max())


def _lyapunov():
    """E = |v|^2 / 2 + f in the theorem's form; for theta'' + r theta' + r grad f = 0 it is |v|^2 /
    2 + r f.
    """
    energies, numbers = {}, {}
    times = np.linspace(0, 20, 2001)
    for name, friction, force in [(f"{a:g}", a, 1.0) for a in _LYAPUNOV_FRICTIONS] + [
        ("r = 0.5", 0.5, 0.5)
    ]:
        positions, velocities, losses = theory.continuous(
            theory.bowl_gradient, [1.0, 1.0], friction, force, times
        )
        energy = np.sum(velocities**2, axis=1) / 2 + force * theory.bowl(positions)
        energies[name] = times, energy
        numbers[name] = {
            "largest_increase": float(np.diff(energy).max()),
            "residual": float(np.abs(energy - energy[0] + losses).max()),
        }
    return energies, numbers


def _minima():
    times = np.linspace(0, 400, 4001)  # long enough for all to come to rest
    wells, ends = {}, {}
    for friction in _WELL_FRICTIONS:
        positions, _, _ = theory.continuous(
            theory.landscape_gradient, _WELL_START, friction, 1.0, times
        )
        wells[friction] = times, positions[:, 0]
        ends[str(friction)] = float(positions[-1, 0])
    flow = float(theory.gradient_flow(theory.landscape_gradient, _WELL_START, 1000)[0])
    return wells, {"gradient_flow": flow, "heavy_ball": ends}


def _second_moment(seed):
    """Where noise dominates, Adam's division by the root of its second moment is one by the noise's
    std.

    The runs come in pairs with opposite noise, so that what is linear in it cancels in the mean
    path.
    """
    s = _SECOND
    noise = s["noise_std"] * np.random.default_rng(seed).standard_normal(
        (s["steps"], s["runs"] // 2)
    )
    noise = np.concatenate([noise, -noise], axis=1)
    beta_1, beta_2 = 1 - s["h"] * s["r"], 1 - 0.1 * s["h"] * s["r"]
    start = np.full(s["runs"], s["start"])
    adam = theory.adam_path(
        lambda x, n: x + noise[n], start, s["h"], beta_1, beta_2, s["steps"], s["noise_std"] ** 2
    ).mean(axis=1)
    # The ball whose position steps are divided by the std follows m / std, so it is the ball of f /
    # std.
    moment_scale = 1 / s["noise_std"]
    ball, _, _ = theory.discrete(
        lambda x, n: moment_scale * x,
        s["start"],
        np.full(s["steps"], s["h"]),
        np.full(s["steps"], s["r"]),
    )
    return {**s, "sup_difference": float(np.abs(adam - ball).max())}


def _verdict(numbers):
    flat = [
        float(friction)
        for friction, end in numbers["minima"]["heavy_ball"].items()
        if abs(end) < 0.01
    ]
    rise = max(v["largest_increase"] for v in numbers["lyapunov"].values())
    return (
        f"Adam's first moment is the heavy ball's to {max(numbers['first_moment'].values()):.1g}; halving the step divides the error of its path by "
        f"{numbers['discretisation']['quotients'][-1]:.2f}; the energy {'never rises' if rise <= 1e-9 else f'rises by {rise:.1g}'}; balls with friction up to "
        f"{max(flat, default=0):g} end in the flat minimum, gradient flow at {numbers['minima']['gradient_flow']:.2f}."
    )


def _text(numbers):
    d, second = numbers["discretisation"], numbers["second_moment"]
    ends = ", ".join(
        f"{float(end):.3f} with friction {friction}"
        for friction, end in numbers["minima"]["heavy_ball"].items()
    )
    residual = max(v["residual"] for v in numbers["lyapunov"].values())
    increase = max(v["largest_increase"] for v in numbers["lyapunov"].values())
    text = (
        f"Over 2,000 noisy steps: {', '.join(f'{name} {value:.1e}' for name, value in numbers['first_moment'].items())}. "
        f"In the time sqrt(r) t the two forms of the differential equation agree to {numbers['time_scaling']:.1e}. "
        f"E = |v|^2 / 2 + f: largest change from one point to the next {increase:.1e}, residual of dE/dt = -a |v|^2 at most {residual:.1e}. "
        f"From {_WELL_START:g} at rest the ball ends at {ends}. Where noise of std {second['noise_std']:g} dominates, the mean of {second['runs']:,} Adam runs "
        f"(from {second['start']:g}) is the ball with position steps divided by that std, within {second['sup_difference']:.1e}."
    )
    rows = [
        [f"{h:g}", error, f"{d['quotients'][i - 1]:.2f}" if i else ""]
        for i, (h, error) in enumerate(zip(d["h"], d["sup_errors"]))
    ]
    return f"{text}\n\n{report.table(['step h', 'sup error on 0 ... 10', 'last error / this one'], rows)}"


def _figure(curves, numbers):
    """Discrete path against the equation, its error, the energy, and the two minima."""
    result, [(path, error), (energy, well)] = report.grid(2, 2, 6, 4)
    for number, h in enumerate((_H[0], _H[2])):
        times, discrete, continuous = curves["paths"][h]
        path.plot(
            times,
            discrete[:, 1],
            "." if number else "o",
            markersize=4,
            label=f"Adam's moment, h = {h:g}",
        )
    path.plot(times, continuous[:, 1], "k", linewidth=0.8, label="differential equation")
    path.set(title="the steep coordinate of a bowl, r = 1", xlabel="time")
    path.legend()
    d = numbers["discretisation"]
    error.loglog(d["h"], d["sup_errors"], "o-", label="sup error")
    error.loglog(
        d["h"], [d["sup_errors"][-1] * h / d["h"][-1] for h in d["h"]], "k--", label="first order"
    )
    error.set(title="discrete against continuous", xlabel="step h")
    error.legend()
    for friction, (times, values) in curves["energies"].items():
        energy.semilogy(times, values, label=f"friction {friction}")
    energy.set(title="Lyapunov function |v|² / 2 + f", xlabel="time")
    energy.legend()
    for friction, (times, positions) in curves["wells"].items():
        shown = times <= 60
        well.plot(times[shown], positions[shown], linewidth=1, label=f"friction {friction:g}")
    well.axhline(
        numbers["minima"]["gradient_flow"],
        color="k",
        linestyle=":",
        label="sharp minimum, where gradient flow stops",
    )
    well.set(
        title="a ball on a landscape with a flat minimum at 0",
        xlabel="time",
        ylabel="x",
        ylim=(-7, 10),
    )
    well.legend(fontsize="x-small", ncols=2, loc="lower right")
    inset = well.inset_axes((0.5, 0.72, 0.48, 0.25))
    x = np.linspace(-2, 5.2, 500)
    inset.plot(x, theory.landscape(x), "k", linewidth=0.8)
    inset.set(xticks=(0, 3), yticks=(), ylabel="f(x)")
    return result
