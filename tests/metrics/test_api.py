import json
import subprocess
import sys
import textwrap
import warnings

import numpy as np
import pytest
import tensorflow as tf

from tests.conftest import assert_refused
from tests.metrics.mini_inception import graph_bytes
from tf_ttur import metrics
from tf_ttur.data.quantisation import quantise
from tf_ttur.errors import UserError
from tf_ttur.metrics import inception, measures
from tf_ttur.metrics.inception import Inception
from tf_ttur.metrics.networks import FeatureNetwork
from tf_ttur.metrics.pixels import PixelPooling

pytestmark = pytest.mark.filterwarnings("ignore:.*images for [0-9]+ features")

MEAN_DISTANCE = """
import numpy as np

from tf_ttur.metrics.measures import Measure


class MeanDistance(Measure):
    def results(self, comparison):
        first, second = (side.statistics.mu for side in comparison.sides)
        return {"mean_distance": {"value": np.linalg.norm(first - second)}}
"""


@pytest.fixture(scope="module")
def network():
    return Inception(graph_bytes())


@pytest.fixture(scope="module")
def images():
    random = np.random.default_rng(0)
    generated = random.integers(0, 256, (70, 16, 16, 3), np.uint8)
    return generated, random.integers(0, 200, (90, 16, 16, 3), np.uint8)


def in_turn(images):
    """A function that draws the images in turn, and from the start again after the last."""
    drawn = 0

    def draw(count):
        nonlocal drawn
        drawn += count
        return np.take(images, np.arange(drawn - count, drawn), 0, mode="wrap")

    return draw


def test_the_distance_is_that_of_the_features(network, images):
    found = metrics.evaluate(*images, network)["fid_unknown"]
    (first, cov_1), (second, cov_2) = (
        (features.mean(0), np.cov(features, rowvar=False))
        for features in (network(side)[0].numpy().astype(np.float64) for side in images)
    )
    traces = (
        np.trace(cov_1)
        + np.trace(cov_2)
        - 2 * np.sqrt(np.linalg.eigvals(cov_1 @ cov_2).clip(0)).real.sum()
    )
    assert found["value"] == pytest.approx(((first - second) ** 2).sum() + traces, rel=1e-5)
    assert found["low"] < found["value"] < found["high"]


def test_all_measures_take_one_pass(network, images):
    passed = []

    class Counting:
        def __getattr__(self, name):
            return getattr(network, name)

        def __call__(self, batch):
            passed.append(len(batch))
            return network(batch)

    enough = [np.tile(side, (3, 1, 1, 1)) for side in images]  # for fid_inf
    metrics.evaluate(*enough, Counting(), ["fid", "fid_inf", "kid", "is", "prdc"])
    assert sum(passed) == sum(map(len, enough))


def test_every_form_of_the_same_images_gives_the_same(network, images):
    names = ["fid", "kid", "is", "prdc"]
    generated, real = images
    expected = metrics.evaluate(generated, real, network, names, batch_size=30)
    assert set(expected) == {
        f"{name}_unknown"
        for name in ("fid", "kid", "inception_score", "precision", "recall", "density", "coverage")
    }
    data_set = tf.data.Dataset.from_tensor_slices(generated)
    floats = generated / np.float32(127.5) - 1
    odd_batches = tf.data.Dataset.from_generator(
        lambda: iter((real[:7], real[7:50], real[50:])),
        output_signature=tf.TensorSpec((None, None, None, 3), tf.uint8),
    )
    for form in (
        data_set,
        data_set.batch(8),
        data_set.filter(lambda image: True),
        in_turn(generated),
        floats,
        in_turn(floats),
    ):
        assert (
            metrics.evaluate(form, odd_batches, network, names, num_images=70, batch_size=30)
            == expected
        )


def test_statistics_stand_for_images(network, images, tmp_path):
    generated, real = images
    known = metrics.compute_statistics(tf.data.Dataset.from_tensor_slices(real), network)
    known.save(tmp_path / "real.npz")
    known = metrics.load_statistics(tmp_path / "real.npz")
    found = metrics.evaluate(generated, known, network)["fid_unknown"]
    assert found["value"] == pytest.approx(
        metrics.evaluate(generated, real, network)["fid_unknown"]["value"], rel=1e-9
    )
    assert known.provenance["source"] == "images: data set"
    assert known.provenance["quantisation"] == "uint8"
    # Without a network.
    both = metrics.evaluate(metrics.compute_statistics(generated, network), known)
    assert both == {"fid_unknown": {"value": pytest.approx(found["value"], rel=1e-9)}}


def halves(levels):
    return tf.round(levels * 2) / 2


@pytest.mark.parametrize("how", ["round", "truncate", "float", f"{__name__}:halves"])
def test_floats_go_through_the_quantisation(network, images, how):
    floats = np.random.default_rng(1).uniform(-1.2, 1.2, (40, 16, 16, 3)).astype(np.float32)
    found = metrics.compute_statistics(floats, network, batch_size=16, quantisation=how)
    assert found.provenance["quantisation"] == how
    features = network(quantise(floats, how))[0].numpy()
    np.testing.assert_allclose(found.mu, features.mean(0, np.float64), rtol=1e-5)


def test_whole_batches_are_drawn_and_all_but_the_wanted_left_out(network, images):
    counts = []

    def draw(count):
        counts.append(count)
        return images[0][:count]

    found = metrics.compute_statistics(draw, network, num_images=50, batch_size=20)
    assert counts == [20, 20, 20]
    assert found.provenance["num_images"] == 50


def test_which_is_nearer(network, images):
    random = np.random.default_rng(2)
    reference = random.integers(0, 256, (200, 16, 16, 3), np.uint8)
    alike = random.integers(0, 256, (200, 16, 16, 3), np.uint8)
    far = random.integers(0, 128, (200, 16, 16, 3), np.uint8)
    assert metrics.compare(alike, far, reference, network)["answer"] == "yes"
    known = metrics.compute_statistics(reference, network)
    assert metrics.compare(far, alike, known, network)["answer"] == "no"
    with pytest.raises(UserError, match="equal numbers"):
        metrics.compare(alike[:30], far[:40], reference, network)
    with pytest.raises(UserError, match="carry no sampling error"):
        metrics.compare(metrics.compute_statistics(alike, network), far, reference, network)


@pytest.mark.parametrize(
    ("form", "words"),
    [
        (np.zeros((4, 16), np.uint8), r"shape \(4, 16\)"),
        (np.zeros((4, 3, 16, 16), np.uint8), "channels last"),
        (np.zeros((0, 16, 16, 3), np.uint8), r"shape \(0, 16"),
        (np.zeros((4, 16, 16, 3), np.int64), "type int64"),
        (np.full((4, 16, 16, 3), 255.0), "floats from 255"),
        (np.full((4, 16, 16, 3), np.nan), "NaN in image 0"),
        (lambda count: np.zeros((count - 1, 16, 16, 3), np.uint8), "correct the function"),
        (lambda count: "images", "correct the function"),
        (tf.data.Dataset.from_tensors((np.zeros((16, 16, 3), np.uint8), 1)), "leave out the rest"),
        (tf.data.Dataset.from_tensors(np.zeros((16, 16, 3), np.uint8)).repeat(), "without an end"),
        (tf.data.Dataset.from_tensors(np.zeros((16, 16, 3), np.uint8)), "at least 2"),
        (np.full((40, 18, 16, 3), 9, np.uint8), "16x18"),
        (
            lambda count: np.zeros((count, 18, 16, 3), np.uint8),
            r"\(18, 16, 3\), after others of \(16, 16, 3\)",
        ),
    ],
)
def test_what_are_no_images_is_refused(network, images, form, words):
    with pytest.raises(UserError, match=words):
        metrics.evaluate(form, images[1], network)


def test_other_mistakes(network, images):
    with pytest.raises(UserError, match="no metric fud"):
        metrics.evaluate(*images, network, "fid,fud")
    with pytest.raises(UserError, match="only statistics"):
        metrics.evaluate(
            images[0], metrics.compute_statistics(images[1], network), network, ["kid"]
        )
    with pytest.raises(UserError, match=r"(?s)no quantisation 'rnd'.*did you mean round"):
        metrics.evaluate(*images, network, quantisation="rnd")
    with pytest.raises(UserError, match="batch_size 0"):
        metrics.compute_statistics(images[0], network, batch_size=0)
    with pytest.raises(UserError, match=r"probably of 0 \.\.\. 1"):
        metrics.compute_statistics(images[0] / 255, network)
    assert "evaluate" in dir(metrics)
    with pytest.raises(AttributeError, match="no attribute 'fud'"):
        _ = metrics.fud


@pytest.mark.parametrize("second", [60, 80, 0])
def test_a_data_set_that_changes_is_refused(network, images, second):
    numbers = iter([70, second])
    data_set = tf.data.Dataset.from_generator(
        lambda: iter(images[1][: next(numbers)]),
        output_signature=tf.TensorSpec((16, 16, 3), tf.uint8),
    )
    with pytest.raises(UserError, match="where there were 70 before"):
        metrics.evaluate(data_set, images[1], network, ["is"], batch_size=30)


def test_statistics_take_one_pass(network, images):
    passes = []
    data_set = tf.data.Dataset.from_generator(
        lambda: passes.append(1) or iter(images[0]),
        output_signature=tf.TensorSpec((16, 16, 3), tf.uint8),
    )
    assert metrics.compute_statistics(data_set, network).provenance["num_images"] == 70
    assert len(passes) == 1


def test_mixed_precision_is_allowed_by_name(network, images):
    known = metrics.compute_statistics(images[1], Inception(graph_bytes(), "bfloat16"))
    with pytest.raises(UserError, match="precision"):
        metrics.evaluate(images[0], known, network)
    assert metrics.evaluate(images[0], known, network, allow_mixed=True)


def test_of_few_real_images_fid_inf_is_not_without_bias(network, images):
    few, many = (
        metrics.compute_statistics(np.concatenate([images[1]] * count), network) for count in (1, 4)
    )
    generated = np.concatenate([images[0]] * 3)
    with pytest.warns(UserWarning, match="real is of 90 images and counts as exact"):
        metrics.evaluate(generated, few, network, ["fid_inf"])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        metrics.evaluate(generated, many, network, ["fid_inf"])
    same = metrics.evaluate(generated, generated, network, ["fid", "fid_inf"])
    assert [set(value) for value in same.values()] == [{"value"}] * 2  # no two samples: no interval


def test_the_example_runs(images, tmp_path, monkeypatch):
    """With a network that is not the original, which stands in the name."""
    (tmp_path / "graph.pb").write_bytes(graph_bytes())
    monkeypatch.setenv("TF_TTUR_INCEPTION", str(tmp_path / "graph.pb"))
    monkeypatch.chdir(tmp_path)
    example = textwrap.dedent(
        metrics.__doc__.split("\n\n", 1)[1].split("Images, on either side")[0]
    )
    random = np.random.default_rng(3)
    given = {
        name: random.integers(0, 256, (200, 16, 16, 3), np.uint8)
        for name in ("photographs", "generated", "others")
    }
    exec(example.replace('"fid"]', '"fid_unknown"]'), given)
    assert given["found"]["fid_unknown"]["low"] < given["found"]["fid_unknown"]["high"]
    assert (tmp_path / "real.npz").exists()


def test_what_needs_no_tensorflow_is_to_be_had_without():
    code = """
import sys
import numpy as np
import tf_ttur.metrics.moments
from tf_ttur import metrics
both = [metrics.Statistics(np.full(3, mean), np.eye(3), {}, "side") for mean in (0.0, 2.0)]
print(metrics.evaluate(*both)["fid_unknown"]["value"], 'tensorflow' in sys.modules)
"""
    process = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    )
    assert process.stdout.split() == ["12.0", "False"]


def test_a_measure_of_your_own(network, images, tmp_path):
    """In a file, asked for by its path."""
    (tmp_path / "mine.py").write_text(MEAN_DISTANCE, encoding="utf-8")
    word = f"{tmp_path}/mine.py:MeanDistance"
    found = metrics.evaluate(*images, network, ["fid", word])
    assert list(found) == ["fid_unknown", "mean_distance_unknown"]
    means = [network(side)[0].numpy().mean(0, np.float64) for side in images]
    expected = np.linalg.norm(means[0] - means[1])
    assert found["mean_distance_unknown"] == {"value": pytest.approx(expected, rel=1e-6)}
    known = [metrics.compute_statistics(side, network) for side in images]
    assert metrics.evaluate(*known, names=word) == {
        "mean_distance_unknown": found["mean_distance_unknown"]
    }


def test_a_measure_of_your_own_by_the_command(network, images, tmp_path, tool):
    """Together with one that ships; help names those that ship."""
    (tmp_path / "mine.py").write_text(MEAN_DISTANCE, encoding="utf-8")
    for name, side in zip("ab", images, strict=True):
        metrics.compute_statistics(side, network).save(tmp_path / f"{name}.npz")
    both = [tmp_path / "a.npz", tmp_path / "b.npz"]
    words = f"fid,{tmp_path}/mine.py:MeanDistance"
    process = tool("tools/fid.py", *both, "--metrics", words, "--json")
    assert process.returncode == 0, process.stderr
    found = json.loads(process.stdout)["metrics"]
    assert list(found) == ["fid_unknown", "mean_distance_unknown"]
    assert found == metrics.evaluate(*map(metrics.load_statistics, both), names=words)
    assert_refused(tool("tools/fid.py", *both, "--metrics", f"{tmp_path}/mine.py:Mean"), "no Mean")
    text = tool("tools/fid.py", "--help").stdout
    for name, entry in measures.MEASURES.items():
        assert f"  {name}  " in text
        assert entry.help in text


@pytest.mark.parametrize("flags", [[], ["--explain"], ["--json"], ["--explain", "--json"]])
def test_the_command_compares_statistics_without_tensorflow(tmp_path, flags):
    for name in "ab":
        np.savez(tmp_path / f"{name}.npz", mu=np.zeros(3), sigma=np.eye(3))
    arguments = ["fid", str(tmp_path / "a.npz"), str(tmp_path / "b.npz"), *flags]
    code = f"""
import sys
from tf_ttur import commands
try: commands.main({arguments})
finally: print({{'tensorflow', 'keras', 'matplotlib', 'PIL'}} & set(sys.modules), file=sys.stderr)
"""
    process = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    )
    assert "fid_unknown" in process.stdout
    assert process.stderr.splitlines()[-1] == "set()"


def test_feature_networks_have_one_interface(network, images, tmp_path):
    class Module(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec((None, 299, 299, 3))])
        def __call__(self, images):
            return {
                "pool_3": tf.reduce_mean(images, (1, 2)),
                "logits": tf.reduce_max(images, (1, 2)),
            }

    tf.saved_model.save(Module(), str(tmp_path / "module"))
    networks = [
        network,
        inception.HubInception(str(tmp_path / "module")),
        inception.Replicated(network, ["CPU:0", "CPU:1"]),
        PixelPooling(),
    ]
    for one in networks:
        assert isinstance(one, FeatureNetwork)
        assert inception.metric_name(one.network) == one.metric
        assert all(isinstance(text, str) for text in (one.metric, one.digest, one.precision))
        for batch in (images[0][:3], images[0][:3].astype(np.float32)):
            features, logits = one(batch)
            assert features.dtype == tf.float32
            assert features.shape == (3, one.dimension)
            assert logits is None or (logits.dtype == tf.float32 and logits.shape[0] == 3)
    assert not isinstance(lambda images: (images, None), FeatureNetwork)


def test_the_score_needs_logits(images):
    with pytest.raises(UserError, match="without logits"):
        metrics.evaluate(*images, PixelPooling(), ["is"])
