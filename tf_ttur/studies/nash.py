"""The report of a local Nash diagnosis: figure and text."""

import dataclasses
from typing import TYPE_CHECKING, Any, TypeVar

import matplotlib.figure
import numpy as np

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
    axes.set_yscale("symlog", linthresh=_threshold(np.concatenate(hessians)))


def _draw_jacobian(axes: Any, diagnosis: "Diagnosis") -> None:
    axes.margins(0.1)
    axes.plot(diagnosis.jacobian.real, diagnosis.jacobian.imag, "o")
    axes.axvline(0, color="black", linewidth=0.8)
    axes.set(
        title=f"Jacobian, rates {_ratio(diagnosis)}, divided by the latter",
        xlabel="real part (stable: all above 0)",
        ylabel="imaginary part",
    )
    axes.set_xscale("symlog", linthresh=_threshold(diagnosis.jacobian.real))


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
    """Where a logarithmic axis turns linear: below the smallest value that is not nearly 0."""
    sizes = np.abs(values)[np.abs(values) > 1e-3 * np.abs(values).max(initial=0)]
    return float(sizes.min()) if len(sizes) else 1.0


def _text(diagnosis: "Diagnosis", settings: Settings, path: "Path | None") -> str:
    sentences = [
        f"Losses on {settings.batches} fixed batches of {settings.batch_size}, networks in "
        "training mode.",
        _gradient_words(diagnosis),
        _hessian_words(diagnosis),
        _jacobian_words(diagnosis),
    ]
    if path:
        sentences.append(_path_words(path))
    sentences.append(
        "The losses are those of training; Adam's scaling is left out. Networks with ReLU have "
        "these derivatives almost everywhere only, and what their kinks add to the curvature over "
        "a step of any length is not in them."
    )
    return " ".join(sentences)


def _gradient_words(diagnosis: "Diagnosis") -> str:
    norms = diagnosis.gradient_norms
    scatter = ""
    if not np.isnan(diagnosis.p_value):
        noise = diagnosis.noise_norms
        scatter = (
            f" (scatter of the batches alone would give {noise.generator:.3g} and "
            f"{noise.discriminator:.3g}; probability of such a mean by chance "
            f"{diagnosis.p_value:.3g})"
        )
    conclusion = {
        True: "nothing speaks against a stationary point.",
        False: "not stationary.",
        None: "too few batches to tell.",
    }[diagnosis.stationary]
    return (
        f"Gradient norms: generator {norms.generator:.4g}, "
        f"discriminator {norms.discriminator:.4g}{scatter}; {conclusion}"
    )


def _hessian_words(diagnosis: "Diagnosis") -> str:
    ends = Players(*map(_range_words, diagnosis.hessians, diagnosis.hessian_errors))
    semidefinite = _say(
        diagnosis.nash, "both positive semidefinite", "not both positive semidefinite"
    )
    definite = _say(diagnosis.strict, "both positive definite", semidefinite)
    return (
        f"Own Hessians: generator {ends.generator}, discriminator {ends.discriminator}; {definite}."
    )


def _range_words(values: np.ndarray, error: float) -> str:
    if not len(values):
        return "not settled"
    return f"{values.min():.4g} (± {error:.2g}) ... {values.max():.4g}"


def _jacobian_words(diagnosis: "Diagnosis") -> str:
    jacobian = diagnosis.jacobian
    smallest = jacobian[np.argmin(jacobian.real)] if len(jacobian) else complex("nan")
    stable = _say(diagnosis.stable, "stable", "marginal" if diagnosis.marginal else "not stable")
    return (
        "Jacobian with the rates of generator and discriminator in the ratio "
        f"{_ratio(diagnosis)}: smallest real part {smallest.real:.4g} ± "
        f"{diagnosis.jacobian_error:.2g} (imaginary part {smallest.imag:.4g}), largest absolute "
        f"value {np.abs(jacobian).max(initial=0):.4g}; {stable} under gradient descent with small "
        "enough rates in this ratio. With these rates themselves, plain gradient descent "
        f"multiplies some deviation by {diagnosis.multiplier:.4g} in an update."
    )


def _path_words(path: "Path") -> str:
    at_end = path.cosines[np.argmin(np.abs(path.alphas - 1))]
    return (
        f"Along the line from update {path.from_update:,} the descent direction has cosines "
        f"{path.cosines.min():.3g} ... {path.cosines.max():.3g} with the line, {at_end:.3g} at its "
        "end. A change of sign at the end speaks for attraction, a bump for rotation."
    )


def _ratio(diagnosis: "Diagnosis") -> str:
    """The rates of the generator and of the discriminator."""
    return f"{diagnosis.rates.generator:g} : {diagnosis.rates.discriminator:g}"


def _say(answer: bool | None, yes: str, no: str) -> str:
    if answer is None:
        return f"undecided whether {yes}"
    return yes if answer else no
