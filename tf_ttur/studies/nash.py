"""The figure and the words of a local Nash diagnosis."""

import dataclasses

import numpy as np

from tf_ttur.studies import report

_PLAYERS = ("generator", "discriminator")


def study(diagnosis, settings, path):
    """What was found of a trained GAN.

    Args:
      diagnosis: `theory.nash.Diagnosis`.
      settings: dict that says of what: run, batches, batch_size, tolerance.
      path: dict with from_update, to_update, alphas, cosines, norms; None where there is only one
        checkpoint.

    Returns:
      A `report.Report`.
    """
    values = dataclasses.asdict(diagnosis)
    values["jacobian"] = [[value.real, value.imag] for value in diagnosis.jacobian]
    verdict = f"{settings['run']}: {diagnosis.verdict}."
    numbers = {"settings": settings, **values, "multiplier": diagnosis.multiplier, "path": path}
    return report.Report(
        "nash", verdict, _text(diagnosis, settings, path), numbers, _figure(diagnosis, path)
    )


def _figure(diagnosis, path):
    """Extreme eigenvalues of both Hessians, of the Jacobian in the complex plane, and the path
    angle where there is one.
    """
    result, [axes] = report.grid(1, 3 if path else 2, 5.5, 4.2)
    hessians, jacobian = axes[:2]
    for number, (player, values) in enumerate(zip(_PLAYERS, diagnosis.hessians)):
        hessians.plot(np.full(len(values), number), values, "_", markersize=30, markeredgewidth=2)
    hessians.margins(y=0.1)
    jacobian.margins(0.1)
    hessians.axhline(0, color="black", linewidth=0.8)
    hessians.set(
        xticks=(0, 1),
        xticklabels=_PLAYERS,
        xlim=(-0.6, 1.6),
        title="own Hessians",
        ylabel="extreme eigenvalues",
    )
    hessians.set_yscale("symlog", linthresh=_threshold(np.concatenate(diagnosis.hessians)))
    jacobian.plot(diagnosis.jacobian.real, diagnosis.jacobian.imag, "o")
    jacobian.axvline(0, color="black", linewidth=0.8)
    jacobian.set(
        title=f"Jacobian, rates {diagnosis.rates[0]:g} : {diagnosis.rates[1]:g}, divided by the latter",
        xlabel="real part (stable: all above 0)",
        ylabel="imaginary part",
    )
    jacobian.set_xscale("symlog", linthresh=_threshold(diagnosis.jacobian.real))
    jacobian.grid(alpha=0.3)
    if path:
        angle = axes[2]
        angle.plot(path["alphas"], path["cosines"], "o-", label="cosine of the path angle")
        angle.axhline(0, color="black", linewidth=0.8)
        angle.axvline(1, color="black", linewidth=0.8, linestyle=":")
        angle.set(
            title=f"descent with these rates, from update {path['from_update']:,} (0) to {path['to_update']:,} (1)",
            xlabel="alpha",
            ylabel="cosine",
        )
        norm = angle.twinx()
        norm.plot(path["alphas"], path["norms"], "s--", color="C1", label="gradient norm")
        norm.set(ylabel="gradient norm", ylim=(0, None))
        angle.legend(handles=[*angle.lines[:1], *norm.lines], loc="best")
    return result


def _threshold(values):
    """Where a logarithmic axis turns linear: below the smallest of what is not nearly 0."""
    sizes = np.abs(values)[np.abs(values) > 1e-3 * np.abs(values).max(initial=0)]
    return float(sizes.min()) if len(sizes) else 1.0


def _text(diagnosis, settings, path):
    d = diagnosis
    noise = (
        ""
        if np.isnan(d.p_value)
        else (
            f" (scatter of the batches alone would give {d.noise_norms[0]:.3g} and {d.noise_norms[1]:.3g}; probability of such a "
            f"mean by chance {d.p_value:.3g})"
        )
    )
    ends = [
        f"{values.min():.4g} (± {error:.2g}) ... {values.max():.4g}"
        if len(values)
        else "not settled"
        for values, error in zip(d.hessians, d.errors)
    ]
    ratio = f"{d.rates[0]:g} : {d.rates[1]:g}"
    smallest = d.jacobian[np.argmin(d.jacobian.real)] if len(d.jacobian) else complex("nan")
    parts = [
        f"Losses on {settings['batches']} fixed batches of {settings['batch_size']}, networks in training mode.",
        f"Gradient norms: generator {d.gradient_norms[0]:.4g}, discriminator {d.gradient_norms[1]:.4g}{noise}; "
        + {
            True: "nothing speaks against a stationary point.",
            False: "not stationary.",
            None: "too few batches to tell.",
        }[d.stationary],
        f"Own Hessians: generator {ends[0]}, discriminator {ends[1]}; "
        f"{_say(d.strict, 'both positive definite', _say(d.nash, 'both positive semidefinite', 'not both positive semidefinite'))}.",
        f"Jacobian with the rates of generator and discriminator in the ratio {ratio}: smallest real part {smallest.real:.4g} ± {d.errors[2]:.2g} "
        f"(imaginary part {smallest.imag:.4g}), largest absolute value {np.abs(d.jacobian).max(initial=0):.4g}; "
        f"{_say(d.stable, 'stable', 'marginal' if d.marginal else 'not stable')} under gradient descent with small enough rates in this ratio. With "
        f"these rates themselves, plain gradient descent multiplies some deviation by {d.multiplier:.4g} in an update.",
    ]
    if path:
        cosines = np.array(path["cosines"])
        at_end = cosines[np.argmin(np.abs(np.array(path["alphas"]) - 1))]
        parts.append(
            f"Along the line from update {path['from_update']:,} the descent direction has cosines {cosines.min():.3g} ... "
            f"{cosines.max():.3g} with the line, {at_end:.3g} at its end. A change of sign at the end speaks for attraction, a bump for rotation."
        )
    parts.append(
        "The losses are those of training; Adam's scaling is left out. Networks with ReLU have these derivatives almost everywhere only, and what "
        "their kinks add to the curvature over a step of any length is not in them."
    )
    return " ".join(parts)


def _say(known, yes, no):
    return "undecided whether " + yes if known is None else yes if known else no
