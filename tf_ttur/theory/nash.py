"""Is this point of a two-player game a local Nash equilibrium?

The answer needs gradients, curvature and rotation, all computed matrix-free. The discriminator D
minimises L_D over its variables, the generator G minimises L_G over its own. With v = (grad_G L_G,
grad_D L_D) and the learning rates a of G and b of D:

- stationary point: v = 0;
- local Nash equilibrium: a stationary point where both players' *own* Hessians are positive
  semidefinite (necessary; positive definite suffices);
- stable: all eigenvalues of the Jacobian of (a v_G, b v_D) have positive real parts. Then gradient
  descent of both players converges to the point for learning rates in the ratio a / b that are
  small enough. Two time scales may be stable where one is not (Heusel et al. 2017, theorem 1).

Neither of the last two implies the other in general-sum games (Berard et al. 2020, arXiv
1906.04848, section 3, who also found trained GANs to be stable without being Nash).
"""

import dataclasses
import itertools
from collections.abc import Sequence

import numpy as np

from tf_ttur.errors import UserError
from tf_ttur.players import Players
from tf_ttur.theory.game import EQUAL_RATES, Game
from tf_ttur.theory.spectrum import Extremes, Search

_PATTERNS = 2**12  # sign patterns that the test of stationarity looks at


@dataclasses.dataclass(frozen=True)
class Diagnosis:
    """What is found at a point.

    Attributes:
      gradient_norms: |v_D| and |v_G| of the mean over the batches.
      noise_norms: for each player the norm that the mean of the batches' gradients would have from
        their scatter alone, sqrt(trace of their covariance / batches); NaN for one batch.
      p_value: of the hypothesis v = 0, given the scatter of the batches; NaN for one batch.
      hessians: for each player ascending extreme eigenvalues of its own Hessian, smallest and
        largest ones.
      hessian_errors: for each player how far the smallest eigenvalue may be off: its residual
        |A x - lambda x| and the rounding of the products. A value within it counts as 0.
      jacobian: extreme eigenvalues (complex) of the Jacobian of (a/b v_G, v_D): those with the
        smallest real parts, then the largest in absolute value.
      jacobian_error: as `hessian_errors`, of the smallest real part.
      rates: b of the discriminator and a of the generator.
      stationary: False where the gradient is not 0, True where nothing speaks against 0, None where
        too few batches could never tell.
      nash: whether both Hessians are positive semidefinite.
      strict: whether both are positive definite.
      stable: whether all real parts of the Jacobian's eigenvalues are positive.
      marginal: whether the smallest real part counts as 0.

    `nash`, `strict`, `stable` and `marginal` describe the curvature, whether or not the point is
    stationary. They are None where the eigenvalues that decide did not settle.
    """

    gradient_norms: Players[float]
    noise_norms: Players[float]
    p_value: float
    hessians: Players[np.ndarray]
    hessian_errors: Players[float]
    jacobian: np.ndarray
    jacobian_error: float
    rates: Players[float]
    stationary: bool | None
    nash: bool | None
    strict: bool | None
    stable: bool | None
    marginal: bool | None

    @property
    def verdict(self) -> str:
        """One of "local Nash", "stable but not Nash" and "neither", or what stays open.

        It is "undecided" where eigenvalues did not settle. At a point that is not stationary, or
        may not be, it says so and describes the curvature only.
        """
        if self.stationary:
            return self._kind
        if self.stationary is False:
            return f"not stationary (by curvature: {self._kind})"
        return f"too few batches to tell whether stationary (by curvature: {self._kind})"

    @property
    def _kind(self) -> str:
        if self.nash is None:
            return "undecided"
        if self.nash:
            return "local Nash"
        if self.marginal:
            return "not Nash, stability marginal"
        if self.stable is None:
            return "not Nash, stability undecided"
        return "stable but not Nash" if self.stable else "neither"

    @property
    def multiplier(self) -> float:
        """The largest |1 - b lambda| over the eigenvalues of the Jacobian that were found.

        One update with these rates multiplies a small deviation by it. Above 1 the steps are too
        large for the point, or it is not stable.
        """
        return float(np.abs(1 - self.rates.discriminator * self.jacobian).max(initial=0))


@dataclasses.dataclass(frozen=True)
class Path:
    """The descent direction along the line between two checkpoints, see `path_angle`.

    Attributes:
      from_update, to_update: the updates after which the two checkpoints were written.
      alphas: positions on the line, 0 at the first checkpoint and 1 at the second.
      cosines, norms: one value per position.
    """

    from_update: int
    to_update: int
    alphas: np.ndarray
    cosines: np.ndarray
    norms: np.ndarray


def diagnose(
    game: Game,
    rates: Players[float] = EQUAL_RATES,
    *,
    count: int = 3,
    tolerance: float = 1e-4,
    significance: float = 0.05,
    max_products: int = 400,
    seed: int = 0,
) -> Diagnosis:
    """Examines the game at its present point.

    Args:
      game: a `Game`.
      rates: learning rates of both players.
      count: eigenvalues at each end.
      tolerance: relative accuracy asked of each eigenvalue. For a game of one batch, a gradient
        norm up to `tolerance` counts as 0.
      significance: the point is not stationary where chance gives such a mean gradient with a
        smaller probability.
      max_products: products of a vector with one matrix before one end of its spectrum is given up.
      seed: of the start vectors and of the sign patterns.

    Returns:
      A `Diagnosis`.

    Raises:
      UserError: gradients that are not finite.
    """
    generator = np.random.default_rng(seed)
    gradients = game.gradients()
    if not np.isfinite(gradients).all():
        expected = "a point where both losses are finite"
        raise UserError("the gradients are not finite", expected, "take an earlier checkpoint")
    parts = game.split(gradients)
    gradient_norms = Players(*map(_norm_of_mean, parts))
    p_value = sign_test(gradients, generator)
    if len(gradients) == 1:
        stationary = _is_small(gradient_norms, tolerance)
    else:
        stationary = _is_stationary(p_value, len(gradients), significance)
    search = Search(count, tolerance, max_products, generator, np.finfo(gradients.dtype).eps)
    hessians = _hessian_extremes(game, search)
    jacobian = search.extremes(game.jacobian(_relative(rates)), symmetric=False)
    stable = jacobian.all_above_zero()
    return Diagnosis(
        gradient_norms=gradient_norms,
        noise_norms=Players(*map(_norm_of_noise, parts)),
        p_value=p_value,
        hessians=Players(*(hessian.values for hessian in hessians)),
        hessian_errors=Players(*(hessian.error for hessian in hessians)),
        jacobian=jacobian.values,
        jacobian_error=jacobian.error,
        rates=rates,
        stationary=stationary,
        nash=_both(*(hessian.all_at_least_zero() for hessian in hessians)),
        strict=_both(*(hessian.all_above_zero() for hessian in hessians)),
        stable=stable,
        marginal=_both(jacobian.all_at_least_zero(), _not(stable)),
    )


def _hessian_extremes(game: Game, search: Search) -> Players[Extremes]:
    # The generator comes first, as the random start vectors depend on the order.
    generator = search.extremes(game.hessian("generator"), symmetric=True)
    discriminator = search.extremes(game.hessian("discriminator"), symmetric=True)
    return Players(discriminator, generator)


def _relative(rates: Players[float]) -> Players[float]:
    """The rates divided by that of the discriminator."""
    return Players(1.0, rates.generator / rates.discriminator)


def _norm_of_mean(gradients: np.ndarray) -> float:
    """The norm of the mean of (batches, variables) gradients."""
    return float(np.linalg.norm(gradients.mean(0)))


def _norm_of_noise(gradients: np.ndarray) -> float:
    """The norm that their mean would have from their scatter alone; NaN for one batch."""
    if len(gradients) == 1:
        return float("nan")
    return float(np.sqrt(gradients.var(0, ddof=1).sum() / len(gradients)))


def _is_small(gradient_norms: Players[float], tolerance: float) -> bool | None:
    """Whether the norm of both players' gradients together counts as 0."""
    return bool(np.hypot(*gradient_norms) <= tolerance)


def _is_stationary(p_value: float, batches: int, significance: float) -> bool | None:
    """Whether the gradient may be 0; None where so few batches could never speak against it."""
    smallest = 2.0 ** (1 - batches)
    return p_value >= significance if smallest < significance else None


def _both(first: bool | None, second: bool | None) -> bool | None:
    """Logical and, with None for what is not decided."""
    if False in (first, second):
        return False
    return None if None in (first, second) else True


def _not(answer: bool | None) -> bool | None:
    """Logical not, with None for what is not decided."""
    return None if answer is None else not answer


def sign_test(gradients: np.ndarray, generator: np.random.Generator) -> float:
    """The probability that the mean of these rows is this long by chance.

    Chance means that each row is as likely as its negative. The test is a randomisation test:
    |sum of +- g_k|^2 over the sign patterns, all of them or 4,096 drawn ones, needs only the rows'
    Gram matrix. With K rows no value below 2^(1-K) is possible: take 6 or more.

    Args:
      gradients: (K, d).
      generator: of drawn sign patterns.

    Returns:
      A float in 0 ... 1; NaN for one row.
    """
    count = len(gradients)
    if count == 1:
        return float("nan")
    gram = np.array([[np.dot(a.astype(np.float64), b) for b in gradients] for a in gradients])
    if 2 ** (count - 1) <= _PATTERNS:  # the first sign can be fixed
        signs = np.array([(1, *rest) for rest in itertools.product((1, -1), repeat=count - 1)])
    else:
        drawn = generator.choice((1, -1), (_PATTERNS - 1, count))
        signs = np.vstack([np.ones((1, count), int), drawn])
    lengths = np.einsum("pi,ij,pj->p", signs, gram, signs)
    return float(np.mean(lengths >= lengths[0] * (1 - 1e-9)))


def path_angle(
    game: Game,
    start: np.ndarray,
    end: np.ndarray,
    alphas: Sequence[float] | np.ndarray,
    rates: Players[float] = EQUAL_RATES,
) -> tuple[np.ndarray, np.ndarray]:
    """The descent direction along the line through two points (Berard et al. 2020, section 4.1).

    At start + alpha (end - start) the field is -(a v_G, b v_D); with equal rates it is that of
    Berard et al. Where gradients lead to the end, its cosine with (end - start) is positive before
    alpha = 1 and negative after it. Where they turn around it, there is a bump instead.

    Args:
      game: a `Game`; its point is left at `end`.
      start, end: (variables,) points.
      alphas: positions on the line.
      rates: learning rates of both players.

    Returns:
      (cosines, norms): two arrays of floats, one for each alpha; the norms are those of (v_G, v_D)
      without the rates.
    """
    direction = end - start
    length = np.linalg.norm(direction)
    if length == 0:
        raise ValueError("the two points are the same; expected two checkpoints of one run")
    scale = game.scale(_relative(rates))
    cosines = []
    norms = []
    for alpha in alphas:
        game.point = start + alpha * direction
        gradient = game.gradients().mean(0)
        field = -scale * gradient
        size = np.linalg.norm(field)
        cosines.append(float(field @ direction / (size * length)) if size else 0.0)
        norms.append(float(np.linalg.norm(gradient)))
    game.point = end
    return np.array(cosines), np.array(norms)
