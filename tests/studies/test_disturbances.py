import json

import numpy as np
import pytest

from tests.metrics.mini_inception import graph_bytes
from tf_ttur.data.disturbances import DISTURBANCES, LEVELS, disturb, replacements
from tf_ttur.data.images import Images
from tf_ttur.errors import UserError
from tf_ttur.metrics import extraction
from tf_ttur.metrics.frechet import frechet_distance
from tf_ttur.metrics.inception import Inception
from tf_ttur.metrics.inception_score import InceptionScore
from tf_ttur.studies import disturbances as study

pytestmark = pytest.mark.filterwarnings("ignore:.*images for [0-9]+ features")


@pytest.fixture(scope="module")
def network():
    return Inception(graph_bytes())


@pytest.fixture
def others(tmp_path):
    np.save(
        tmp_path / "others.npy", np.random.default_rng(0).integers(0, 256, (9, 48, 48, 3), np.uint8)
    )
    return Images(str(tmp_path / "others.npy"))


def reference(images, network):
    return extraction.compute(images.in_order(16), network, {}, "reference")


def test_every_level_by_hand(network, others, tmp_path):
    images = Images("digits:60")
    real = reference(images, network)
    rows, settings = study.measure(
        images, network, real, tmp_path, 40, batch_size=16, seed=2, others=others
    )
    assert len(rows) == 1 + 3 * (len(DISTURBANCES) + 1) and settings["images"] == 40
    first = next(images.in_order(40)) / np.float32(127.5) - 1

    def check(row, pool_3, logits):
        score = InceptionScore(40)
        score.update(logits)
        assert row["fid"] == pytest.approx(
            frechet_distance(pool_3.mean(0), np.cov(pool_3, rowvar=False), real.mu, real.sigma),
            rel=1e-4,
            abs=1e-8,
        )
        assert row["inception_score"] == pytest.approx(score.scores.mean(), rel=1e-6)

    outputs = [np.asarray(x, np.float64) for x in network((first + 1) * 127.5)]
    other_outputs = [np.asarray(x, np.float64) for x in network(next(others.in_order(9)))]
    for row in rows:
        if row["disturbance"] == study.UNDISTURBED:
            check(row, *outputs)
        elif row["disturbance"] == study.MIXED:
            chosen = replacements(40, 9, row["alpha"], seed=2)
            check(
                row,
                *(
                    np.where((chosen >= 0)[:, None], other[chosen], own)
                    for own, other in zip(outputs, other_outputs)
                ),
            )
        else:
            disturbed = disturb(first, row["disturbance"], row["level"], seed=2)
            check(row, *(np.asarray(x, np.float64) for x in network((disturbed + 1) * 127.5)))


def test_it_goes_on_where_it_stopped(network, tmp_path):
    images = Images("digits:40")
    real = reference(images, network)
    whole, _ = study.measure(images, network, real, tmp_path / "whole", 40, names=["blur", "swirl"])
    study.measure(images, network, real, tmp_path / "parts", 40, names=["blur"])
    calls = []

    def counting(batch):
        calls.append(len(batch))
        return network(batch)

    counting.dimension, counting.network, counting.digest, counting.precision = (
        getattr(network, n) for n in ("dimension", "network", "digest", "precision")
    )
    parts, _ = study.measure(
        images, counting, real, tmp_path / "parts", 40, names=["blur", "swirl"]
    )
    assert sum(calls) == 3 * 40  # the levels of swirl alone
    assert parts == whole
    with pytest.raises(UserError, match="another seed"):
        study.measure(images, network, real, tmp_path / "parts", 40, seed=1)


@pytest.mark.parametrize("content", ["not json", "[1, 2]\n", '{"source": 1}\n{"level": 2}\n'])
def test_a_log_of_something_else_is_left_alone(network, tmp_path, content):
    images = Images("digits:40")
    (tmp_path / "disturb.jsonl").write_text(content)
    with pytest.raises(UserError, match="not what this study writes"):
        study.measure(images, network, reference(images, network), tmp_path, 40)
    assert (tmp_path / "disturb.jsonl").read_text() == content


def test_images_that_are_not_square_are_refused(network, tmp_path):
    np.save(tmp_path / "wide.npy", np.zeros((12, 32, 64, 3), np.uint8))
    images = Images(str(tmp_path / "wide.npy"))
    with pytest.raises(UserError, match="64x32"):
        study.measure(images, network, reference(images, network), tmp_path / "out", 12)


def make_rows(fid, score, name="blur"):
    rows = [
        dict(
            disturbance=study.UNDISTURBED,
            level=0,
            alpha=0,
            fid=fid[0],
            inception_score=score[0],
            inception_score_std=0.1,
        )
    ]
    rows += [
        dict(
            disturbance=name,
            level=n,
            alpha=n,
            fid=fid[n],
            inception_score=score[n],
            inception_score_std=0.1,
        )
        for n in (3, 1, 2)
    ]
    return rows


def test_summary():
    found = study.summarise(make_rows((0.5, 1, 2, 3), (2.0, 1.5, 2.5, 1.0)))["blur"]
    assert (
        found["fid"] == [0.5, 1, 2, 3] and found["fid_rises"] and not found["inception_score_falls"]
    )
    assert (
        study.summarise(make_rows((0, 1, 2, 3), (2.0, 1.5, 1.4, 1.0)), limit="published")["blur"][
            "ind_limit"
        ]
        == 2.5
    )
    assert (
        study.summarise(make_rows((0, 1, 2, 3), (2.0, 1.5, 1.4, 1.0))[:3]) == {}
    )  # not all levels
    assert found["ind_limit"] == 2.5 and found["ind"] == [0.5, 1.0, 0.0, 1.5]
    assert study.summarise(make_rows((0, 1, 2, 3), (2.0, 1.5, 1.4, 1.0)), limit=4)["blur"][
        "ind"
    ] == [2.0, 2.5, 2.6, 3.0]
    saturated = study.summarise(make_rows((0, 1, 3, 2), (2.0, 1.5, 1.4, 1.0)))["blur"]
    assert not saturated["fid_rises"] and saturated["inception_score_falls"]


def test_report(tmp_path):
    settings = {
        "images": 40,
        "source": "digits:40",
        "seed": 0,
        "network": "stand-in",
        "precision": "float32",
        "swirl_radius": 25,
        "mixed_in": "others",
    }
    example = np.zeros((32, 32, 3), np.uint8)
    for name in ("blur", study.MIXED):
        rows = make_rows((0, 1, 2, 3), (2.0, 1.5, 2.5, 1.0), name)
        verdict = study.study(rows, settings, "fid_stand_in", example).write(tmp_path / name)
        assert (
            verdict
            == "fid_stand_in rises with every level of 1 of 1 disturbances; the Inception Score falls with every level of 0 of 1 disturbances."
        )
        numbers = json.loads((tmp_path / name / "disturb.json").read_text())
        assert numbers["disturbances"][name]["fid"] == [0, 1, 2, 3]
        assert {file.suffix for file in (tmp_path / name).iterdir()} == {
            ".svg",
            ".png",
            ".json",
            ".md",
        }
        text = (tmp_path / name / "disturb.md").read_text()
        assert (
            text.startswith(verdict)
            and "stand-in" in text
            and len(text.splitlines()) == 2 + 2 + len(LEVELS)
        )
