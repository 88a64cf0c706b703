"""The report of a local Nash diagnosis: figure and text."""

import dataclasses
from typing import TYPE_CHECKING, Any, TypeVar

import matplotlib.figure
import numpy as np
from matplotlib.ticker import FixedLocator, NullLocator

from tf_ttur.players import Players
from tf_ttur.studies import report, style

if TYPE_CHECKING:
    from tf_ttur.theory.nash import Diagnosis, Path

T = TypeVar("T")


@dataclasses.dataclass(frozen=True)
class Settings:
    """The settings of a diagnosis.

    Attributes:
      run: its name, with the update.
      batches: over which the losses are averaged.
      batch_size: examples of each.
      tolerance: relative accuracy asked of each eigenvalue.
    """

    run: str
    batches: int
    batch_size: int
    tolerance: float


def study(diagnosis: "Diagnosis", settings: Settings, path: "Path | None") -> report.Report:
    """The report of a trained GAN.

    Args:
      diagnosis: `theory.nash.Diagnosis`.
      settings: of the diagnosis.
      path: `theory.nash.Path`; None where there is only one checkpoint.
    """
    return report.Report(
        "nash",
        f"{settings.run}: {diagnosis.verdict}.",
        _text(diagnosis, settings, path),
        _numbers(diagnosis, settings, path),
        _figure(diagnosis, path),
    )


def _generator_first(pair: Players[T]) -> list[T]:
    """A pair in the order that nash.json and its figure have always had."""
    return [pair.generator, pair.discriminator]


def _numbers(diagnosis: "Diagnosis", settings: Settings, path: "Path | None") -> dict[str, Any]:
    """The content of nash.json, which holds pairs as lists with the generator first."""
    errors = [*_generator_first(diagnosis.hessian_errors), diagnosis.jacobian_error]
    return {
        "settings": dataclasses.asdict(settings),
        "gradient_norms": _generator_first(diagnosis.gradient_norms),
        "noise_norms": _generator_first(diagnosis.noise_norms),
        "p_value": diagnosis.p_value,
        "hessians": _generator_first(diagnosis.hessians),
        "jacobian": [[value.real, value.imag] for value in diagnosis.jacobian],
        "errors": errors,
        "rates": _generator_first(diagnosis.rates),
        "stationary": diagnosis.stationary,
        "nash": diagnosis.nash,
        "strict": diagnosis.strict,
        "stable": diagnosis.stable,
        "marginal": diagnosis.marginal,
        "multiplier": diagnosis.multiplier,
        "path": path and dataclasses.asdict(path),
    }


@style.applied()
def _figure(diagnosis: "Diagnosis", path: "Path | None") -> matplotlib.figure.Figure:
    """Extreme eigenvalues of the Hessians and the Jacobian, and the path angle if there is one."""
    result, [axes] = report.grid(1, 3 if path else 2, 5.5, 4.2)
    _draw_hessians(axes[0], diagnosis)
    _draw_jacobian(axes[1], diagnosis)
    if path:
        _draw_path(axes[2], path)
    return result


def _draw_hessians(axes: Any, diagnosis: "Diagnosis") -> None:
    hessians = _generator_first(diagnosis.hessians)
    eigenvalues = np.concatenate(hessians)
    axes.set_yscale("symlog", linthresh=_threshold(eigenvalues))
    _set_ticks(axes.yaxis, eigenvalues)
    for number, values in enumerate(hessians):
        axes.plot(np.full(len(values), number), values, "_", markersize=30, markeredgewidth=2)
    axes.margins(y=0.1)
    axes.axhline(0, color="black", linewidth=0.8)
    axes.set(
        xticks=(0, 1),
        xticklabels=("generator", "discriminator"),
        xlim=(-0.6, 1.6),
        title="Hessian of each player's own loss",
        ylabel="extreme eigenvalues",
    )


def _draw_jacobian(axes: Any, diagnosis: "Diagnosis") -> None:
    axes.margins(0.1)
    axes.set_xscale("symlog", linthresh=_threshold(diagnosis.jacobian.real))
    _set_ticks(axes.xaxis, diagnosis.jacobian.real)
    axes.plot(diagnosis.jacobian.real, diagnosis.jacobian.imag, "o")
    axes.axvline(0, color="black", linewidth=0.8)
    axes.set(
        title=f"Jacobian, rates {_ratio(diagnosis)}, divided by the latter",
        xlabel="real part (stable: all above 0)",
        ylabel="imaginary part",
    )


def _draw_path(axes: Any, path: "Path") -> None:
    axes.plot(path.alphas, path.cosines, "o-", label="cosine of the path angle")
    axes.axhline(0, color="black", linewidth=0.8)
    axes.axvline(1, color="black", linewidth=0.8, linestyle=":")
    ends = f"from update {path.from_update:,} (0) to {path.to_update:,} (1)"
    axes.set(
        title=f"descent with these rates, {ends}",
        xlabel="alpha, place on the path",
        ylabel="cosine of the angle",
    )
    norm = axes.twinx()
    norm.plot(path.alphas, path.norms, "s--", color=style.COLOURS[1], label="gradient norm")
    norm.set(ylabel="gradient norm", ylim=(0, None))
    norm.grid(False)
    norm.spines["right"].set_visible(True)
    style.legend_below(axes, [*axes.lines[:1], *norm.lines])


def _threshold(values: np.ndarray) -> float:
    """Where a logarithmic axis turns linear: a power of 10 below all values but those near 0."""
    sizes = np.abs(values)[np.abs(values) > 1e-3 * np.abs(values).max(initial=0)]
    return 10.0 ** np.floor(np.log10(sizes.min())) if len(sizes) else 1.0


def _set_ticks(axis: Any, values: np.ndarray) -> None:
    """Ticks at 0, and on each side at the powers of 10 from the threshold to its last value.

    One between 0 and the threshold would stand too close to 0.
    """
    first = round(np.log10(_threshold(values)))
    ticks = [0.0]
    for sign in (-1, 1):
        last = (sign * values).max(initial=0)
        exponents = range(first, first + 5)
        ticks += [sign * 10.0**exponent for exponent in exponents if 10.0**exponent <= last]
    axis.set_major_locator(FixedLocator(sorted(ticks)))
    axis.set_minor_locator(NullLocator())


def _text(diagnosis: "Diagnosis", settings: Settings, path: "Path | None") -> str:
    parts = [
        f"Losses on {settings.batches} fixed batches of {settings.batch_size}, networks in "
        "training mode.",
        report.table(("of each player", "generator", "discriminator", "answer"), _rows(diagnosis)),
        report.table(("of both players", "value", "answer"), _rows_of_both(diagnosis, path)),
    ]
    last = ""
    if path:
        last = (
            "A change of the cosine's sign at the end speaks for attraction, a bump for rotation. "
        )
    parts.append(
        f"{last}Adam's scaling is left out, and so is what the kinks of ReLU add to the curvature "
        "over a step of any length."
    )
    return "\n\n".join(parts)


def _rows(diagnosis: "Diagnosis") -> list[list[str | float]]:
    """What is measured of each player, and whether it is stationary and a local Nash point."""
    chance = diagnosis.p_value
    stationary = {
        True: "nothing speaks against a stationary point",
        False: "not stationary",
        None: "too few batches to tell whether stationary",
    }[diagnosis.stationary]
    semidefinite = _say(
        diagnosis.nash, "both positive semidefinite", "not both positive semidefinite"
    )
    definite = _say(diagnosis.strict, "both positive definite", semidefinite)
    hessians = _generator_first(diagnosis.hessians)
    errors = _generator_first(diagnosis.hessian_errors)
    smallest = [
        f"{values.min():.4g} ± {error:.2g}" if len(values) else "not settled"
        for values, error in zip(hessians, errors, strict=True)
    ]
    largest = [f"{values.max():.4g}" if len(values) else "not settled" for values in hessians]
    rows: list[list[str | float]] = [
        ["norm of the gradient", *_generator_first(diagnosis.gradient_norms), stationary]
    ]
    if not np.isnan(chance):
        scatter = _generator_first(diagnosis.noise_norms)
        probability = f"so long a mean has the probability {chance:.3g}"
        rows.append(["its norm by the scatter of the batches alone", *scatter, probability])
    return [
        *rows,
        ["smallest eigenvalue of its own Hessian", *smallest, definite],
        ["largest eigenvalue of its own Hessian", *largest, ""],
    ]


def _rows_of_both(diagnosis: "Diagnosis", path: "Path | None") -> list[list[str | float]]:
    """What is measured of both players together, and whether the point is stable."""
    jacobian = diagnosis.jacobian
    smallest = jacobian[np.argmin(jacobian.real)] if len(jacobian) else complex("nan")
    stable = _say(diagnosis.stable, "stable", "marginal" if diagnosis.marginal else "not stable")
    rows: list[list[str | float]] = [
        ["rates, generator : discriminator", _ratio(diagnosis), ""],
        [
            "smallest real part of the Jacobian's eigenvalues",
            f"{smallest.real:.4g} ± {diagnosis.jacobian_error:.2g}",
            f"{stable} under gradient descent with small enough rates in this ratio",
        ],
        ["imaginary part of that eigenvalue", smallest.imag, ""],
        ["largest absolute value of the eigenvalues", np.abs(jacobian).max(initial=0), ""],
        [
            "factor of some deviation per update",
            diagnosis.multiplier,
            "of plain gradient descent with these rates themselves",
        ],
    ]
    if path:
        at_end = path.cosines[np.argmin(np.abs(path.alphas - 1))]
        rows.append(
            [
                f"cosine of descent with the line from update {path.from_update:,}",
                f"{path.cosines.min():.3g} ... {path.cosines.max():.3g}",
                f"{at_end:.3g} at its end",
            ]
        )
    return rows


def _ratio(diagnosis: "Diagnosis") -> str:
    """The rates of the generator and of the discriminator."""
    return f"{diagnosis.rates.generator:g} : {diagnosis.rates.discriminator:g}"


def _say(answer: bool | None, yes: str, no: str) -> str:
    if answer is None:
        return f"undecided whether {yes}"
    return yes if answer else no
