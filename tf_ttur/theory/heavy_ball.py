"""Theorem 2: Adam's first moment makes it a heavy ball with friction.

Heusel et al. 2017, section 3; Goudou and Munier 2009. The discretisation, with m the ball's
negative velocity, a(n) step sizes and r(n) the memory, is

  theta(n+1) = theta(n) - a(n+1) m(n)
  m(n+1)     = (1 - a(n+1) r(n)) m(n) + a(n+1) r(n) (grad f(theta(n)) + noise)

The second line is Adam's first moment with beta_1 = 1 - a(n+1) r(n). (Adam steps with the new
moment, one index later.) For constant steps h and memory r it follows, to first order in h,

  theta'' + r theta' + r grad f(theta) = 0.
"""

from collections.abc import Callable

import numpy as np
import scipy.integrate

Gradient = Callable[[np.ndarray], np.ndarray]
NoisyGradient = Callable[[np.ndarray, int], np.ndarray]
Memory = Callable[[np.ndarray], np.ndarray]


def exponential_memory(r: float) -> Memory:
    """r(n) = r: the moment forgets at a constant rate."""
    return lambda steps: np.full(len(steps), float(r))


def polynomial_memory(r: float) -> Memory:
    """r(n) = r / sum over l <= n of a(l): the moment is nearly the mean of all gradients."""
    return lambda steps: r / np.cumsum(steps)


def discrete(
    gradient: NoisyGradient,
    start: np.ndarray | list[float] | float,
    steps: np.ndarray,
    memory: np.ndarray,
    moment: float = 0.0,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The recursion above.

    Args:
      gradient: function (theta, n) -> gradient, with noise if there is any; arrays like theta.
      start: theta(0), an array of any shape.
      steps: (N,) step sizes; steps[n] is a(n+1).
      memory: (N,) values r(n).
      moment: m(0).

    Returns:
      (thetas, moments, gradients): float64 arrays of N + 1, N + 1 and N entries.
    """
    theta = np.array(start, np.float64)
    m = np.broadcast_to(np.float64(moment), theta.shape)
    thetas = [theta]
    moments = [m]
    gradients = []
    for n, (a, r) in enumerate(zip(steps, memory, strict=True)):
        g = gradient(theta, n)
        theta = theta - a * m
        m = (1 - a * r) * m + a * r * g
        thetas.append(theta)
        moments.append(m)
        gradients.append(g)
    return np.array(thetas), np.array(moments), np.array(gradients)


def adam_first_moment(gradients: np.ndarray, beta_1: np.ndarray, moment: float = 0.0) -> np.ndarray:
    """m(n+1) = beta_1(n) m(n) + (1 - beta_1(n)) g(n), as Adam writes it.

    Kingma and Ba 2015, algorithm 1.

    Args:
      gradients: (N, ...).
      beta_1: (N,) values.
      moment: m(0).

    Returns:
      (N + 1, ...) float64.
    """
    moments = [np.broadcast_to(np.float64(moment), gradients.shape[1:])]
    for g, beta in zip(gradients, beta_1, strict=True):
        moments.append(beta * moments[-1] + (1 - beta) * g)
    return np.array(moments)


def adam_path(
    gradient: NoisyGradient,
    start: np.ndarray,
    step: float,
    beta_1: float,
    beta_2: float,
    steps: int,
    second_moment: float,
) -> np.ndarray:
    """Adam without bias correction and epsilon.

    It steps with the old first moment, as `discrete` does.

    Args:
      gradient: function (theta, n) -> noisy gradient.
      start: theta(0).
      step: learning rate.
      beta_1, beta_2: of the moments.
      steps: how many.
      second_moment: v(0).

    Returns:
      (steps + 1, ...) float64 thetas.
    """
    theta = np.array(start, np.float64)
    m = np.zeros_like(theta)
    v = np.full_like(theta, second_moment)
    thetas = [theta]
    for n in range(steps):
        g = gradient(theta, n)
        theta = theta - step * m / np.sqrt(v)
        m = beta_1 * m + (1 - beta_1) * g
        v = beta_2 * v + (1 - beta_2) * g**2
        thetas.append(theta)
    return np.array(thetas)


def continuous(
    gradient: Gradient,
    start: list[float] | float,
    friction: float,
    force: float,
    times: np.ndarray,
    velocity: float = 0.0,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """theta'' + friction theta' + force grad f(theta) = 0, integrated to near float64 accuracy.

    Args:
      gradient: function theta -> grad f.
      start: (d,) position at time 0.
      friction, force: the factors above; (r, r) for the ball of `discrete`, (a, 1) for the form of
        the theorem.
      times: (T,) ascending.
      velocity: at time 0.

    Returns:
      (positions, velocities, losses): (T, d), (T, d), and (T,) the integral of friction |theta'|^2
      up to each time.
    """
    position_0 = np.atleast_1d(np.asarray(start, np.float64))
    size = len(position_0)

    def field(_: float, state: np.ndarray) -> np.ndarray:
        position = state[:size]
        speed = state[size : 2 * size]
        acceleration = -friction * speed - force * gradient(position)
        return np.concatenate([speed, acceleration, [friction * speed @ speed]])

    state = np.concatenate([position_0, np.broadcast_to(np.float64(velocity), size), [0.0]])
    solution = scipy.integrate.solve_ivp(
        field, (0, times[-1]), state, "DOP853", t_eval=times, rtol=1e-12, atol=1e-13
    )
    return solution.y[:size].T, solution.y[size : 2 * size].T, solution.y[-1]


def gradient_flow(gradient: Gradient, start: list[float] | float, time: float) -> np.ndarray:
    """(d,): theta at `time`, where theta' = -grad f(theta) and theta begins at `start`."""
    position = np.atleast_1d(np.asarray(start, np.float64))
    solution = scipy.integrate.solve_ivp(
        lambda _, x: -gradient(x), (0, time), position, "LSODA", rtol=1e-10, atol=1e-12
    )
    return solution.y[:, -1]


# A quadratic bowl for the first-order error, of curvatures 1 and 4.
CURVATURES = np.array([1.0, 4.0])


def bowl(x: np.ndarray) -> np.ndarray:
    """f = (x_1^2 + 4 x_2^2) / 2, over the last axis."""
    return np.sum(CURVATURES * x**2, axis=-1) / 2


def bowl_gradient(x: np.ndarray) -> np.ndarray:
    """grad f of `bowl`."""
    return CURVATURES * x


# A flat bowl around 0 with a narrow well in its side, near 3.
WELL = {"centre": 3.0, "width": 0.15, "depth": 0.35}


def landscape(x: np.ndarray) -> np.ndarray:
    """f = 0.05 x^2 - 0.35 exp(-((x - 3) / 0.15)^2): a flat minimum at 0, a sharp one near 2.99."""
    return 0.05 * x**2 - WELL["depth"] * np.exp(-(((x - WELL["centre"]) / WELL["width"]) ** 2))


def landscape_gradient(x: np.ndarray) -> np.ndarray:
    """f' of `landscape`."""
    offset = (x - WELL["centre"]) / WELL["width"]
    return 0.1 * x + 2 * WELL["depth"] / WELL["width"] * offset * np.exp(-(offset**2))
