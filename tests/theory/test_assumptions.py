import numpy as np
import pytest

from tf_ttur.studies import assumptions as study
from tf_ttur.theory import assumptions, two_time_scale


def test_known_games_get_the_known_answers():
    asked = study.ask_games(seed=5)
    assert {finding.assumption for _, _, finding in asked} == {"A1", "A2", "A3", "A4", "A5"}
    for what, expected, finding in asked:
        assert finding.holds == expected, (what, finding)
    toy = asked[0].finding
    # The largest curvature, at x = +-1, y = 0.
    assert max(toy.numbers["ratios"]) == pytest.approx(200, rel=0.01)


def test_lipschitz_constant_of_a_linear_field():
    matrix = np.random.default_rng(0).standard_normal((4, 4))
    finding = assumptions.lipschitz(lambda x: matrix @ x, np.zeros((200, 4)))
    bound = np.linalg.norm(matrix, 2)
    assert finding.holds
    assert 0.8 * bound < max(finding.numbers["ratios"]) <= bound * (1 + 1e-9)


def test_a_jump_is_seen_from_where_it_is():
    jump = lambda x: np.sign(x) + x
    direction = np.ones((1, 1))
    assert not assumptions.lipschitz(jump, np.full((1, 1), 0.0), direction).holds
    assert assumptions.lipschitz(jump, np.full((1, 1), 0.5), direction).holds  # out of sight


@pytest.mark.parametrize(
    "slow, fast, holds",
    [
        (0.9, 0.6, True),
        (1.0, 0.51, True),
        (1.0, 0.5, False),
        (1.01, 0.6, False),
        (0.6, 0.6, False),
        (0.6, 0.9, False),
        (0.4, 0.3, False),
    ],
)
def test_step_sizes_of_powers(slow, fast, holds):
    a = two_time_scale.polynomial(0.5, 20, slow)
    b = two_time_scale.polynomial(0.5, 20, fast)
    finding = assumptions.step_sizes(a, b)
    assert finding.holds == holds
    assert finding.numbers["power_a"] == pytest.approx(slow, abs=1e-6)


def test_partial_sums_agree_with_the_decision():
    """What A2 says of a = 0.5 (n + 20)^-0.9, b = 0.5 (n + 20)^-0.6, seen in the sums."""
    n = np.arange(10**6)
    a = 0.5 * (n + 20.0) ** -0.9
    b = 0.5 * (n + 20.0) ** -0.6
    for rate in (a, b):
        assert rate[10**5 :].sum() > 0.1 * rate[: 10**5].sum()  # keeps growing
        assert (rate[10**5 :] ** 2).sum() < 0.2 * (rate[: 10**5] ** 2).sum()  # levels off
    assert a[-1] / b[-1] < 0.1 * a[0] / b[0]


def test_noise():
    random = np.random.default_rng(0)
    draws = random.standard_normal((4096, 3)) * [1, 2, 3] + 5
    assert assumptions.noise(draws, np.full(3, 5.0), (1, 2, 4, 8, 16)).holds
    assert not assumptions.noise(draws, np.full(3, 4.8), (1, 2, 4, 8, 16)).holds  # a bias
    walk = np.cumsum(random.standard_normal((4096, 3)), axis=0)
    assert not assumptions.noise(walk, walk.mean(0), (1, 2, 4, 8, 16)).holds  # a memory


def test_noise_level_is_unbiased():
    random = np.random.default_rng(1)
    found = [
        assumptions.noise_level(random.standard_normal((16, 50)) * 2 + 1).numbers
        for _ in range(200)
    ]
    for key, expected in (("second_moment", 200), ("squared_gradient", 50)):
        values = [numbers[key] for numbers in found]
        assert abs(np.mean(values) - expected) < 4 * np.std(values) / np.sqrt(200)


def test_a_kink_beside_a_steep_smooth_place_is_seen():
    field = lambda x: np.array([200 * x[0], np.sign(x[1])])
    points = np.array([[0.0, 1.0], [0.0, 0.0]])
    directions = np.array([[1.0, 0.0], [0.0, 1.0]])
    assert not assumptions.lipschitz(field, points, directions).holds


@pytest.mark.parametrize(
    "shift, power, holds", [(1e10, 0.6, True), (20, 0.5005, True), (1e10, 0.4995, False)]
)
def test_far_shifts_and_near_powers(shift, power, holds):
    a = two_time_scale.polynomial(0.5, shift, 0.9)
    b = two_time_scale.polynomial(0.5, shift, power)
    assert assumptions.step_sizes(a, b).holds == holds


def test_boundedness():
    finding = assumptions.boundedness(np.ones((10, 2)))
    assert finding.numbers["largest_norm"] == pytest.approx(np.sqrt(2))
    assert not assumptions.boundedness(np.array([[1.0], [np.nan]])).holds
    assert not assumptions.boundedness(np.full((3, 1), 1e7)).holds
