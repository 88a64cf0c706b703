import gc
import tracemalloc

import numpy as np
import pytest

from tests.metrics.mini_inception import graph_bytes
from tf_ttur.errors import UserError
from tf_ttur.metrics import extraction, statistics
from tf_ttur.metrics.inception import Inception
from tf_ttur.metrics.pixels import PixelPooling
from tf_ttur.metrics.uncertainty import GroupedMoments

IMAGES = np.random.default_rng(0).integers(0, 256, (300, 32, 32, 3), np.uint8)
pytestmark = pytest.mark.filterwarnings("ignore:.*images for [0-9]+ features")


def compute(images=IMAGES, network=None, batch_size=64, name="images"):
    batches = (images[i : i + batch_size] for i in range(0, len(images), batch_size))
    return extraction.compute(batches, network or PixelPooling(), {"source": "random"}, name)


def test_every_image_counts_whatever_the_batch():
    features = IMAGES.reshape(300, 8, 4, 8, 4, 3).mean((2, 4)).reshape(300, -1) / 255
    for batch_size in (7, 64, 300):
        result = compute(batch_size=batch_size)
        np.testing.assert_allclose(result.mu, features.mean(0), rtol=1e-6)
        np.testing.assert_allclose(result.sigma, np.cov(features, rowvar=False), atol=1e-7)
        assert result.provenance["num_images"] == 300


@pytest.fixture
def prompt_collection():
    """A function that collects garbage quickly, as it leaves out all that was there before."""
    gc.collect()
    gc.freeze()
    yield gc.collect
    gc.unfreeze()


def test_memory_does_not_grow_with_the_images(prompt_collection):
    def batches(count):
        for number in range(count):
            prompt_collection()  # else the peak depends on when Python does that by itself
            yield np.full((50, 16, 16, 3), number % 256, np.uint8)

    peaks = []
    for count in (40, 40, 400):  # once to warm up
        groups = GroupedMoments(192)
        tracemalloc.start()
        extraction.compute(
            batches(count),
            PixelPooling(),
            {},
            "many",
            observers=[lambda features, _, groups=groups: groups.update(features)],
        )
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert abs(peaks[2] - peaks[1]) < 100_000  # one batch takes 38 kB


def test_file_and_its_provenance(tmp_path):
    result = compute(network=Inception(graph_bytes()))
    result.save(tmp_path / "s.npz")
    again = statistics.load(tmp_path / "s.npz")
    np.testing.assert_array_equal(again.sigma, result.sigma)
    assert again.provenance == result.provenance
    assert again.provenance["image_shape"] == [32, 32, 3]
    assert again.provenance["network"] == "unknown"
    # What the official tool does with it:
    with np.load(tmp_path / "s.npz") as file:
        assert file["mu"].shape == (20,)
        assert file["sigma"].shape == (20, 20)
        assert file["mu"].dtype == np.float64


def test_file_of_the_official_tool(tmp_path):
    mine = compute()
    np.savez_compressed(tmp_path / "official.npz", mu=mine.mu, sigma=mine.sigma)
    with pytest.warns(UserWarning, match="does not say where it comes from"):
        official = statistics.load(tmp_path / "official.npz")
    assert official.provenance == {}
    assert official.origin == {
        "source": str(tmp_path / "official.npz"),
        "note": "provenance unknown",
    }
    assert statistics.distance(official, mine) < 1e-9
    fast = Inception(graph_bytes(), "bfloat16")  # other tools know float32 alone
    known = statistics.Statistics(np.zeros(20), np.eye(20), {}, "official")
    statistics.check(known, Inception(graph_bytes()))
    statistics.check(known, fast, allow_mixed=True)
    with pytest.raises(
        UserError, match="official was made with precision float32; here it is bfloat16"
    ):
        statistics.check(known, fast)
    with pytest.raises(UserError, match="official has precision float32, fast has bfloat16"):
        statistics.check_pair(known, compute(network=fast, name="fast"))


def test_a_damaged_file_in_the_cache_is_set_aside(tmp_path, capsys):
    made = statistics.Statistics(np.zeros(3), np.eye(3), {"network": "x", "num_images": 9}, "made")
    statistics.cached(tmp_path / "a.npz", lambda partial: made)
    content = (tmp_path / "a.npz").read_bytes()[:-20]
    (tmp_path / "a.npz").write_bytes(content)
    assert (statistics.cached(tmp_path / "a.npz", lambda partial: made).sigma == np.eye(3)).all()
    assert "a.npz.damaged, and made anew" in " ".join(capsys.readouterr().err.split())
    assert (tmp_path / "a.npz.damaged").read_bytes() == content
    assert statistics.load(tmp_path / "a.npz").provenance == made.provenance


def test_pairs_that_do_not_belong_together():
    first = compute(network=Inception(graph_bytes(seed=0)), name="first")
    for other in (
        compute(network=Inception(graph_bytes(seed=1)), name="second"),
        compute(network=Inception(graph_bytes(seed=0), "bfloat16"), name="second"),
        compute(IMAGES[:, :16, :16], Inception(graph_bytes(seed=0)), name="second"),
        compute(name="second"),
    ):
        with pytest.raises(UserError, match=r"first.*second"):
            statistics.distance(first, other)
    with pytest.raises(UserError, match="network_sha1"):
        statistics.check(first, Inception(graph_bytes(seed=1)))
    with pytest.raises(UserError, match="image_shape"):
        statistics.check(first, Inception(graph_bytes(seed=0)), (64, 64, 3))
    statistics.check(first, Inception(graph_bytes(seed=0)), (32, 32, 3))


def test_files_that_are_none(tmp_path):
    np.savez(tmp_path / "no_mu.npz", sigma=np.eye(3))
    np.savez(tmp_path / "shapes.npz", mu=np.zeros(3), sigma=np.eye(4))
    np.savez(tmp_path / "pickle.npz", mu=np.array([{}], dtype=object), sigma=np.eye(1))
    np.savez(tmp_path / "nan.npz", mu=np.full(3, np.nan), sigma=np.eye(3))
    np.savez_compressed(
        tmp_path / "damaged.npz",
        mu=np.zeros(300),
        sigma=np.random.default_rng(0).normal(size=(300, 300)),
    )
    content = bytearray((tmp_path / "damaged.npz").read_bytes())
    content[5000:5100] = bytes(100)
    (tmp_path / "damaged.npz").write_bytes(content)
    (tmp_path / "text.npz").write_text("nothing")
    (tmp_path / "cut.npz").write_bytes((tmp_path / "shapes.npz").read_bytes()[:100])
    np.save(tmp_path / "array.npy", np.zeros(3))
    for name, message in (
        ("no_mu.npz", "no mu"),
        ("shapes.npz", "shape"),
        ("nan.npz", "NaN"),
        ("damaged.npz", "cannot be read"),
        ("pickle.npz", "cannot be read"),
        ("text.npz", "cannot be read"),
        ("cut.npz", "cannot be read"),
        ("array.npy", "cannot be read"),
        ("missing.npz", "cannot be read"),
    ):
        with pytest.raises(UserError, match=message):
            statistics.load(tmp_path / name)


def test_few_images_are_a_warning_and_one_is_an_error():
    with pytest.warns(UserWarning, match="100 images for 192 features"):
        compute(IMAGES[:100])
    with pytest.raises(UserError, match="1 image\n"):
        compute(IMAGES[:1])


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "s.npz"
    compute().save(path)
    before = path.read_bytes()
    monkeypatch.setattr(np, "savez", lambda file, **_: (file.write(b"half"), 1 / 0))
    with pytest.raises(ZeroDivisionError):
        compute().save(path)
    assert path.read_bytes() == before
    assert len(list(tmp_path.iterdir())) == 1


class Dying:
    """A network that fails after some batches, like a process that is killed."""

    def __init__(self, batches):
        self._left = batches
        self._network = PixelPooling()
        self.dimension = 192
        self.network = "pixels"
        self.digest = PixelPooling.digest
        self.precision = "float32"

    def __call__(self, batch):
        if self._left == 0:
            raise KeyboardInterrupt
        self._left -= 1
        return self._network(batch)


@pytest.mark.parametrize("deaths", [(1,), (3, 1), (0, 4)])
def test_an_interrupted_extraction_ends_with_the_same_file(tmp_path, monkeypatch, deaths):
    monkeypatch.setattr(extraction.Extraction, "EVERY_SECONDS", 0)
    partial = statistics.partial_path(tmp_path / "s.npz")

    def run(network):
        begun = extraction.Extraction(192, partial, ["settings"])
        done = begun.moments.count
        return extraction.compute(
            (IMAGES[i : i + 64] for i in range(done, 300, 64)),
            network,
            {"source": "random"},
            "images",
            begun,
        ), done

    for batches in deaths:
        with pytest.raises(KeyboardInterrupt):
            run(Dying(batches))
    resumed, done = run(PixelPooling())
    assert done == 64 * sum(deaths)
    resumed.save(tmp_path / "resumed.npz")
    compute().save(tmp_path / "whole.npz")
    with np.load(tmp_path / "resumed.npz") as first, np.load(tmp_path / "whole.npz") as second:
        for key in ("mu", "sigma", "provenance"):
            np.testing.assert_array_equal(first[key], second[key])


def test_the_state_of_another_extraction_is_not_used(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(extraction.Extraction, "EVERY_SECONDS", 0)
    path = tmp_path / "s.npz.partial"
    extraction.Extraction(192, path, [1]).update(IMAGES[:5], PixelPooling()(IMAGES[:5])[0])
    assert extraction.Extraction(192, path, [1]).moments.count == 5
    assert extraction.Extraction(192, path, [2]).moments.count == 0
    path.write_bytes(path.read_bytes()[:1000])
    assert extraction.Extraction(192, path, [1]).moments.count == 0


def shards(count, images=IMAGES):
    parts = []
    for number in range(1, count + 1):
        first, end = len(images) * (number - 1) // count, len(images) * number // count
        provenance = {
            "source": "random",
            "shard": number,
            "shards": count,
            "shards_total": len(images),
        }
        parts.append(
            extraction.compute([images[first:end]], PixelPooling(), provenance, f"shard {number}")
        )
    return parts


@pytest.mark.parametrize("count", [1, 2, 7])
def test_shards_merged_in_any_order_are_the_whole(count):
    whole, parts = compute(), shards(count)
    merged = statistics.merge(parts)
    np.testing.assert_allclose(merged.mu, whole.mu, rtol=1e-10)
    assert np.abs(merged.sigma - whole.sigma).max() <= 1e-10 * np.abs(whole.sigma).max()
    assert merged.provenance == whole.provenance
    for order in (
        parts[::-1],
        np.random.default_rng(0).permutation(np.array(parts, object)).tolist(),
    ):
        again = statistics.merge(order)
        np.testing.assert_array_equal(again.sigma, merged.sigma)
        assert again.provenance == merged.provenance


def test_what_differs_between_machines_is_left_out():
    parts = shards(2)
    parts[1].provenance["versions"] = {"tensorflow": "3"}
    merged = [statistics.merge(order).provenance for order in (parts, parts[::-1])]
    assert merged[0] == merged[1]
    assert "versions" not in merged[0]
    assert merged[0]["num_images"] == 300


def test_images_of_other_sizes_are_refused_between_batches():
    with pytest.raises(UserError, match="one size"):
        extraction.compute([IMAGES[:5], IMAGES[:5, :16, :16]], PixelPooling(), {}, "mixed")


@pytest.mark.parametrize(
    "provenance", ["[1]", "3", '{"num_images": "many", "network": "x"}', '{"num_images": 5}']
)
def test_provenance_of_another_tool_is_unknown(tmp_path, provenance):
    np.savez(tmp_path / "s.npz", mu=np.zeros(3), sigma=np.eye(3), provenance=np.array(provenance))
    with pytest.warns(UserWarning, match="does not say where it comes from"):
        assert statistics.load(tmp_path / "s.npz").provenance == {}


def test_what_cannot_be_merged():
    parts = shards(3)
    for wrong, word in (
        (parts[:2], "shards 1, 2 of 3"),
        ([*parts, parts[0]], "shards 1, 1, 2, 3 of 3"),
        ([compute(), compute()], "not shards"),
    ):
        with pytest.raises(UserError, match=word):
            statistics.merge(wrong)
    fewer = shards(3, IMAGES[:260])
    with pytest.raises(UserError, match="shards_total"):
        statistics.merge([parts[0], fewer[1], parts[2]])
    fewer[1].provenance["shards_total"] = 300
    with pytest.raises(UserError, match="the 100 of shard 2/3"):
        statistics.merge([parts[0], fewer[1], parts[2]])
    other = extraction.compute(
        [IMAGES],
        PixelPooling(),
        {"source": "other", "shard": 3, "shards": 3, "shards_total": 300},
        "other",
    )
    with pytest.raises(UserError, match="source"):
        statistics.merge([*parts[:2], other])
    with pytest.raises(UserError, match="how many images"):
        statistics.merge([statistics.Statistics(parts[0].mu, parts[0].sigma, {}, "official")])
