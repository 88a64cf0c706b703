import numpy as np
import pytest

from tf_ttur.theory import saddle

RUNS = 400  # of the published simulation


def test_gradient_is_that_of_the_objective():
    x, y = np.random.default_rng(0).uniform(-1, 1, (2, 10))
    h = 1e-6
    expected = [
        (saddle.objective(x + h, y) - saddle.objective(x - h, y)) / (2 * h),
        (saddle.objective(x, y + h) - saddle.objective(x, y - h)) / (2 * h),
    ]
    np.testing.assert_allclose(saddle.gradient(x, y), expected, rtol=1e-6, atol=1e-6)


def test_one_step_by_hand():
    """x steps first, y with the new x."""
    path = saddle.simulate(saddle.Rates(x=0.001, y=0.01), 1, steps=1, noise_std=0)
    x = 0.5 - 0.001 * 2 * 0.5 * (100 - 0.16)
    np.testing.assert_allclose(path[1, :, 0], [x, -0.4 + 0.01 * 0.8 * (1 + x**2)], rtol=1e-12)


# §7 of the fact sheet: iterations are counted from 0 there, updates from 1 here.
@pytest.mark.parametrize(
    "name, hits",
    [
        ("one time scale, fast", (np.inf, np.inf, np.inf)),
        ("one time scale, slow", (345, 692, 1842)),
        ("TTUR, x slow", (55, 89, 203)),
        ("TTUR, y slow", (3423, np.inf, np.inf)),
    ],
)
def test_hitting_times_without_noise(name, hits):
    norm = saddle.norms(saddle.simulate(saddle.SETTINGS[name], 1, noise_std=0))
    assert [saddle.hitting_times(norm, bound)[0] - 1 for bound in (0.2, 0.1, 0.01)] == list(hits)


def quantile_band(values, share, z=4):
    """Where a quantile of RUNS further runs must lie.

    The bounds are the quantiles of these values at share +- z binomial standard errors.
    """
    error = z * np.sqrt(share * (1 - share) * (1 / RUNS + 1 / len(values)))
    return np.quantile(values, np.clip([share - error, share + error], 0, 1))


PUBLISHED = {
    # name: (5, 50, 95 % of the last norm), (std of x, of y), (median first iteration, share of the
    # runs that reach 0.15)
    "one time scale, fast": ((0.079, 0.541, 1.50), (0.73, 0.044), (1222, 0.71)),
    "one time scale, slow": ((0.0021, 0.0116, 0.030), (0.0017, 0.0157), (485, 1.0)),
    "TTUR, x slow": ((0.0033, 0.038, 0.095), (0.0005, 0.0515), (69, 1.0)),
    "TTUR, y slow": ((0.143, 0.258, 0.677), (0.33, 0.0064), (4803, 0.41)),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_many_runs_match_the_published_table(name):
    """Within four standard errors of both sets of runs, and the last printed digit.

    There are 400 published runs and 1,000 here.
    """
    quantiles, stds, (median, share) = PUBLISHED[name]
    paths = saddle.simulate(saddle.SETTINGS[name], 1000, seed=7)
    found = saddle.summarise(paths)
    norm = saddle.norms(paths)
    for level, value in zip((0.05, 0.5, 0.95), quantiles, strict=True):
        low, high = quantile_band(norm[-1], level)
        digit = 0.5 * 10.0 ** -len(str(value).partition(".")[2])
        assert low - digit <= value <= high + digit
    # The standard error of a std is at most std sqrt((kurtosis - 1) / 4n); the kurtosis is
    # measured.
    for number, value in enumerate(stds):
        last = paths[-1, number] - paths[-1, number].mean()
        kurtosis = np.mean(last**4) / np.mean(last**2) ** 2
        error = last.std() * np.sqrt((kurtosis - 1) / 4 * (1 / RUNS + 1 / 1000))
        digit = 0.5 * 10.0 ** -len(str(value).partition(".")[2])
        assert abs(last.std() - value) <= 4 * error + digit
    assert (
        abs(found["hit_share"] - share)
        <= 4 * np.sqrt(max(share * (1 - share), 1e-9) * (1 / RUNS + 1 / 1000)) + 0.005
    )
    hits = saddle.hitting_times(norm)
    low, high = quantile_band(hits[np.isfinite(hits)], 0.5, z=4 / np.sqrt(share))
    assert low - 1.5 <= median + 1 <= high + 1.5


def test_two_time_scales_are_faster_but_not_nearer():
    found = {
        name: saddle.summarise(saddle.simulate(saddle.SETTINGS[name], 200, seed=1))
        for name in ("one time scale, slow", "TTUR, x slow")
    }
    slow = found["one time scale, slow"]
    ttur = found["TTUR, x slow"]
    assert ttur["hit_median"] < slow["hit_median"] / 5
    assert ttur["final_norm"][1] > slow["final_norm"][1]


def test_one_fast_time_scale_returns_but_does_not_stay():
    """All that equal time scales promise (section A2.3), and no run blows up."""
    paths = saddle.simulate(saddle.SETTINGS["one time scale, fast"], 200, seed=2)
    found = saddle.summarise(paths)
    assert np.isfinite(paths).all() and found["returns"] >= 1 and found["inside"] < 0.5


def test_hitting_times_and_returns():
    norm = np.array([[1, 1], [0.1, 1], [1, 1], [0.1, 1], [0.1, 1]])
    np.testing.assert_array_equal(saddle.hitting_times(norm), [1, np.inf])
    np.testing.assert_array_equal(saddle.returns(norm), [1, 0])
