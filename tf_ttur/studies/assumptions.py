"""A1 to A5 of Theorem 1, asked of games whose answer is known, and the figure of what was found."""

import numpy as np

from tf_ttur.studies import report
from tf_ttur.theory import assumptions, saddle, two_time_scale


def study(seed=0):
    """Asks the games. Returns a `report.Report`."""
    asked = ask_games(seed)
    wrong = [
        f"{finding.assumption} of {what}"
        for what, expected, finding in asked
        if finding.holds != expected
    ]
    if wrong:
        verdict = (
            f"{len(wrong)} of {len(asked)} answers are not the known ones: {'; '.join(wrong)}."
        )
    else:
        verdict = f"All {len(asked)} answers are the known ones: A1 to A5 hold where they should and fail where they should."
    return _report(verdict, "", asked)


def study_run(name, asked):
    """What was found of a run.

    Args:
      name: of the run, with its update.
      asked: list of (what was asked, None, `assumptions.Finding`).

    Returns:
      A `report.Report`.
    """
    failing, holding, open_ = (
        sorted({finding.assumption for _, _, finding in asked if finding.holds is answer})
        for answer in (False, True, None)
    )
    open_ = sorted({*open_, "A4"})
    parts = [
        f"{' and '.join(failing)} {'does' if len(failing) == 1 else 'do'} not hold"
        if failing
        else "",
        f"nothing measured speaks against {' and '.join(holding)}" if holding else "",
        f"{' and '.join(open_)} {'was' if len(open_) == 1 else 'were'} not judged",
    ]
    verdict = f"{name}: {'; '.join(part for part in parts if part)}."
    text = (
        "A4 would need the best discriminator for every generator. Networks with ReLU or LeakyReLU violate A1 at their kinks, whatever is "
        "measured along a line. "
    )
    return _report(verdict, text, asked)


def ask_games(seed):
    """Every assumption on a game that satisfies it, and on one that does not.

    Returns:
      List of (what was asked, whether it should hold, `assumptions.Finding`).
    """
    generator = np.random.default_rng(seed)
    rates = two_time_scale.polynomial
    toy = lambda p: np.array(saddle.gradient(*p)) * (1, -1)  # both players descend
    square = np.concatenate([generator.uniform(-0.9, 0.9, (2000, 2)), [[0.9, 0.0], [-0.9, 0.0]]])
    elu = (
        (lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0)))),
        (lambda x: np.where(x > 0, 1.0, np.exp(np.minimum(x, 0)))),
    )
    relu = (lambda x: np.maximum(x, 0)), (lambda x: (x > 0) * 1.0)
    linear = two_time_scale.FIELD
    slow, fast = (lambda t, w: linear[0] @ (t, w)), (lambda t, w: linear[1] @ (t, w))
    starts = (-2.0, -0.5, 1.0, 3.0)
    decaying, equal = (
        two_time_scale.SETTINGS["decaying, two time scales"],
        two_time_scale.SETTINGS["constant, equal"],
    )

    def errors(a, b, steps):
        return np.sqrt(two_time_scale.simulate(a, b, steps, runs=1, seed=seed))

    return [
        ("toy saddle, |x|, |y| <= 1", True, assumptions.lipschitz(toy, square, seed=seed)),
        ("network with ELU, across 0", True, _across_a_kink(*elu, generator)),
        ("network with ReLU, across its kink", False, _across_a_kink(*relu, generator)),
        (
            "a = 0.5 (n + 20)^-0.9, b = 0.5 (n + 20)^-0.6",
            True,
            assumptions.step_sizes(rates(0.5, 20, 0.9), rates(0.5, 20, 0.6)),
        ),
        (
            "equal decaying rates",
            False,
            assumptions.step_sizes(rates(0.5, 20, 0.6), rates(0.5, 20, 0.6)),
        ),
        (
            "constant rates",
            False,
            assumptions.step_sizes(two_time_scale.constant(1e-4), two_time_scale.constant(5e-4)),
        ),
        ("least squares, one drawn example a step", True, _regression_noise(generator)),
        ("the same, examples in turns, each twice", False, _regression_noise(generator, repeat=2)),
        (
            "linear game, lambda(theta) = theta",
            True,
            assumptions.attractors(slow, fast, starts, starts, lambda t: t),
        ),
        (
            "toy saddle, y fast, lambda(x) = 0",
            True,
            assumptions.attractors(
                lambda x, y: -toy((x, y))[0],
                lambda x, y: -toy((x, y))[1],
                (-0.5, 0.3, 0.5),
                starts,
                lambda x: 0.0,
            ),
        ),
        (
            "linear game, players exchanged",
            False,
            assumptions.attractors(
                lambda w, t: fast(t, w), lambda w, t: slow(t, w), starts, starts, lambda w: 1.5 * w
            ),
        ),
        (
            "linear game, two time scales",
            True,
            assumptions.boundedness(errors(*decaying[:2], 10_000)),
        ),
        (
            "toy saddle, TTUR",
            True,
            assumptions.boundedness(
                saddle.simulate(saddle.SETTINGS["TTUR, x slow"], 10, seed=seed)
            ),
        ),
        ("linear game, equal rates", False, assumptions.boundedness(errors(*equal))),
        (
            "GAN of two weights, weight decay 0.2",
            True,
            assumptions.boundedness(_smallest_gan(weight_decay=0.2)),
        ),
        (
            "GAN of two weights, no weight decay",
            False,
            assumptions.boundedness(_smallest_gan(weight_decay=0.0)),
        ),
    ]


def _smallest_gan(weight_decay, rate=0.1, steps=5000):
    """Steps of the Wasserstein GAN with real data at 0, generator theta and discriminator x -> psi
    x (Mescheder et al. 2018).
    """
    theta, psi = path = 1.0, 1.0
    paths = [path]
    for _ in range(steps):
        theta, psi = (
            theta - rate * (-psi + weight_decay * theta),
            psi - rate * (theta + weight_decay * psi),
        )
        paths.append((theta, psi))
    return np.array(paths)


def _across_a_kink(activation, derivative, generator):
    """The gradient of a small network's squared error, at weights where a hidden unit of one
    example is just at 0.
    """
    inputs, hidden = 3, 8
    x, y = generator.standard_normal((20, inputs)), generator.standard_normal(20)

    def field(parameters):
        weights, bias, out = np.split(parameters, (inputs * hidden, inputs * hidden + hidden))
        before = x @ weights.reshape(inputs, hidden) + bias
        error = (activation(before) @ out - y) / len(x)
        back = np.outer(error, out) * derivative(before)
        return np.concatenate([(x.T @ back).ravel(), back.sum(0), activation(before).T @ error])

    parameters = generator.standard_normal(inputs * hidden + 2 * hidden)
    first_bias = inputs * hidden
    parameters[first_bias] = -x[0] @ parameters[:first_bias].reshape(inputs, hidden)[:, 0]
    direction = np.zeros_like(parameters)
    direction[first_bias] = 1.0
    return assumptions.lipschitz(field, [parameters], [direction])


def _regression_noise(generator, repeat=1, examples=200, count=20_000):
    x, weights = generator.standard_normal((examples, 5)), generator.standard_normal(5)
    errors = x @ weights - (x @ generator.standard_normal(5) + generator.standard_normal(examples))
    gradients = errors[:, None] * x
    order = generator.integers(examples, size=count)
    draws = gradients[np.repeat(order, repeat)[:count]]
    return assumptions.noise(draws, gradients.mean(0), (1, 2, 4, 8, 16, 32, 64))


def _report(verdict, text, asked):
    rows, numbers = [], []
    for what, expected, finding in asked:
        known = "" if expected is None else "holds" if expected else "fails"
        answer = {True: "holds", False: "fails", None: "not judged"}[finding.holds]
        rows.append([finding.assumption, what, known, answer, finding.words])
        found = {
            "assumption": finding.assumption,
            "of": what,
            "expected": expected,
            "holds": finding.holds,
            "words": finding.words,
        }
        numbers.append({**found, **finding.numbers})
    text += 'No number of evaluations proves A1, A3, A4 or A5: "holds" means that nothing measured speaks against it. A2 is decided.\n\n'
    text += report.table(["assumption", "of", "known answer", "found", "measured"], rows)
    return report.Report("assumptions", verdict, text, {"asked": numbers}, _figure(asked))


def _figure(asked):
    """The ratios of A1 at falling distances, and the deviation of means of A3."""
    has_means = any("rms_of_mean" in finding.numbers for _, _, finding in asked)
    result, [(ratios, *rest)] = report.grid(1, 1 + has_means, 6, 4)
    for what, _, finding in asked:
        if finding.assumption == "A1":
            ratios.loglog(finding.numbers["distances"], finding.numbers["ratios"], "o-", label=what)
        if "rms_of_mean" in finding.numbers:
            sizes, lengths = np.array(finding.numbers["sizes"]), finding.numbers["rms_of_mean"]
            [means] = rest
            [line] = means.loglog(sizes, lengths, "o-", label=what)
            means.loglog(
                sizes,
                lengths[0] / np.sqrt(sizes),
                "--",
                color=line.get_color(),
                label="1 / sqrt(K)",
            )
    ratios.invert_xaxis()
    ratios.set(title="A1: difference of gradients over distance", xlabel="distance")
    for axis in rest:
        axis.set(title="A3: deviation of the mean of K draws", xlabel="K")
    for axis in (ratios, *rest):
        axis.legend(fontsize="small")
    return result
