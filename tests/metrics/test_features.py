"""Files of features: they give what their images give, without the network."""

import json

import numpy as np
import pytest

from tests.metrics.mini_inception import graph_bytes
from tf_ttur import metrics
from tf_ttur.commands import fid, stats
from tf_ttur.data.images import open_images
from tf_ttur.errors import UserError
from tf_ttur.metrics import extraction, features, statistics
from tf_ttur.metrics.inception import Inception

pytestmark = pytest.mark.filterwarnings("ignore:.*images for")

METRICS = "fid,kid,is,prdc"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with a.npy, b.npy, and small.pb, a network with 20 features."""
    path = tmp_path_factory.mktemp("features")
    random = np.random.default_rng(0)
    for name, low in (("a", 0), ("b", 60)):
        np.save(path / f"{name}.npy", random.integers(low, 256, (130, 16, 16, 3)).astype(np.uint8))
    (path / "small.pb").write_bytes(graph_bytes())
    return path


@pytest.fixture
def here(folder, tmp_path, monkeypatch):
    """An empty current folder; TF_TTUR_INCEPTION names the network."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TF_TTUR_INCEPTION", str(folder / "small.pb"))
    return tmp_path


def keep(folder, *names, flags=()):
    for name in names:
        stats.main([f"{folder}/{name}.npy", "--features", f"{name}.npz", *flags])


@pytest.mark.parametrize("compute", [extraction.cached_statistics, extraction.cached_features])
def test_what_the_cache_holds_is_called_by_its_source(here, compute):
    images = open_images("plain-digits:40")
    for _ in ("computed", "from the cache"):
        with pytest.warns(UserWarning) as caught:
            found = compute(images, Inception(graph_bytes()), 40)
            if isinstance(found, metrics.Features):
                found.statistics()
        assert {str(each.message).split(" ")[0] for each in caught} == {"plain-digits:40:"}
        assert compute is extraction.cached_features or len(caught) == 1
        assert found.name == "plain-digits:40"


@pytest.fixture
def measure(capsys):
    """A function that gives the values of a command line."""

    def call(*words):
        capsys.readouterr()
        fid.main([*words, "--json"])
        found = json.loads(capsys.readouterr().out)
        return {name: result["value"] for name, result in found["metrics"].items()}

    return call


@pytest.mark.parametrize("part", [[], ["--count", "50"], ["--sample", "60", "--seed", "3"]])
def test_they_stand_in_the_place_of_images(folder, here, measure, monkeypatch, part):
    keep(folder, "a", "b", flags=["--features-logits"])
    words = ["--metrics", METRICS, *part]
    expected = measure(f"{folder}/a.npy", f"{folder}/b.npy", *words)
    # Also beside images.
    assert measure(f"{folder}/a.npy", "b.npz", *words) == pytest.approx(expected, rel=1e-9)
    monkeypatch.setenv("TF_TTUR_INCEPTION", "missing.pb")
    assert measure("a.npz", "b.npz", *words) == pytest.approx(expected, rel=1e-9)
    same = measure("a.npz", "a.npz", "--metrics", "fid", *part)
    assert same["fid_unknown"] == pytest.approx(0, abs=1e-6)


def test_their_statistics_are_those_of_the_images(folder, here):
    keep(folder, "a", flags=["--output", "direct.npz"])
    stats.main(["a.npz", "--output", "from_features.npz"])
    first, second = (statistics.load(name) for name in ("direct.npz", "from_features.npz"))
    np.testing.assert_allclose(second.mu, first.mu, rtol=1e-12)
    np.testing.assert_allclose(second.sigma, first.sigma, rtol=1e-9, atol=1e-12)
    assert second.provenance == first.provenance | {"features_dtype": "float32"}


def test_float16_takes_half_the_space(folder, here, measure):
    keep(folder, "a", "b", flags=["--features-dtype", "float16"])
    with np.load("a.npz") as content:
        assert content["features"].dtype == np.float16
        network = Inception((folder / "small.pb").read_bytes())
        exact = network(np.load(folder / "a.npy"))[0].numpy()
        np.testing.assert_allclose(content["features"], exact, rtol=1e-3, atol=1e-6)
    expected = measure(f"{folder}/a.npy", f"{folder}/b.npy")["fid_unknown"]
    assert measure("a.npz", "b.npz")["fid_unknown"] == pytest.approx(expected, rel=2e-3)


class Dying:
    """A network that fails once, after some batches."""

    def __init__(self, network, batches):
        self._network = network
        self._left = batches
        self.network = network.network
        self.metric = network.metric
        self.digest = network.digest
        self.precision = network.precision
        self.dimension = network.dimension

    def __call__(self, images):
        self._left -= 1
        if self._left == -1:
            raise KeyboardInterrupt
        return self._network(images)


@pytest.mark.parametrize("rows", ["kept", "lost"])
def test_an_interrupted_pass_resumes(folder, here, monkeypatch, capsys, rows):
    monkeypatch.setattr("tf_ttur.metrics.extraction.Extraction.EVERY_SECONDS", 0)
    images = folder / "a.npy"
    network = Dying(metrics.load_inception(folder / "small.pb"), 3)
    with pytest.raises(KeyboardInterrupt):
        metrics.keep_features(images, "a.npz", network, batch_size=20)
    if rows == "lost":
        (here / "a.npz.rows").unlink()
    kept = metrics.keep_features(images, "a.npz", network, batch_size=20)
    assert ("going on after 60 images" in capsys.readouterr().err) or rows == "lost"
    whole = metrics.keep_features(images, "whole.npz", network, batch_size=20)
    assert kept.provenance == whole.provenance
    with np.load("a.npz") as first, np.load("whole.npz") as second:
        assert set(first.files) == {"features", "logits", "provenance"}
        np.testing.assert_allclose(first["features"], second["features"], rtol=1e-5)
        np.testing.assert_allclose(first["logits"], second["logits"], rtol=1e-5, atol=1e-6)
    assert sorted(path.name for path in here.iterdir()) == ["a.npz", "whole.npz"]


def test_from_python(folder, here):
    arrays = [np.load(folder / f"{name}.npy") for name in "ab"]
    network = metrics.load_inception()
    first = metrics.keep_features(arrays[0], "a.npz", network)
    assert (first.num_images, first.dimension, first.has_logits) == (130, 20, True)
    metrics.keep_features(arrays[1], "b.npz", network)
    expected = metrics.evaluate(*arrays, network, METRICS)
    found = metrics.evaluate(first, "b.npz", metrics=METRICS)
    assert {name: float(value) for name, value in found.items()} == pytest.approx(
        {name: float(value) for name, value in expected.items()}, rel=1e-9
    )
    others = np.random.default_rng(1).integers(0, 256, (130, 16, 16, 3)).astype(np.uint8)
    assert metrics.compare(first, "b.npz", others, network)["answer"] == "yes"


def test_the_cache_saves_the_network_the_work(folder, here, measure, monkeypatch):
    words = [f"{folder}/a.npy", f"{folder}/b.npy", "--metrics", METRICS, "--cache-features"]
    expected = measure(*words)

    def fail(*_):
        raise AssertionError("the network was called")

    monkeypatch.setattr(Inception, "__call__", fail)
    assert measure(*words) == pytest.approx(expected, rel=1e-9)


def test_the_protocol_clean(folder, here, measure):
    """Features say their protocol, and statistics too: without a network, nothing else would."""
    keep(folder, "a", "b", flags=["--protocol", "clean"])
    words = ["--metrics", "fid,kid", "--protocol", "clean"]
    expected = measure(f"{folder}/a.npy", f"{folder}/b.npy", *words)
    assert set(expected) == {"clean_fid_unknown", "clean_kid_unknown"}
    assert measure("a.npz", "b.npz", *words) == pytest.approx(expected, rel=1e-9)
    stats.main(["a.npz", "--output", "s.npz"])
    for side in ("a.npz", "s.npz"):
        with pytest.raises(UserError, match="made with the protocol clean; here it is official"):
            fid.main([side, side])
    for name in ("a", "b"):
        metrics.keep_features(f"{folder}/{name}.npy", f"{name}2.npz", protocol="clean", size=16)
    given = [metrics.load_statistics("s.npz"), metrics.load_features("b.npz")]
    with pytest.raises(UserError, match="made with the protocol clean"):
        metrics.evaluate(*given)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("fid a.npz a.npz --cache-features --protocol adm", "--protocol adm"),
        ("fid a.npz a.npz --protocol adm", "protocol official; here it is adm"),
        ("stats digits:40 --features x.npz --protocol adm", "--protocol adm"),
        ("fid a.npz a.npz --metrics is", "no logits.*--features-logits"),
        ("fid a.npz a.npz --count 131", "features of 130 images"),
        ("fid a.npz a.npz --batch-size 100", "features and statistics alone"),
        ("fid a.npz a.npz --seed 0", "where nothing is random"),
        ("fid a.npz digits:40", "32x32 pixels, another side of 16x16"),
        ("fid nan.npz a.npz", "NaN or infinity"),
        ("fid cut.npz a.npz", "cannot be read"),
        ("fid other.npz a.npz", "has network pixels"),
        ("stats a.npz --output a.npz", "is the source"),
        ("stats a.npz --output s.npz --batch-size 100", "no effect on the features"),
        ("stats digits:40 --features plain.npz", "not a features file"),
        ("stats digits:40 --features x.npz --output x.npz", "another file"),
        ("stats digits:40 --features x.npz --output y.npz --shard 1/2", "--shard"),
        ("stats digits:40 --output x.npz --features-dtype float16", "without --features"),
    ],
)
def test_what_is_refused(folder, here, line, words):
    keep(folder, "a")
    with np.load("a.npz") as content:
        arrays = dict(content)
    np.savez("plain.npz", features=arrays["features"])
    np.savez("nan.npz", **arrays | {"features": np.full_like(arrays["features"], np.nan)})
    provenance = json.loads(str(arrays["provenance"])) | {"network": "pixels"}
    np.savez("other.npz", **arrays | {"provenance": np.array(json.dumps(provenance))})
    content = (here / "a.npz").read_bytes()
    (here / "cut.npz").write_bytes(content[: len(content) // 2])
    command, *arguments = line.split()
    with pytest.raises(UserError, match=f"(?s){words}"):
        (fid if command == "fid" else stats).main(arguments)


def test_they_are_no_images(folder, here):
    keep(folder, "a")
    from tf_ttur.data.images import open_images

    with pytest.raises(UserError, match="holds features of images, and not the images"):
        open_images("a.npz")
    with pytest.raises(UserError, match="float32 or float16"):
        metrics.keep_features("digits:40", "b.npz", dtype="float64")
    keeper = features.Keeper(here / "c.npz", "float16")
    keeper.begin(0)
    with pytest.raises(UserError, match="too large for float16"):
        keeper.update(np.full((2, 3), 70000.0), None)
