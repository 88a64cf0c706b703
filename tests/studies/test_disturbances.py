import numpy as np
import pytest

from tests.metrics.mini_inception import graph_bytes
from tf_ttur.data.disturbances import DISTURBANCES, MIXED, disturb, replacements
from tf_ttur.data.images import Images
from tf_ttur.errors import UserError
from tf_ttur.metrics import extraction
from tf_ttur.metrics.frechet import frechet_distance
from tf_ttur.metrics.inception import Inception
from tf_ttur.metrics.inception_score import InceptionScore
from tf_ttur.studies import disturb as study_of_words
from tf_ttur.studies import disturbances as study

pytestmark = pytest.mark.filterwarnings("ignore:.*images for [0-9]+ features")


@pytest.fixture(scope="module")
def network():
    return Inception(graph_bytes())


@pytest.fixture
def others(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (9, 48, 48, 3), np.uint8)
    np.save(tmp_path / "others.npy", images)
    return Images(str(tmp_path / "others.npy"))


def reference(images, network):
    return extraction.compute(images.in_order(16), network, {}, "reference")


def test_every_level_by_hand(network, others, tmp_path):
    images = Images("digits:60")
    real = reference(images, network)
    rows, settings = study.measure(
        images, network, real, tmp_path, count=40, batch_size=16, seed=2, others=others
    )
    assert len(rows) == 1 + 3 * (len(DISTURBANCES) + 1) and settings["images"] == 40
    first = next(images.in_order(40)) / np.float32(127.5) - 1

    def outputs_of(batch):
        """What the network gives for images in 0 ... 255."""
        return [np.asarray(output, np.float64) for output in network(batch)]

    undisturbed = outputs_of((first + 1) * 127.5)
    other_outputs = outputs_of(next(others.in_order(9)))
    for row in rows:
        if row["disturbance"] == study.UNDISTURBED:
            pool_3, logits = undisturbed
        elif row["disturbance"] == MIXED:
            chosen = replacements(40, 9, row["alpha"], seed=2)
            replaced = (chosen >= 0)[:, None]
            pool_3, logits = (
                np.where(replaced, other[chosen], own)
                for own, other in zip(undisturbed, other_outputs, strict=True)
            )
        else:
            disturbed = disturb(first, row["disturbance"], row["level"], seed=2)
            pool_3, logits = outputs_of((disturbed + 1) * 127.5)
        score = InceptionScore(40)
        score.update(logits)
        covariance = np.cov(pool_3, rowvar=False)
        distance = frechet_distance(pool_3.mean(0), covariance, real.mu, real.sigma)
        assert row["fid"] == pytest.approx(distance, rel=1e-4, abs=1e-8)
        assert row["inception_score"] == pytest.approx(score.scores.mean(), rel=1e-6)


class CountingNetwork:
    """A network that counts the images that it is called with."""

    def __init__(self, network):
        self._network = network
        self.num_images = 0
        for name in ("dimension", "network", "digest", "precision"):
            setattr(self, name, getattr(network, name))

    def __call__(self, batch):
        self.num_images += len(batch)
        return self._network(batch)


def test_it_resumes_where_it_stopped(network, tmp_path):
    images = Images("digits:40")
    real = reference(images, network)
    names = ["blur", "swirl"]
    at_once, _ = study.measure(images, network, real, tmp_path / "at_once", count=40, names=names)
    study.measure(images, network, real, tmp_path / "resumed", count=40, names=["blur"])
    counting = CountingNetwork(network)
    resumed, _ = study.measure(images, counting, real, tmp_path / "resumed", count=40, names=names)
    assert counting.num_images == 3 * 40  # the levels of swirl alone
    assert resumed == at_once
    with pytest.raises(UserError, match="another seed"):
        study.measure(images, network, real, tmp_path / "resumed", count=40, seed=1)


@pytest.mark.parametrize("content", ["not json", "[1, 2]\n", '{"source": 1}\n{"level": 2}\n'])
def test_a_log_of_something_else_is_left_alone(network, tmp_path, content):
    images = Images("digits:40")
    log = tmp_path / "disturb.jsonl"
    log.write_text(content, encoding="utf-8")
    with pytest.raises(UserError, match="not what this study writes"):
        study.measure(images, network, reference(images, network), tmp_path, count=40)
    assert log.read_text(encoding="utf-8") == content


def test_images_that_are_not_square_are_refused(network, tmp_path):
    np.save(tmp_path / "wide.npy", np.full((12, 32, 64, 3), 100, np.uint8))
    images = Images(str(tmp_path / "wide.npy"))
    with pytest.raises(UserError, match="64x32"):
        study.measure(images, network, reference(images, network), tmp_path / "out", count=12)


def test_from_words_to_the_report(network, others, tmp_path, monkeypatch):
    """Fewer images than asked for, and others of another size."""
    monkeypatch.setattr(study_of_words.inception, "load", lambda *_: network)
    options = study_of_words.Options(
        source="digits:40",
        output=str(tmp_path),
        mixed_in=str(tmp_path / "others.npy"),
        only=["blur", MIXED],
    )
    report = study_of_words.study(options)
    assert report.numbers["settings"]["images"] == 40
    assert report.numbers["settings"]["mixed_in"] == str(tmp_path / "others.npy")
    assert list(report.numbers["disturbances"]) == ["blur", MIXED]
    assert report.numbers["metric"] == network.metric
