"""The measures of two sides, from features that are known here."""

import numpy as np
import pytest

from tf_ttur.errors import UserError
from tf_ttur.metrics import measures, ranking, uncertainty
from tf_ttur.metrics.frechet import frechet_distance
from tf_ttur.metrics.inception_score import InceptionScore
from tf_ttur.metrics.kernel_distance import kernel_distance
from tf_ttur.metrics.measures.comparison import Side, measure
from tf_ttur.metrics.neighbours import neighbours
from tf_ttur.metrics.statistics import Statistics


def side(features, names=measures.NAMES):
    """A side whose features passed in batches of 16; the first five serve as logits."""
    features = np.asarray(features, np.float32)
    collectors = [
        collector for measure in measures.find(names).values() for collector in measure.collects
    ]
    result = Side("side", features.shape[1], len(features), collectors)
    for start in range(0, len(features), 16):
        batch = features[start : start + 16]
        result.observe(batch, batch[:, :5])
    result.statistics = Statistics(
        features.mean(0, np.float64),
        np.cov(features, rowvar=False),
        {"network": "original"},
        "side",
    )
    return result


def of_digest(digest, features, names=measures.NAMES):
    """A side whose images have this digest."""
    result = side(features, names)
    result.statistics.provenance["images_digest"] = digest
    return result


@pytest.fixture
def features():
    random = np.random.default_rng(0)
    return random.standard_normal((130, 8)), random.standard_normal((110, 8)) + 0.4


def test_every_measure_is_that_of_its_module(features):
    source = side(features[0])
    reference = side(features[1])
    found = measure(measures.NAMES, "original", source, reference, seed=1)
    assert list(found) == [
        "fid",
        "fid_inf",
        "kid",
        "inception_score",
        "precision",
        "recall",
        "density",
        "coverage",
    ]
    first, second = (np.float32(side) for side in features)
    moments = [(f.mean(0, np.float64), np.cov(f, rowvar=False)) for f in (first, second)]
    expected = frechet_distance(*moments[0], *moments[1])
    assert found["fid"]["value"] == pytest.approx(expected, rel=1e-6)
    estimate = uncertainty.frechet(source.groups, reference.groups)
    assert (found["fid"]["low"], found["fid"]["high"]) == estimate.interval()
    assert found["fid_inf"]["value"] == estimate.corrected < found["fid"]["value"]
    assert found["kid"]["value"] == kernel_distance(first, second, seed=1)[0]
    assert "low" not in found["kid"]  # one block
    score = InceptionScore(130)
    score.update(first[:, :5])
    result = found["inception_score"]
    assert result["value"] == pytest.approx(score.scores.mean())
    reach = 2.2622 * score.scores.std(ddof=1) / 10**0.5
    assert result["high"] - result["value"] == pytest.approx(reach, rel=1e-4)
    for name, (value, error) in neighbours(second, first).items():
        low, high = uncertainty.interval(value, error, 10)
        assert found[name] == {
            "value": value,
            "standard_error": error,
            "low": max(low, 0),
            "high": high if name == "density" else min(high, 1),
        }


def test_names_say_the_network(features):
    found = measure(["fid", "is"], "stand-in", side(features[0]), side(features[1]))
    assert list(found) == ["fid_stand_in", "inception_score_stand_in"]
    found = measure(["fid", "fid_inf", "is"], "dino-v2", side(features[0]), side(features[1]))
    assert list(found) == ["frechet_dino_v2", "frechet_inf_dino_v2", "inception_score_dino_v2"]


OPTIONS = ["kid:degree=1:block=50:blocks=1", "is:splits=5", "prdc:k=3", "kid:degree=3"]


def test_options_stand_in_the_names(features):
    source = side(features[0], OPTIONS)
    found = measure(OPTIONS, "original", source, side(features[1], OPTIONS))
    assert list(found) == [
        "kid_degree_1_block_50_blocks_1",
        "inception_score_splits_5",
        *(f"{name}_k_3" for name in ("precision", "recall", "density", "coverage")),
        "kid",
    ]
    first, second = (np.float32(side) for side in features)
    assert found["recall_k_3"]["value"] == neighbours(second, first, k=3)["recall"][0]
    score = InceptionScore(130, splits=5)
    score.update(first[:, :5])
    assert found["inception_score_splits_5"]["value"] == pytest.approx(score.scores.mean())


def test_the_linear_kernel_gives_the_distance_of_the_means(features):
    """With degree 1 the unbiased estimate has a closed form."""
    x, y = features[0][:110], features[1]
    value, _, blocks = kernel_distance(x, y, degree=1)
    within = [(np.sum(z.sum(0) ** 2) - np.sum(z**2)) / (110 * 109 * 8) for z in (x, y)]
    assert blocks == 1
    assert value == pytest.approx(sum(within) - 2 * x.mean(0) @ y.mean(0) / 8)


@pytest.mark.parametrize(
    ("word", "words"),
    [
        ("kid:power=2", "no option power.*kid:degree=3:block=1000:blocks=0"),
        ("kid:degree=two", "invalid literal.*kid:degree=3"),
        ("kid:block=1", "block 2 or more"),
        ("fid:k=3", "no option k"),
        ("is:splits=0", "splits is 1 or more"),
        ("prdc:k=0", "k is 1 or more"),
        (f"{__name__}:Power:power=x", "could not convert"),
        ("kid:", "no metric kid:"),
    ],
)
def test_options_that_cannot_be_used(word, words):
    with pytest.raises(UserError, match=f"(?s){words}"):
        measures.find([word])


class Power(measures.Measure):
    def __init__(self, power=1.5):
        self.power = power

    def results(self, comparison):
        first, second = (side.statistics.mu for side in comparison.sides)
        return {"means": {"value": np.sum(np.abs(first - second) ** self.power)}}


def test_an_own_measure_has_options_too(features):
    both = [side(values) for values in features]
    words = [f"{__name__}:Power", f"{__name__}:Power:power=2"]
    found = measure(words, "original", *both)
    gap = np.abs(both[0].statistics.mu - both[1].statistics.mu)
    assert found["means"]["value"] == pytest.approx(np.sum(gap**1.5))
    assert found["means_power_2.0"]["value"] == pytest.approx(np.sum(gap**2))


def test_against_statistics_only(features):
    known = Side("file", 8)
    known.statistics = Statistics(np.zeros(8), np.eye(8), {}, "file")
    found = measure(["fid", "fid_inf"], "original", side(features[0]), known)
    assert found["fid"]["low"] < found["fid"]["value"] < found["fid"]["high"]
    assert measure(["fid"], "original", known, known) == {"fid": {"value": 0.0}}


@pytest.mark.parametrize(
    ("name", "has_images", "words"),
    [
        ("kid", (True, False), "both sides"),
        ("is", (False, True), "statistics file"),
        ("fid_inf", (False, False), "one side"),
        ("x", (True, True), "no metric"),
    ],
)
def test_sides_that_a_measure_cannot_take(name, has_images, words):
    with pytest.raises(UserError, match=words):
        measures.check([name], *has_images)


def test_sides_that_the_measures_can_take():
    measures.check(measures.NAMES, True, True)
    measures.check(["fid"], False, False)
    measures.check(["fid_inf"], False, True)
    measures.check(["is"], True, False)


@pytest.mark.parametrize(
    ("name", "least"),
    [
        *(("fid_inf", 8 * 8), ("is", 10), ("prdc", 6), ("kid", 2)),
        *(("kid:block=50", 50), ("kid:block=50:blocks=3", 150), ("is:splits=3", 3)),
    ],
)
def test_too_few_images_for_a_measure(name, least):
    measures.check_counts([name], 8, least, least)
    with pytest.raises(UserError, match=f"{name} of {least - 1} images?\n"):
        measures.check_counts([name], 8, least - 1, least)


def test_the_reference_has_no_score():
    measures.check_counts(["is"], 8, 10, 3)


def test_a_side_of_too_few_images_has_no_interval(features):
    found = measure(["fid"], "original", side(features[0][:15]), side(features[1]))
    assert list(found["fid"]) == ["value"]


def test_the_same_images_on_both_sides_have_no_interval(features):
    both = [of_digest("5", features[0]), of_digest("5", features[0])]
    found = measure(["fid"], "original", *both)
    assert found == {"fid": {"value": pytest.approx(0, abs=1e-6)}}
    assert list(measure(["prdc"], "original", *both)["recall"]) == ["value"]


@pytest.mark.parametrize(("digests", "has_interval"), [("55", False), ("56", True)])
def test_equal_features_of_one_digest_have_no_kernel_interval(digests, has_interval):
    features = np.random.default_rng(0).standard_normal((2000, 4))
    both = [of_digest(digest, features, ["kid"]) for digest in digests]
    found = measure(["kid"], "original", *both)["kid"]
    assert ("low" in found) == has_interval
    assert has_interval or list(found) == ["value"]


def test_a_share_of_none_is_not_certain(features):
    collapsed = features[1][:1] + 0.1 + 1e-3 * features[0]
    found = measure(["prdc"], "original", side(collapsed), side(features[1]))
    assert found["recall"] == {"value": 0.0}
    assert found["precision"] == {"value": 1.0}
    assert found["density"]["low"] >= 0


def test_which_is_better(features):
    reference, near, far = (
        side(np.random.default_rng(seed).standard_normal((200, 8)) + shift)
        for seed, shift in ((1, 0), (2, 0.1), (3, 1))
    )
    assert ranking.compare(near, far, reference)["answer"] == "yes"
    assert ranking.compare(far, near, reference)["answer"] == "no"
    same = side(np.random.default_rng(4).standard_normal((200, 8)) + 0.1)
    found = ranking.compare(near, same, reference)
    assert found["answer"] == "inconclusive"
    assert found["low"] < 0 < found["high"]
    for one in (near, reference):
        one.statistics.provenance["images_digest"] = "5"
    with pytest.raises(UserError, match="are the same images"):
        ranking.compare(near, far, reference)


def test_few_images_are_compared_only_in_equal_numbers():
    """With fewer images than eight times the features the correction is not good enough.

    Then equal numbers are compared, uncorrected.
    """
    assert ranking.can_compare(8, 64, 80, None)
    assert not ranking.can_compare(8, 25, 25, 100)
    for counts in ((25, 31, 100), (25, 40, None), (10, 10, 100)):
        with pytest.raises(UserError, match="equal numbers"):
            ranking.can_compare(8, *counts)
    random = np.random.default_rng(0)
    wrong = 0
    for _ in range(40):
        first, second, reference = (
            side(random.standard_normal((count, 8)), ["fid"]) for count in (24, 24, 300)
        )
        wrong += ranking.compare(first, second, reference)["answer"] != "inconclusive"
    assert wrong <= 7  # 5 % of 40 are 2; four standard errors more are 7.5


def test_interval_of_kid():
    """Blocks of 1,000: by Student's t the intervals of two blocks are wide."""
    random = np.random.default_rng(1)
    both = [side(random.standard_normal((2000, 3)), ["kid"]) for _ in range(2)]
    found = measure(["kid"], "original", *both)["kid"]
    reach = 12.706 * found["standard_error"]
    assert found["high"] - found["value"] == pytest.approx(reach, rel=1e-3)


# Measures of the user's own.


class Largest(measures.Measure):
    """Needs the features of both sides, and six images."""

    needs = measures.Needs.IMAGES_OF_BOTH

    def __init__(self):
        self.collects = (Maxima,)

    def least_images(self, dimension):
        return dimension - 2

    def results(self, comparison):
        first, second = (side.collected(Maxima).maximum for side in comparison.sides)
        return {"largest": comparison_result(first - second)}


class Maxima:
    def __init__(self, dimension, num_images):
        self.maximum = -np.inf

    def update(self, features, logits):
        self.maximum = max(self.maximum, features.max())


def comparison_result(value):
    return {"value": value, "standard_error": 0.5}


LARGEST = Largest()
INCOMPLETE = object()
SCALAR = type("Scalar", (measures.Measure,), {"results": lambda self, comparison: 3.0})


@pytest.mark.parametrize("word", [f"{__name__}:Largest", f"{__name__}:LARGEST"])
def test_a_measure_of_your_own_collects_and_is_checked_as_the_others(features, word):
    source, reference = (side(part, [word, "kid"]) for part in features)
    found = measure([word, "kid"], "stand-in", source, reference)
    assert found["largest_stand_in"] == {
        "value": pytest.approx(features[0].max() - features[1].max(), rel=1e-6),
        "standard_error": 0.5,
    }
    assert "kid_stand_in" in found
    with pytest.raises(UserError, match="images on both sides"):
        measures.check([word], True, False)
    with pytest.raises(UserError, match="of 5 images"):
        measures.check_counts([word], 8, 5, 6)


@pytest.mark.parametrize(
    ("word", "words"),
    [
        (f"{__name__}:INCOMPLETE", "has no title and no needs"),
        (f"{__name__}:Side", "missing 2 required"),
        (f"{__name__}:nothing", "has no nothing"),
        ("nowhere.py:Measure", "no file nowhere.py"),
    ],
)
def test_what_cannot_serve_as_a_measure(word, words):
    with pytest.raises(UserError, match=words):
        measures.find([word])


def test_results_without_a_value_are_refused(features):
    both = [side(part, ["fid"]) for part in features]
    with pytest.raises(UserError, match=r"results of .*:SCALAR are 3\.0"):
        measure([f"{__name__}:SCALAR"], "original", *both)


def test_every_entry_is_complete():
    for name, entry in measures.MEASURES.items():
        assert entry.help, name
        made = entry.make()
        assert made.title, name
        assert made.least_images(2048) >= 0
        assert all(hasattr(collector(8, 100), "update") for collector in made.collects)
