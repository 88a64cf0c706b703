"""Is this point of a two-player game a local Nash equilibrium? Gradients, curvature and rotation,
matrix-free.

Player G minimises L_G over its variables, player D minimises L_D over its own. With v = (grad_G
L_G, grad_D L_D):

- stationary point: v = 0;
- local Nash equilibrium: a stationary point where both players' *own* Hessians are positive
  semidefinite (necessary; positive definite suffices);
- stable: all eigenvalues of the Jacobian of (a v_G, b v_D) have positive real parts, so that
  gradient descent of both players converges to the point for learning rates in the ratio a / b that
  are small enough. Two time scales may be stable where one is not (Heusel et al. 2017, theorem 1).

Neither of the last two implies the other in general-sum games (Berard et al. 2020, arXiv
1906.04848, section 3, who also found trained GANs to be stable without being Nash).
"""

import dataclasses
import itertools

import numpy as np
import scipy.sparse.linalg
import tensorflow as tf

from tf_ttur.errors import UserError

_DENSE = 40  # up to this many variables the matrix itself is made
_PATTERNS = 2**12  # sign patterns that the test of stationarity looks at


class Game:
    """Two losses, averaged over a fixed set of batches, as functions of flat vectors of variables.

    Args:
      losses: function of one batch giving the scalars (L_G, L_D) at the current values of the
        variables.
      generator, discriminator: lists of `tf.Variable`, of one floating dtype.
      batches: list of tuples of tensors, the arguments of `losses`; for a game without data the
        default.
      on_product: called without arguments after each product of a matrix and a vector, which may
        take long.

    Attributes:
      sizes: (variables of G, variables of D).
    """

    def __init__(self, losses, generator, discriminator, batches=((),), on_product=lambda: None):
        self._losses, self._players, self.batches = (
            losses,
            (list(generator), list(discriminator)),
            list(batches),
        )
        self._on_product = on_product
        self.sizes = tuple(sum(int(np.prod(v.shape)) for v in player) for player in self._players)
        self._dtype = self._players[0][0].dtype
        self._gradient = tf.function(self._gradient_of_batch)
        self._products = [
            tf.function(lambda vector, *batch, p=p: self._product(p, vector, *batch))
            for p in ((0,), (1,), (0, 1))
        ]

    @property
    def point(self):
        """(variables,) float64: the values of all variables, G first."""
        return np.concatenate(
            [np.ravel(v.numpy()) for player in self._players for v in player]
        ).astype(np.float64)

    @point.setter
    def point(self, values):
        variables = [v for player in self._players for v in player]
        for variable, part in zip(
            variables, self._split(tf.constant(values, self._dtype), variables)
        ):
            variable.assign(part)

    def gradients(self):
        """(batches, variables), in the variables' precision: v for each batch."""
        return np.stack([self._gradient(*batch).numpy() for batch in self.batches])

    def hessian(self, player):
        """A player's own Hessian as a `LinearOperator`; player 0 is G, 1 is D."""
        return self._operator(self._products[player], self.sizes[player])

    def jacobian(self, rates=(1.0, 1.0)):
        """The transposed Jacobian of (a v_G, b v_D) as a `LinearOperator`; it has the Jacobian's
        eigenvalues.
        """
        scale = np.repeat(np.asarray(rates, np.float64), self.sizes)
        return self._operator(self._products[2], sum(self.sizes), scale)

    def _operator(self, product, size, scale=1.0):
        def multiply(vector):
            vector = tf.constant(scale * vector.ravel(), self._dtype)
            result = np.mean(
                [product(vector, *batch).numpy() for batch in self.batches],
                axis=0,
                dtype=np.float64,
            )
            self._on_product()
            return result

        return scipy.sparse.linalg.LinearOperator((size, size), multiply, dtype=np.float64)

    def _gradient_of_batch(self, *batch, players=(0, 1)):
        with tf.GradientTape(persistent=True) as tape:
            losses = self._losses(*batch)
        zero = tf.UnconnectedGradients.ZERO
        parts = [
            tape.gradient(losses[p], self._players[p], unconnected_gradients=zero) for p in players
        ]
        return tf.concat([tf.reshape(part, [-1]) for player in parts for part in player], 0)

    def _product(self, players, vector, *batch):
        """The transposed Jacobian of these players' gradients in their own variables, times a
        vector.
        """
        variables = [v for p in players for v in self._players[p]]
        with tf.GradientTape() as tape:
            slope = tf.reduce_sum(self._gradient_of_batch(*batch, players=players) * vector)
        parts = tape.gradient(slope, variables, unconnected_gradients=tf.UnconnectedGradients.ZERO)
        return tf.concat([tf.reshape(part, [-1]) for part in parts], 0)

    @staticmethod
    def _split(vector, variables):
        sizes = [int(np.prod(v.shape)) for v in variables]
        return [tf.reshape(part, v.shape) for part, v in zip(tf.split(vector, sizes), variables)]


@dataclasses.dataclass(frozen=True)
class Diagnosis:
    """What is found at a point.

    Attributes:
      gradient_norms: (|v_G|, |v_D|) of the mean over the batches.
      noise_norms: for each player the norm that the mean of the batches' gradients would have from
        their scatter alone, sqrt(trace of their covariance / batches); NaN for one batch.
      p_value: of the hypothesis v = 0, given the scatter of the batches; NaN for one batch.
      hessians: for each player ascending extreme eigenvalues of its own Hessian, smallest and
        largest ones.
      jacobian: extreme eigenvalues (complex) of the Jacobian of (a/b v_G, v_D): those with the
        smallest real parts, then the largest in absolute value.
      errors: for both Hessians and the Jacobian, how far the smallest real part may be off: its
        residual |A x - lambda x| and the rounding of the products. A value within it counts as 0.
      rates: (a, b).
      stationary: False where the gradient is not 0, True where nothing speaks against 0, None where
        too few batches could never tell.
      nash: whether both Hessians are positive semidefinite.
      strict: whether both are positive definite.
      stable: whether all real parts of the Jacobian's eigenvalues are positive.
      marginal: whether the smallest real part counts as 0.

    `nash`, `strict`, `stable` and `marginal` are of the curvature, whether or not the point is
    stationary, and None where the eigenvalues that decide did not settle.
    """

    gradient_norms: tuple
    noise_norms: tuple
    p_value: float
    hessians: tuple
    jacobian: np.ndarray
    errors: tuple
    rates: tuple
    stationary: bool | None
    nash: bool | None
    strict: bool | None
    stable: bool | None
    marginal: bool | None

    @property
    def verdict(self):
        """One of "local Nash", "stable but not Nash", "neither"; "undecided" where eigenvalues did
        not settle. At a point that is not stationary, or may not be, it says so and tells the
        curvature only."""
        if self.nash is None:
            kind = "undecided"
        elif self.nash:
            kind = "local Nash"
        elif self.marginal:
            kind = "not Nash, stability marginal"
        else:
            kind = {
                True: "stable but not Nash",
                False: "neither",
                None: "not Nash, stability undecided",
            }[self.stable]
        if self.stationary:
            return kind
        return f"{'not stationary' if self.stationary is False else 'too few batches to tell whether stationary'} (by curvature: {kind})"

    @property
    def multiplier(self):
        """The largest |1 - b lambda|: by how much one update with these rates multiplies a small
        deviation, as far as the eigenvalues that were found tell. Above 1 the steps are too large
        for the point, or it is not stable.
        """
        return float(np.abs(1 - self.rates[1] * self.jacobian).max(initial=0))


def diagnose(
    game, rates=(1.0, 1.0), count=3, tolerance=1e-4, significance=0.05, max_products=400, seed=0
):
    """Examines the game at its present point.

    Args:
      game: a `Game`.
      rates: learning rates (a, b) of G and D.
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
        raise UserError(
            "the gradients are not finite",
            "a point where both losses are",
            "take an earlier checkpoint",
        )
    norms, noise = [], []
    for part in np.split(gradients, [game.sizes[0]], axis=1):
        norms.append(float(np.linalg.norm(part.mean(0))))
        noise.append(
            float(np.sqrt(part.var(0, ddof=1).sum() / len(part))) if len(part) > 1 else float("nan")
        )
    p_value = sign_test(gradients, generator)
    if len(gradients) == 1:
        stationary = bool(np.hypot(*norms) <= tolerance)
    else:
        stationary = p_value >= significance if 2.0 ** (1 - len(gradients)) < significance else None
    options = count, tolerance, max_products, generator, np.finfo(gradients.dtype).eps
    found = [_extremes(game.hessian(player), *options, symmetric=True) for player in (0, 1)]
    found.append(_extremes(game.jacobian((rates[0] / rates[1], 1.0)), *options, symmetric=False))
    above = [_all(values.real >= -error, settled) for values, error, settled in found]
    strictly = [_all(values.real > error, settled) for values, error, settled in found]
    return Diagnosis(
        gradient_norms=tuple(norms),
        noise_norms=tuple(noise),
        p_value=p_value,
        hessians=(found[0][0], found[1][0]),
        jacobian=found[2][0],
        errors=tuple(error for _, error, _ in found),
        rates=tuple(rates),
        stationary=stationary,
        nash=_both(*above[:2]),
        strict=_both(*strictly[:2]),
        stable=strictly[2],
        marginal=_both(above[2], None if strictly[2] is None else not strictly[2]),
    )


def _all(holds, settled):
    """Whether all hold: one that does not decides even if others did not settle; else None if not
    all settled.
    """
    return False if not holds.all() else True if settled else None


def _both(first, second):
    """Logical and, with None for what is not known."""
    return False if False in (first, second) else None if None in (first, second) else True


def sign_test(gradients, generator):
    """The probability that the mean of these rows is as long by chance, if each is as likely as its
    negative.

    A randomisation test: |sum of +- g_k|^2 over the sign patterns, all of them or 4,096 drawn ones,
    needs only the rows' Gram matrix. With K rows no value below 2^(1-K) is possible: take 6 or
    more.

    Args:
      gradients: (K, d).
      generator: `np.random.Generator`.

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
        signs = np.vstack(
            [np.ones((1, count), int), generator.choice((1, -1), (_PATTERNS - 1, count))]
        )
    lengths = np.einsum("pi,ij,pj->p", signs, gram, signs)
    return float(np.mean(lengths >= lengths[0] * (1 - 1e-9)))


def _extremes(operator, count, tolerance, max_products, generator, epsilon, symmetric):
    """Eigenvalues at both ends of a spectrum.

    Args:
      operator: `LinearOperator`.
      count: at each end.
      tolerance, max_products: as in `diagnose`.
      generator: of start vectors.
      epsilon: relative rounding of a product.
      symmetric: whether the matrix is.

    Returns:
      (values, error, settled): the eigenvalues at the end that decides (smallest, or with the
      smallest real parts), then the largest (in absolute value); how far the first may be off;
      whether the end that decides settled.
    """
    size = operator.shape[0]
    ncv = max(20, 6 * count)
    if size <= max(_DENSE, ncv + 2):
        matrix = operator @ np.eye(size)
        values = (
            np.linalg.eigvalsh((matrix + matrix.T) / 2) if symmetric else np.linalg.eigvals(matrix)
        )
        return values[np.argsort(values.real)], 10 * epsilon * np.abs(values).max(), True
    solve, ends = (
        (scipy.sparse.linalg.eigsh, ("SA", "LA"))
        if symmetric
        else (scipy.sparse.linalg.eigs, ("SR", "LM"))
    )
    values, error, settled = [], 0.0, True
    for end in ends:
        start = generator.standard_normal(size)
        deciding = end == ends[0]
        try:
            found, vectors = solve(
                operator,
                count,
                which=end,
                ncv=ncv,
                tol=tolerance,
                maxiter=max(1, max_products // ncv),
                v0=start,
            )
        except scipy.sparse.linalg.ArpackNoConvergence as unsettled:
            found, vectors = unsettled.eigenvalues, unsettled.eigenvectors
            settled = settled and not deciding
        order = np.argsort(found.real)
        values.append(found[order])
        if deciding and len(found):
            vector = vectors[:, order[0]]
            error = float(np.linalg.norm(_times(operator, vector) - found[order[0]] * vector))
    values = np.concatenate(values)
    return values, error + 10 * epsilon * np.abs(values).max(initial=0), settled


def _times(operator, vector):
    return (
        operator @ vector
        if np.isrealobj(vector)
        else operator @ vector.real + 1j * (operator @ vector.imag)
    )


def path_angle(game, start, end, alphas, rates=(1.0, 1.0)):
    """The descent direction along the straight line through two points (Berard et al. 2020, section
    4.1).

    At start + alpha (end - start) the field is -(a v_G, b v_D); with equal rates it is that of
    Berard et al. Where gradients lead to the end, its cosine with (end - start) is positive before
    alpha = 1 and negative after it; where they turn around it, there is a bump instead.

    Args:
      game: a `Game`; its point is left at `end`.
      start, end: (variables,) points.
      alphas: positions on the line.
      rates: (a, b).

    Returns:
      (cosines, norms): two arrays of floats, one for each alpha; the norms are those of (v_G, v_D)
      without the rates.
    """
    direction = end - start
    length = np.linalg.norm(direction)
    if length == 0:
        raise ValueError("the two points are the same; expected two checkpoints of one run")
    scale = np.repeat(np.asarray(rates, np.float64) / rates[1], game.sizes)
    cosines, norms = [], []
    for alpha in alphas:
        game.point = start + alpha * direction
        gradient = game.gradients().mean(0)
        field = -scale * gradient
        size = np.linalg.norm(field)
        cosines.append(float(field @ direction / (size * length)) if size else 0.0)
        norms.append(float(np.linalg.norm(gradient)))
    game.point = end
    return np.array(cosines), np.array(norms)
