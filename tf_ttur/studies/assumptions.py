"""A1 to A5 of Theorem 1, checked on games with known answers, and the figure of the results."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import matplotlib.figure
import numpy as np

from tf_ttur.studies import report, style
from tf_ttur.theory import assumptions, saddle, two_time_scale
from tf_ttur.theory.assumptions import Answer, Finding
from tf_ttur.theory.two_time_scale import FIELD, constant, polynomial

_STARTS = (-2.0, -0.5, 1.0, 3.0)


class _Activation(NamedTuple):
    """An activation of hidden units, and its derivative."""

    value: Callable[[np.ndarray], np.ndarray]
    slope: Callable[[np.ndarray], np.ndarray]


_ELU = _Activation(
    value=lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0))),
    slope=lambda x: np.where(x > 0, 1.0, np.exp(np.minimum(x, 0))),
)
_RELU = _Activation(value=lambda x: np.maximum(x, 0), slope=lambda x: (x > 0) * 1.0)


def study(seed: int = 0) -> report.Report:
    """Checks the assumptions on all games."""
    answers = ask_games(seed)
    wrong = [
        f"{finding.assumption} of {of}"
        for of, expected, finding in answers
        if finding.holds != expected
    ]
    if wrong:
        verdict = (
            f"{len(wrong)} of {len(answers)} answers are not the known ones: {'; '.join(wrong)}."
        )
    else:
        verdict = (
            f"All {len(answers)} answers are the known ones: A1 to A5 hold where they should and "
            "fail where they should."
        )
    return _report(verdict, "", answers)


def study_run(name: str, answers: Sequence[Answer]) -> report.Report:
    """The report of a run.

    Args:
      name: of the run, with its update.
      answers: what was found.
    """
    failing = _assumptions_that(answers, False)
    holding = _assumptions_that(answers, True)
    not_judged = sorted({*_assumptions_that(answers, None), "A4"})
    clauses = []
    if failing:
        clauses.append(f"{' and '.join(failing)} {'does' if len(failing) == 1 else 'do'} not hold")
    if holding:
        clauses.append(f"nothing measured speaks against {' and '.join(holding)}")
    were = "was" if len(not_judged) == 1 else "were"
    clauses.append(f"{' and '.join(not_judged)} {were} not judged")
    text = (
        "A4 would need the best discriminator for every generator. Networks with ReLU or LeakyReLU "
        "violate A1 at their kinks, whatever is measured along a line. "
    )
    return _report(f"{name}: {'; '.join(clauses)}.", text, answers)


def _assumptions_that(answers: Sequence[Answer], holds: bool | None) -> list[str]:
    """The assumptions with at least one answer like this, in order."""
    return sorted({finding.assumption for _, _, finding in answers if finding.holds is holds})


def ask_games(seed: int) -> list[Answer]:
    """Checks every assumption on a game that satisfies it, and on one that does not."""
    generator = np.random.default_rng(seed)
    return [
        *_ask_lipschitz(generator, seed),
        *_ask_step_sizes(),
        *_ask_noise(generator),
        *_ask_attractors(),
        *_ask_boundedness(seed),
    ]


def _ask_lipschitz(generator: np.random.Generator, seed: int) -> list[Answer]:
    square = generator.uniform(-0.9, 0.9, (2000, 2))
    square = np.concatenate([square, [[0.9, 0.0], [-0.9, 0.0]]])
    smooth = assumptions.lipschitz(_saddle_field, square, seed=seed)
    return [
        Answer("toy saddle, |x|, |y| <= 1", True, smooth),
        Answer("network with ELU, across 0", True, _across_a_kink(_ELU, generator)),
        Answer("network with ReLU, across its kink", False, _across_a_kink(_RELU, generator)),
    ]


def _ask_step_sizes() -> list[Answer]:
    slow = polynomial(0.5, 20, 0.9)
    fast = polynomial(0.5, 20, 0.6)
    constant_rates = assumptions.step_sizes(constant(1e-4), constant(5e-4))
    return [
        Answer(
            "a = 0.5 (n + 20)^-0.9, b = 0.5 (n + 20)^-0.6", True, assumptions.step_sizes(slow, fast)
        ),
        Answer("equal decaying rates", False, assumptions.step_sizes(fast, fast)),
        Answer("constant rates", False, constant_rates),
    ]


def _ask_noise(generator: np.random.Generator) -> list[Answer]:
    return [
        Answer("least squares, one drawn example a step", True, _regression_noise(generator)),
        Answer(
            "the same, examples in turns, each twice", False, _regression_noise(generator, repeat=2)
        ),
    ]


def _ask_attractors() -> list[Answer]:
    linear = assumptions.attractors(_linear_slow, _linear_fast, _STARTS, _STARTS, lambda t: t)
    toy = assumptions.attractors(
        lambda x, y: -_saddle_field((x, y))[0],
        lambda x, y: -_saddle_field((x, y))[1],
        (-0.5, 0.3, 0.5),
        _STARTS,
        lambda x: 0.0,
    )
    exchanged = assumptions.attractors(
        lambda w, t: _linear_fast(t, w),
        lambda w, t: _linear_slow(t, w),
        _STARTS,
        _STARTS,
        lambda w: 1.5 * w,
    )
    return [
        Answer("linear game, lambda(theta) = theta", True, linear),
        Answer("toy saddle, y fast, lambda(x) = 0", True, toy),
        Answer("linear game, players exchanged", False, exchanged),
    ]


def _ask_boundedness(seed: int) -> list[Answer]:
    decaying = two_time_scale.SETTINGS["decaying, two time scales"]._replace(steps=10_000)
    equal = two_time_scale.SETTINGS["constant, equal"]
    toy = saddle.simulate(saddle.SETTINGS["TTUR, x slow"], 10, seed=seed)
    games = [
        ("linear game, two time scales", True, _linear_errors(decaying, seed)),
        ("toy saddle, TTUR", True, toy),
        ("linear game, equal rates", False, _linear_errors(equal, seed)),
        ("GAN of two weights, weight decay 0.2", True, _smallest_gan(weight_decay=0.2)),
        ("GAN of two weights, no weight decay", False, _smallest_gan(weight_decay=0.0)),
    ]
    return [Answer(of, expected, assumptions.boundedness(path)) for of, expected, path in games]


def _saddle_field(point: Any) -> np.ndarray:
    """Both players' gradients in the toy saddle, of the losses f and -f."""
    return np.array(saddle.gradient(*point)) * (1, -1)


def _linear_slow(theta: Any, w: Any) -> Any:
    return FIELD[0] @ (theta, w)


def _linear_fast(theta: Any, w: Any) -> Any:
    return FIELD[1] @ (theta, w)


def _linear_errors(setting: two_time_scale.Setting, seed: int) -> np.ndarray:
    """(steps + 1, 2): the errors of both players of the linear game, in one run."""
    return np.sqrt(two_time_scale.simulate(*setting, runs=1, seed=seed))


def _smallest_gan(weight_decay: float, rate: float = 0.1, steps: int = 5000) -> np.ndarray:
    """(steps + 1, 2): steps of a Wasserstein GAN of two weights (Mescheder et al. 2018).

    The real data is at 0, the generator is theta and the discriminator x -> psi x.
    """
    theta = 1.0
    psi = 1.0
    path = [(theta, psi)]
    for _ in range(steps):
        theta_step = -psi + weight_decay * theta
        psi_step = theta + weight_decay * psi
        theta = theta - rate * theta_step
        psi = psi - rate * psi_step
        path.append((theta, psi))
    return np.array(path)


def _across_a_kink(activation: _Activation, generator: np.random.Generator) -> Finding:
    """A1 of a small network, at weights where a hidden unit of one example is just at 0."""
    inputs = 3
    hidden = 8
    x = generator.standard_normal((20, inputs))
    y = generator.standard_normal(20)

    def field(parameters: np.ndarray) -> np.ndarray:
        """The gradient of the squared error."""
        weights, bias, out = np.split(parameters, (inputs * hidden, inputs * hidden + hidden))
        before = x @ weights.reshape(inputs, hidden) + bias
        after = activation.value(before)
        error = (after @ out - y) / len(x)
        back = np.outer(error, out) * activation.slope(before)
        return np.concatenate([(x.T @ back).ravel(), back.sum(0), after.T @ error])

    parameters = generator.standard_normal(inputs * hidden + 2 * hidden)
    first_bias = inputs * hidden
    parameters[first_bias] = -x[0] @ parameters[:first_bias].reshape(inputs, hidden)[:, 0]
    direction = np.zeros_like(parameters)
    direction[first_bias] = 1.0
    return assumptions.lipschitz(field, [parameters], [direction])


def _regression_noise(
    generator: np.random.Generator, repeat: int = 1, examples: int = 200, count: int = 20_000
) -> Finding:
    """A3 of the gradients of least squares on single examples, each used `repeat` times."""
    x = generator.standard_normal((examples, 5))
    weights = generator.standard_normal(5)
    targets = x @ generator.standard_normal(5) + generator.standard_normal(examples)
    gradients = (x @ weights - targets)[:, None] * x
    order = generator.integers(examples, size=count)
    draws = gradients[np.repeat(order, repeat)[:count]]
    return assumptions.noise(draws, gradients.mean(0), (1, 2, 4, 8, 16, 32, 64))


def _report(verdict: str, text: str, answers: Sequence[Answer]) -> report.Report:
    rows = [_row(answer) for answer in answers]
    text += (
        'No number of evaluations proves A1, A3, A4 or A5: "holds" means that nothing measured '
        "speaks against it. A2 is decided.\n\n"
    )
    text += report.table(["assumption", "of", "known answer", "found", "measured"], rows)
    numbers = {"asked": [_numbers(answer) for answer in answers]}
    return report.Report("assumptions", verdict, text, numbers, _figure(answers))


def _row(answer: Answer) -> list[str]:
    expected = {True: "holds", False: "fails", None: ""}[answer.expected]
    finding = answer.finding
    holds = {True: "holds", False: "fails", None: "not judged"}[finding.holds]
    return [finding.assumption, answer.of, expected, holds, finding.words]


def _numbers(answer: Answer) -> dict[str, Any]:
    finding = answer.finding
    return {
        "assumption": finding.assumption,
        "of": answer.of,
        "expected": answer.expected,
        "holds": finding.holds,
        "words": finding.words,
        **finding.numbers,
    }


@style.applied()
def _figure(answers: Sequence[Answer]) -> matplotlib.figure.Figure:
    """The ratios of A1 at falling distances, and the deviation of means of A3."""
    of_noise = [answer for answer in answers if "rms_of_mean" in answer.finding.numbers]
    result, [axes] = report.grid(1, 2 if of_noise else 1, 6, 4)
    ratios = axes[0]
    for of, _, finding in answers:
        if finding.assumption == "A1":
            ratios.loglog(finding.numbers["distances"], finding.numbers["ratios"], "o-", label=of)
    ratios.invert_xaxis()
    ratios.set(
        title="A1: are the gradients Lipschitz?",
        xlabel="distance of two points",
        ylabel="difference of gradients over distance",
    )
    style.legend_below(ratios)
    if of_noise:
        _draw_means(axes[1], of_noise)
    return result


def _draw_means(axes: Any, answers: Sequence[Answer]) -> None:
    for of, _, finding in answers:
        sizes = np.array(finding.numbers["sizes"])
        lengths = finding.numbers["rms_of_mean"]
        [line] = axes.loglog(sizes, lengths, "o-", label=of)
        expected = lengths[0] / np.sqrt(sizes)
        axes.loglog(sizes, expected, "--", color=line.get_color(), label="1 / sqrt(K)")
    axes.set(
        title="A3: does the noise average out?",
        xlabel="K, draws in one mean",
        ylabel="deviation of the mean (rms)",
    )
    style.legend_below(axes)
