"""The figure of Theorem 2: Adam as a heavy ball with friction."""

import itertools
from typing import Any

import matplotlib.figure
import numpy as np

from tf_ttur.studies import report, style
from tf_ttur.theory import heavy_ball as theory

# Step sizes against the differential equation, with r = 1 and times 0 ... 10.
_H = (0.1, 0.05, 0.025, 0.0125, 0.00625)
_LYAPUNOV_FRICTIONS = (0.1, 0.5, 2.0)
_WELL_FRICTIONS = (0.1, 0.2, 0.4, 0.8, 2.0)
_WELL_START = 5.0
_SECOND = {"h": 0.01, "r": 1.0, "noise_std": 2.0, "start": 0.5, "steps": 1000, "runs": 4000}

Lines = tuple[np.ndarray, ...]  # the first array holds the times of the others
Curves = dict[str, dict[Any, Lines]]
Numbers = dict[str, Any]


def study(seed: int = 0) -> report.Report:
    """Checks all parts of the theorem."""
    curves, numbers = _measure(seed)
    return report.Report(
        "heavy-ball", _verdict(numbers), _text(numbers), numbers, _figure(curves, numbers)
    )


def _measure(seed: int) -> tuple[Curves, Numbers]:
    """(curves for the figure, numbers for JSON)."""
    numbers: Numbers = {
        "seed": seed,
        "first_moment": _first_moment(seed),
        "time_scaling": _time_scaling(),
        "second_moment": _second_moment(seed),
    }
    paths, numbers["discretisation"] = _discretisation()
    energies, numbers["lyapunov"] = _lyapunov()
    wells, numbers["minima"] = _minima()
    return {"paths": paths, "energies": energies, "wells": wells}, numbers


def _first_moment(seed: int) -> dict[str, float]:
    """Largest difference between the ball's moment and Adam's, f = theta^2 / 2 with noise."""
    steps = 0.1 * np.arange(1, 2001) ** -0.5
    memories = {
        "exponential memory": theory.exponential_memory(1.0),
        "polynomial memory": theory.polynomial_memory(1.0),
    }
    return {name: _moment_difference(seed, steps, memory) for name, memory in memories.items()}


def _moment_difference(seed: int, steps: np.ndarray, memory: theory.Memory) -> float:
    generator = np.random.default_rng(seed)
    r = memory(steps)
    _, moments, gradients = theory.discrete(
        lambda x, n: x + 0.1 * generator.standard_normal(), 1.0, steps, r
    )
    return float(np.abs(moments - theory.adam_first_moment(gradients, 1 - steps * r)).max())


def _discretisation() -> tuple[dict[float, Lines], Numbers]:
    """The error of the discrete path against the differential equation, for each step size."""
    paths: dict[float, Lines] = {}
    errors = []
    for h in _H:
        count = round(10 / h)
        discrete, _, _ = theory.discrete(
            lambda x, n: theory.bowl_gradient(x), [1.0, 1.0], np.full(count, h), np.ones(count)
        )
        times = h * np.arange(count + 1)
        continuous, _, _ = theory.continuous(theory.bowl_gradient, [1.0, 1.0], 1.0, 1.0, times)
        paths[h] = (times, discrete, continuous)
        errors.append(float(np.abs(discrete - continuous).max()))
    quotients = [last / this for last, this in itertools.pairwise(errors)]
    return paths, {"h": _H, "sup_errors": errors, "quotients": quotients}


def _time_scaling(r: float = 0.5) -> float:
    """The largest difference between the two forms of the differential equation.

    theta'' + r theta' + r grad f = 0 in the time s = sqrt(r) t is theta'' + sqrt(r) theta' +
    grad f = 0.
    """
    times = np.linspace(0, 10, 101)
    first, _, _ = theory.continuous(theory.bowl_gradient, [1.0, 1.0], r, r, times)
    second, _, _ = theory.continuous(
        theory.bowl_gradient, [1.0, 1.0], np.sqrt(r), 1.0, np.sqrt(r) * times
    )
    return float(np.abs(first - second).max())


def _lyapunov() -> tuple[dict[str, Lines], Numbers]:
    """The energy along the path, for each friction.

    E = |v|^2 / 2 + f in the theorem's form; for theta'' + r theta' + r grad f = 0 it is
    |v|^2 / 2 + r f.
    """
    energies: dict[str, Lines] = {}
    numbers = {}
    times = np.linspace(0, 20, 2001)
    balls = [(f"{a:g}", a, 1.0) for a in _LYAPUNOV_FRICTIONS]
    for name, friction, force in [*balls, ("r = 0.5", 0.5, 0.5)]:
        positions, velocities, losses = theory.continuous(
            theory.bowl_gradient, [1.0, 1.0], friction, force, times
        )
        energy = np.sum(velocities**2, axis=1) / 2 + force * theory.bowl(positions)
        energies[name] = (times, energy)
        numbers[name] = {
            "largest_increase": float(np.diff(energy).max()),
            "residual": float(np.abs(energy - energy[0] + losses).max()),
        }
    return energies, numbers


def _minima() -> tuple[dict[float, Lines], Numbers]:
    """Where balls of each friction, and gradient flow, come to rest in the landscape."""
    times = np.linspace(0, 400, 4001)  # long enough for all to come to rest
    wells: dict[float, Lines] = {}
    ends = {}
    for friction in _WELL_FRICTIONS:
        positions, _, _ = theory.continuous(
            theory.landscape_gradient, _WELL_START, friction, 1.0, times
        )
        wells[friction] = (times, positions[:, 0])
        ends[str(friction)] = float(positions[-1, 0])
    flow = float(theory.gradient_flow(theory.landscape_gradient, _WELL_START, 1000)[0])
    return wells, {"gradient_flow": flow, "heavy_ball": ends}


def _second_moment(seed: int) -> Numbers:
    """How far Adam is from the ball whose steps are divided by the standard deviation of the noise.

    Where noise dominates, the root of Adam's second moment is the noise's standard deviation. The
    runs come in pairs with opposite noise, so that effects linear in the noise cancel in the mean
    path.
    """
    h = _SECOND["h"]
    r = _SECOND["r"]
    noise_std = _SECOND["noise_std"]
    start = _SECOND["start"]
    steps = int(_SECOND["steps"])
    runs = int(_SECOND["runs"])
    noise = noise_std * np.random.default_rng(seed).standard_normal((steps, runs // 2))
    noise = np.concatenate([noise, -noise], axis=1)
    adam = theory.adam_path(
        lambda x, n: x + noise[n],
        np.full(runs, start),
        step=h,
        beta_1=1 - h * r,
        beta_2=1 - 0.1 * h * r,
        steps=steps,
        second_moment=noise_std**2,
    ).mean(axis=1)
    # The ball whose position steps are divided by the std follows m / std, so it is the ball of
    # f / std.
    scale = 1 / noise_std
    ball, _, _ = theory.discrete(
        lambda x, n: scale * x, start, np.full(steps, h), np.full(steps, r)
    )
    return {**_SECOND, "sup_difference": float(np.abs(adam - ball).max())}


def _verdict(numbers: Numbers) -> str:
    minima = numbers["minima"]
    flat = [float(friction) for friction, end in minima["heavy_ball"].items() if abs(end) < 0.01]
    rise = max(values["largest_increase"] for values in numbers["lyapunov"].values())
    energy = "never rises" if rise <= 1e-9 else f"rises by {rise:.1g}"
    return (
        f"Adam's first moment is the heavy ball's to {max(numbers['first_moment'].values()):.1g}; "
        "halving the step divides the error of its path by "
        f"{numbers['discretisation']['quotients'][-1]:.2f}; the energy {energy}; balls with "
        f"friction up to {max(flat, default=0):g} end in the flat minimum, gradient flow at "
        f"{minima['gradient_flow']:.2f}."
    )


def _text(numbers: Numbers) -> str:
    moments = ", ".join(f"{name} {value:.1e}" for name, value in numbers["first_moment"].items())
    balls = numbers["minima"]["heavy_ball"].items()
    ends = ", ".join(f"{float(end):.3f} with friction {friction}" for friction, end in balls)
    residual = max(values["residual"] for values in numbers["lyapunov"].values())
    increase = max(values["largest_increase"] for values in numbers["lyapunov"].values())
    second = numbers["second_moment"]
    text = (
        f"Over 2,000 noisy steps: {moments}. In the time sqrt(r) t the two forms of the "
        f"differential equation agree to {numbers['time_scaling']:.1e}. E = |v|^2 / 2 + f: largest "
        f"change from one point to the next {increase:.1e}, residual of dE/dt = -a |v|^2 at most "
        f"{residual:.1e}. From {_WELL_START:g} at rest the ball ends at {ends}. Where noise of std "
        f"{second['noise_std']:g} dominates, the mean of {second['runs']:,} Adam runs (from "
        f"{second['start']:g}) is the ball with position steps divided by that std, within "
        f"{second['sup_difference']:.1e}."
    )
    paths = numbers["discretisation"]
    quotients = ["", *(f"{quotient:.2f}" for quotient in paths["quotients"])]
    rows = [
        [f"{h:g}", error, quotient]
        for h, error, quotient in zip(paths["h"], paths["sup_errors"], quotients, strict=True)
    ]
    head = ["step h", "sup error on 0 ... 10", "last error / this one"]
    return f"{text}\n\n{report.table(head, rows)}"


@style.applied()
def _figure(curves: Curves, numbers: Numbers) -> matplotlib.figure.Figure:
    """Discrete path against the equation, its error, the energy, and the two minima."""
    result, [(path, error), (energy, well)] = report.grid(2, 2, 6, 4)
    _draw_paths(path, curves["paths"])
    h = numbers["discretisation"]["h"]
    errors = numbers["discretisation"]["sup_errors"]
    error.loglog(h, errors, "o-", label="measured")
    first_order = [errors[-1] * step / h[-1] for step in h]
    error.loglog(h, first_order, "k--", label="first order")
    error.set(
        title="discrete against continuous",
        xlabel="step size h",
        ylabel="largest distance of the paths",
    )
    style.legend_below(error)
    for friction, (times, values) in curves["energies"].items():
        energy.semilogy(times, values, label=f"friction {friction}")
    energy.set(title="Lyapunov function", xlabel="time", ylabel="|v|² / 2 + f")
    style.legend_below(energy)
    _draw_wells(well, curves["wells"], numbers["minima"]["gradient_flow"])
    return result


def _draw_paths(axes: Any, paths: dict[float, Lines]) -> None:
    for h, marker in ((_H[0], "o"), (_H[2], ".")):
        times, discrete, continuous = paths[h]
        label = f"Adam's moment, h = {h:g}"
        axes.plot(times, discrete[:, 1], marker, markersize=4, label=label)
    axes.plot(times, continuous[:, 1], "k", linewidth=0.8, label="differential equation")
    axes.set(title="a bowl, r = 1", xlabel="time", ylabel="its steep coordinate")
    style.legend_below(axes)


def _draw_wells(axes: Any, wells: dict[float, Lines], flow: float) -> None:
    for friction, (times, positions) in wells.items():
        shown = times <= 60
        axes.plot(times[shown], positions[shown], linewidth=1, label=f"friction {friction:g}")
    label = "sharp minimum, where gradient flow stops"
    axes.axhline(flow, color="k", linestyle=":", label=label)
    axes.set(
        title="a ball on a landscape with a flat minimum at 0",
        xlabel="time",
        ylabel="x",
        ylim=(-4, 10),
    )
    style.legend_below(axes, columns=3)
    inset = axes.inset_axes((0.5, 0.72, 0.48, 0.25))
    x = np.linspace(-2, 5.2, 500)
    inset.plot(x, theory.landscape(x), "k", linewidth=0.8)
    inset.set(xticks=(0, 3), yticks=(), ylabel="f(x)")
