import numpy as np
import pytest

from tf_ttur.errors import UserError
from tf_ttur.metrics import measures, uncertainty
from tf_ttur.metrics.frechet import frechet_distance
from tf_ttur.metrics.inception_score import InceptionScore
from tf_ttur.metrics.kernel_distance import kernel_distance
from tf_ttur.metrics.neighbours import neighbours
from tf_ttur.metrics.statistics import Statistics


def side(features, names=measures.NAMES, logits=None):
    """A side whose features passed in batches of 16."""
    features = np.asarray(features, np.float32)
    logits = features[:, :5] if logits is None else logits
    result = measures.Side("side", names, features.shape[1], len(features))
    for start in range(0, len(features), 16):
        result.observe(features[start : start + 16], logits[start : start + 16])
    result.statistics = Statistics(
        features.mean(0, np.float64),
        np.cov(features, rowvar=False),
        {"network": "original"},
        "side",
    )
    return result


@pytest.fixture
def features():
    random = np.random.default_rng(0)
    return random.standard_normal((130, 8)), random.standard_normal((110, 8)) + 0.4


def test_every_measure_is_that_of_its_module(features):
    source, reference = side(features[0]), side(features[1])
    found = measures.measure(measures.NAMES, "original", source, reference, seed=1)
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
    assert found["fid"]["value"] == pytest.approx(
        frechet_distance(*moments[0], *moments[1]), rel=1e-6
    )
    estimate = uncertainty.frechet(source.groups, reference.groups)
    assert (found["fid"]["low"], found["fid"]["high"]) == estimate.interval()
    assert found["fid_inf"]["value"] == estimate.corrected < found["fid"]["value"]
    assert found["kid"]["value"] == kernel_distance(first, second, seed=1)[0]
    assert "low" not in found["kid"]  # one block
    score = InceptionScore(130)
    score.update(first[:, :5])
    assert found["inception_score"]["value"] == pytest.approx(score.scores.mean())
    assert found["inception_score"]["high"] - found["inception_score"]["value"] == pytest.approx(
        2.2622 * score.scores.std(ddof=1) / 10**0.5, rel=1e-4
    )
    for name, (value, error) in neighbours(second, first).items():
        low, high = uncertainty.interval(value, error, 10)
        assert found[name] == {
            "value": value,
            "standard_error": error,
            "low": max(low, 0),
            "high": high if name == "density" else min(high, 1),
        }


def test_names_say_the_network(features):
    found = measures.measure(["fid", "is"], "stand-in", side(features[0]), side(features[1]))
    assert list(found) == ["fid_stand_in", "inception_score_stand_in"]


def test_against_statistics_only(features):
    known = measures.Side("file", ["fid"], 8)
    known.statistics = Statistics(np.zeros(8), np.eye(8), {}, "file")
    found = measures.measure(["fid", "fid_inf"], "original", side(features[0]), known)
    assert found["fid"]["low"] < found["fid"]["value"] < found["fid"]["high"]
    assert measures.measure(["fid"], "original", known, known) == {"fid": {"value": 0.0}}


def test_what_cannot_be_measured(features):
    for name, sides, word in (
        ("kid", (True, False), "both sides"),
        ("is", (False, True), "statistics file"),
        ("fid_inf", (False, False), "one side"),
        ("x", (True, True), "no metric"),
    ):
        with pytest.raises(UserError, match=word):
            measures.check([name], *sides)
    measures.check(measures.NAMES, True, True)
    for name, least in (("fid_inf", 8 * 8), ("is", 10), ("prdc", 6), ("kid", 2)):
        measures.check_counts([name], 8, least, least)
        with pytest.raises(UserError, match=f"{name} of {least - 1} images"):
            measures.check_counts([name], 8, least - 1, least)
    measures.check_counts(["is"], 8, 10, 3)  # the reference has no score


def test_a_side_of_too_few_images_has_no_interval(features):
    assert list(
        measures.measure(["fid"], "original", side(features[0][:15]), side(features[1]))["fid"]
    ) == ["value"]


def test_the_same_images_on_both_sides_have_no_interval(features):
    both = [side(features[0]), side(features[0])]
    for each in both:
        each.statistics.provenance["images_digest"] = "5"
    assert measures.measure(["fid"], "original", *both) == {
        "fid": {"value": pytest.approx(0, abs=1e-6)}
    }
    assert list(measures.measure(["prdc"], "original", *both)["recall"]) == ["value"]


def test_equal_features_of_one_digest_have_no_kernel_interval():
    features = np.random.default_rng(0).standard_normal((2000, 4))
    found = []
    for digests in (("5", "5"), ("5", "6")):
        both = [side(features, ["kid"]) for _ in digests]
        for each, digest in zip(both, digests):
            each.statistics.provenance["images_digest"] = digest
        found.append(measures.measure(["kid"], "original", *both)["kid"])
    assert list(found[0]) == ["value"] and "low" in found[1]


def test_a_share_of_none_is_not_sure(features):
    collapsed = features[1][:1] + 0.1 + 1e-3 * features[0]
    found = measures.measure(["prdc"], "original", side(collapsed), side(features[1]))
    assert found["recall"] == {"value": 0.0} and found["precision"] == {"value": 1.0}
    assert found["density"]["low"] >= 0


def test_which_is_better(features):
    reference, near, far = (
        side(np.random.default_rng(seed).standard_normal((200, 8)) + shift)
        for seed, shift in ((1, 0), (2, 0.1), (3, 1))
    )
    assert measures.compare(near, far, reference)["answer"] == "yes"
    assert measures.compare(far, near, reference)["answer"] == "no"
    same = side(np.random.default_rng(4).standard_normal((200, 8)) + 0.1)
    found = measures.compare(near, same, reference)
    assert found["answer"] == "inconclusive" and found["low"] < 0 < found["high"]
    for each in (near, reference):
        each.statistics.provenance["images_digest"] = "5"
    with pytest.raises(UserError, match="are the same images"):
        measures.compare(near, far, reference)


def test_few_images_are_compared_only_in_equal_numbers():
    """With fewer images than eight times the features the correction is not good enough: then equal
    numbers, uncorrected.
    """
    assert measures.can_compare(8, 64, 80, None) and not measures.can_compare(8, 25, 25, 100)
    for counts in ((25, 31, 100), (25, 40, None), (10, 10, 100)):
        with pytest.raises(UserError, match="equal numbers"):
            measures.can_compare(8, *counts)
    random = np.random.default_rng(0)
    wrong = 0
    for _ in range(40):
        first, second, reference = (
            side(random.standard_normal((count, 8)), ["fid"]) for count in (24, 24, 300)
        )
        wrong += measures.compare(first, second, reference)["answer"] != "inconclusive"
    assert wrong <= 7  # 5 % of 40 are 2; four standard errors more are 7.5


def test_interval_of_kid():
    """Blocks of 1,000: by Student's t the intervals of two blocks are wide."""
    random = np.random.default_rng(1)
    found = measures.measure(
        ["kid"], "original", *(side(random.standard_normal((2000, 3)), ["kid"]) for _ in range(2))
    )["kid"]
    assert found["high"] - found["value"] == pytest.approx(
        12.706 * found["standard_error"], rel=1e-3
    )
