"""The protocols of other tools, against their definitions written anew in NumPy and Pillow."""

import json
import types

import numpy as np
import PIL.Image
import pytest
import scipy.linalg
import tensorflow as tf

from tests.conftest import assert_refused
from tests.metrics.mini_inception import graph_bytes
from tf_ttur import metrics
from tf_ttur.errors import UserError
from tf_ttur.keras import FrechetInceptionDistance
from tf_ttur.metrics.adm_neighbours import precision_recall
from tf_ttur.metrics.inception import Inception, Replicated

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*images for [0-9]+ features"),
    pytest.mark.filterwarnings("ignore:.*does not say where it comes from"),
]


def bytes_with_spatial_node():
    """The small graph, in which one node is called as that of the spatial features."""
    graph = tf.compat.v1.GraphDef.FromString(graph_bytes())
    for node in graph.node:
        node.name = node.name.replace("mixed/conv", "mixed_6/conv")
        for number, name in enumerate(node.input):
            node.input[number] = name.replace("mixed/conv", "mixed_6/conv")
    return graph.SerializeToString()


@pytest.fixture(scope="module")
def network():
    return Inception(bytes_with_spatial_node())


@pytest.fixture(scope="module")
def sides():
    """(60 samples, 50 reference images)."""
    random = np.random.default_rng(0)
    reference = random.integers(0, 256, (50, 16, 16, 3), np.uint8)
    samples = np.concatenate([reference[:10] // 8 * 8, random.integers(0, 230, (50, 16, 16, 3))])
    return samples.astype(np.uint8), reference


@pytest.fixture(scope="module")
def outputs(sides):
    """For both sides (features, softmax, spatial features) by a session of the graph."""
    graph = tf.Graph()
    with graph.as_default():
        definition = tf.compat.v1.GraphDef.FromString(bytes_with_spatial_node())
        feed = tf.compat.v1.placeholder(tf.float32, (None, None, None, 3))
        tf.import_graph_def(definition, name="", input_map={"ExpandDims:0": feed})
        names = ("pool_3:0", "mixed_6/conv:0", "softmax/weights:0")
        with tf.compat.v1.Session(graph=graph) as session:
            results = [session.run(names, {feed: images}) for images in sides]
    both = []
    for pool_3, spatial, weights in results:
        features = pool_3.reshape(len(pool_3), -1)
        softmax = scipy.special.softmax(features @ weights, axis=1)
        both.append((features, softmax, spatial[..., :7].reshape(len(spatial), -1)))
    return both


def frechet(first, second):
    """The distance as the tools compute it."""
    (mu_1, sigma_1), (mu_2, sigma_2) = first, second
    root = scipy.linalg.sqrtm(sigma_1 @ sigma_2)
    return ((mu_1 - mu_2) ** 2).sum() + np.trace(sigma_1 + sigma_2 - 2 * root.real)


def moments(features):
    features = features.astype(np.float64)
    return features.mean(0), np.cov(features, rowvar=False)


def adm_distances(first, second):
    """Squared distances of float16 numbers, in float16."""
    first, second = first.astype(np.float16), second.astype(np.float16)
    norms = [
        np.square(each).sum(1, dtype=np.float32).astype(np.float16) for each in (first, second)
    ]
    products = (first.astype(np.float32) @ second.astype(np.float32).T).astype(np.float16)
    return np.maximum(norms[0][:, None] - 2 * products + norms[1], np.float16(0))


def adm_precision_recall(reference, samples):
    radii = [np.sort(adm_distances(side, side), axis=1)[:, 3] for side in (reference, samples)]
    distances = adm_distances(reference, samples)
    precision = (distances <= radii[0][:, None]).any(0).mean()
    return precision, (distances <= radii[1]).any(1).mean()


def clean(image):
    """An image at 299x299, each channel resized in floats by Pillow, and clipped."""
    planes = [
        PIL.Image.fromarray(image[..., channel].astype(np.float32), "F").resize(
            (299, 299), PIL.Image.Resampling.BICUBIC
        )
        for channel in range(3)
    ]
    return np.stack([np.asarray(plane).clip(0, 255) for plane in planes], axis=-1)


def values(results):
    return {name: result.value for name, result in results.items()}


def test_spatial_features_are_those_of_the_graph(sides, outputs, network):
    assert network.spatial_dimension == outputs[0][2].shape[1] == 7 * 8 * 8
    features, _, spatial = network.with_spatial(sides[0])
    np.testing.assert_allclose(spatial, outputs[0][2], rtol=1e-4, atol=1e-4)
    np.testing.assert_array_equal(features, network(sides[0])[0])
    replicated = Replicated(network, ["CPU:0", "CPU:1"])
    np.testing.assert_allclose(replicated.with_spatial(sides[0])[2], spatial, rtol=1e-5, atol=1e-5)


def test_adm_gives_the_values_of_its_evaluator(sides, outputs, network):
    found = metrics.evaluate(*sides, network, protocol="adm")
    samples, reference = outputs
    precision, recall = adm_precision_recall(reference[0], samples[0])
    softmax = samples[1]
    divergence = (softmax * np.log(softmax / softmax.mean(0))).sum(1)
    expected = {
        "adm_fid_unknown": frechet(moments(samples[0]), moments(reference[0])),
        "sfid_unknown": frechet(moments(samples[2]), moments(reference[2])),
        "adm_inception_score_unknown": np.exp(divergence.mean()),
        "adm_precision_unknown": precision,
        "adm_recall_unknown": recall,
    }
    assert values(found) == pytest.approx(expected, rel=1e-3)
    assert 0 < recall < 1 and 0 < precision < 1
    assert found["sfid_unknown"].provenance["real"]["protocol"] == "adm"


def test_the_score_counts_every_5000_images(network):
    images = np.random.default_rng(1).integers(0, 256, (5030, 8, 8, 3), np.uint8)
    found = metrics.evaluate(images, images[:20], network, "is", protocol="adm")
    logits = np.concatenate(
        [network(images[first : first + 503])[1] for first in range(0, 5030, 503)]
    )
    parts = np.split(scipy.special.softmax(logits.astype(np.float64), axis=1), [5000])
    scores = [np.exp((p * np.log(p / p.mean(0))).sum(1).mean()) for p in parts]
    assert values(found) == pytest.approx({"adm_inception_score_unknown": np.mean(scores)})


@pytest.mark.parametrize("scale", [8.0, 300.0], ids=["float16", "too large for float16"])
def test_precision_and_recall_by_blocks(scale):
    random = np.random.default_rng(2)
    reference = (random.standard_normal((130, 12)) * scale).astype(np.float32)
    samples = (random.standard_normal((90, 12)) * scale * 0.8).astype(np.float32)
    samples[:7] = reference[:7]
    whole = precision_recall(reference, samples)
    if scale == 8:
        assert whole == adm_precision_recall(reference, samples)
        assert precision_recall(reference, samples, block=37) == whole
    else:
        distances = [
            ((a[:, None].astype(np.float64) - b) ** 2).sum(-1)
            for a, b in ((reference, reference), (samples, samples), (reference, samples))
        ]
        radii = [np.sort(each, axis=1)[:, 3] for each in distances[:2]]
        assert whole[0] == (distances[2] <= radii[0][:, None]).any(0).mean()
        assert whole[1] == (distances[2] <= radii[1]).any(1).mean()


def test_references_of_adm(sides, outputs, network, tmp_path, tool):
    samples, reference = sides
    graph = tmp_path / "graph.pb"
    graph.write_bytes(bytes_with_spatial_node())
    mu, sigma = moments(outputs[1][0])
    mu_s, sigma_s = moments(outputs[1][2])
    stored = {"mu": mu + 0.1, "sigma": sigma, "mu_s": mu_s - 0.1, "sigma_s": sigma_s}
    np.savez(tmp_path / "reference.npz", arr_0=reference, **stored)
    np.savez(tmp_path / "statistics.npz", **stored)
    np.savez(tmp_path / "samples.npz", samples, np.zeros(60))
    flags = ["--protocol", "adm", "--inception", graph, "--json"]
    words = [tmp_path / "samples.npz", tmp_path / "reference.npz"]
    answer = tool("tools/fid.py", *words, *flags)
    assert answer.returncode == 0, answer.stderr
    found = {name: each["value"] for name, each in json.loads(answer.stdout)["metrics"].items()}
    # The stored moments serve for the distances, the images for precision and recall.
    of_images = values(metrics.evaluate(*sides, network, protocol="adm"))
    fid = frechet(moments(outputs[0][0]), (mu + 0.1, sigma))
    sfid = frechet(moments(outputs[0][2]), (mu_s - 0.1, sigma_s))
    expected = of_images | {"adm_fid_unknown": fid, "sfid_unknown": sfid}
    assert found == pytest.approx(expected, rel=1e-3)

    answer = tool("tools/fid.py", words[0], tmp_path / "statistics.npz", *flags)
    assert "without adm_pr: only statistics" in answer.stderr
    part = {name: each["value"] for name, each in json.loads(answer.stdout)["metrics"].items()}
    assert part == pytest.approx({name: found[name] for name in list(found)[:3]}, rel=1e-6)
    np.savez(tmp_path / "half.npz", mu=mu, sigma=sigma)
    refused = tool("tools/fid.py", words[0], tmp_path / "half.npz", *flags)
    assert_refused(refused, "half.npz has no mu_s and sigma_s")


def test_statistics_of_adm_in_shards(sides, outputs, tmp_path, tool):
    np.save(tmp_path / "images.npy", sides[0])
    (tmp_path / "graph.pb").write_bytes(bytes_with_spatial_node())
    flags = ["--protocol", "adm", "--inception", tmp_path / "graph.pb"]
    for shard in ("1/2", "2/2"):
        words = [tmp_path / "images.npy", "--output", tmp_path / "s.npz", "--shard", shard]
        answer = tool("tools/precalc_stats.py", *words, *flags)
        assert answer.returncode == 0, answer.stderr
    parts = [tmp_path / f"s.{number}-of-2.npz" for number in (1, 2)]
    answer = tool("tools/merge_stats.py", *parts, "--output", tmp_path / "all.npz")
    assert answer.returncode == 0, answer.stderr
    with np.load(tmp_path / "all.npz") as merged:
        for names, features in (
            (("mu", "sigma"), outputs[0][0]),
            (("mu_s", "sigma_s"), outputs[0][2]),
        ):
            for name, expected in zip(names, moments(features), strict=True):
                np.testing.assert_allclose(merged[name], expected, rtol=1e-3, atol=1e-4)
        assert json.loads(str(merged["provenance"]))["protocol"] == "adm"
    answer = tool("tools/precalc_stats.py", *words, *flags, "--runner=DirectRunner")
    assert_refused(answer, "--protocol adm together with --runner", "--shard")


def test_clean_resizes_each_image_in_floats(network, tmp_path, tool):
    random = np.random.default_rng(3)
    # Of several sizes: all of them become 299x299.
    sets = {
        "samples": [
            random.integers(0, 256, (24, 16 + 8 * (n % 2), 3), np.uint8) for n in range(24)
        ],
        "real": [random.integers(0, 200, (32, 32, 3), np.uint8) for _ in range(22)],
    }
    for name, images in sets.items():
        (tmp_path / name).mkdir()
        for number, image in enumerate(images):
            PIL.Image.fromarray(image).save(tmp_path / name / f"{number:02}.png")
    features = [
        np.concatenate([network(clean(i)[None])[0] for i in images]) for images in sets.values()
    ]
    expected = frechet(*map(moments, features))
    words = [tmp_path / name for name in sets]
    for given in (words, list(sets.values())):
        found = metrics.evaluate(*given, network, "fid,kid", protocol="clean", batch_size=7)
        assert list(found) == ["clean_fid_unknown", "clean_kid_unknown"]
        assert found["clean_fid_unknown"].value == pytest.approx(expected, rel=1e-4)

    (tmp_path / "graph.pb").write_bytes(bytes_with_spatial_node())
    flags = ["--inception", tmp_path / "graph.pb"]
    stats = tmp_path / "real.npz"
    answer = tool(
        "tools/precalc_stats.py", words[1], "--output", stats, "--protocol", "clean", *flags
    )
    assert answer.returncode == 0, answer.stderr
    answer = tool("tools/fid.py", words[0], stats, "--protocol", "clean", *flags)
    assert answer.stdout.startswith(f"clean_fid_unknown {expected:.4f}"), answer.stderr
    official = ["--size", "299", *flags]
    assert_refused(
        tool("tools/fid.py", words[0], stats, *official), "protocol clean", "--protocol clean"
    )
    with pytest.raises(UserError, match=r"protocol clean.*official"):
        loaded = metrics.load_statistics(stats)
        metrics.evaluate(loaded, metrics.compute_statistics(words[1], network))


@pytest.mark.parametrize(("protocol", "name"), [("clean", "clean_fid"), ("adm", "adm_fid")])
def test_in_keras(protocol, name, sides, outputs, network):
    samples, reference = sides
    features = [output[0] for output in outputs]
    if protocol == "clean":
        features = [
            np.concatenate([network(clean(image)[None])[0] for image in side]) for side in sides
        ]
    expected = pytest.approx(frechet(*map(moments, features)), rel=1e-3)
    metric = FrechetInceptionDistance(
        reference, network, protocol=protocol, num_images=60, batch_size=60
    )
    assert metric.name == f"{name}_unknown"
    tf.function(metric.update_state)(samples[:25])
    metric.update_state(samples[25:])
    assert float(metric.result()) == expected
    again = metrics.evaluate(metric.statistics(), reference, network, "fid", protocol=protocol)
    assert again[metric.name].value == pytest.approx(float(metric.result()), rel=1e-6)
    metric.set_model(types.SimpleNamespace(generator=lambda count: samples[:count]))
    logs = {}
    metric.on_epoch_end(0, logs)  # as `fit` calls a callback
    assert logs == {metric.name: expected}
    official = metrics.compute_statistics(reference, network)
    with pytest.raises(UserError, match=f"protocol official; here it is {protocol}"):
        FrechetInceptionDistance(official, network, protocol=protocol)


def test_measures_belong_to_their_protocols(sides, tool):
    for protocol, names, message in (
        ("official", "sfid", "--protocol adm"),
        ("clean", "adm_pr", "--protocol adm"),
        ("adm", "kid", "some of fid, sfid, is, pr"),
    ):
        with pytest.raises(UserError, match=message):
            metrics.evaluate(*sides, metrics=names, protocol=protocol)
    with pytest.raises(UserError, match="one of official, clean, adm"):
        metrics.evaluate(*sides, protocol="legacy")
    with pytest.raises(UserError, match="mixed_6/conv"):
        metrics.evaluate(*sides, Inception(graph_bytes()), protocol="adm")
