import numpy as np
import pytest

from tests.metrics.mini_inception import graph_bytes
from tf_ttur.errors import UserError
from tf_ttur.metrics import statistics
from tf_ttur.metrics.inception import Inception
from tf_ttur.metrics.pixels import PixelPooling

IMAGES = np.random.default_rng(0).integers(0, 256, (300, 32, 32, 3), np.uint8)
pytestmark = pytest.mark.filterwarnings("ignore:.*features. The covariance is singular")


def compute(images=IMAGES, network=None, batch_size=64, name="images"):
    batches = (images[i : i + batch_size] for i in range(0, len(images), batch_size))
    return statistics.compute(batches, network or PixelPooling(), {"source": "random"}, name)


def test_every_image_counts_whatever_the_batch():
    features = IMAGES.reshape(300, 8, 4, 8, 4, 3).mean((2, 4)).reshape(300, -1) / 255
    for batch_size in (7, 64, 300):
        result = compute(batch_size=batch_size)
        np.testing.assert_allclose(result.mu, features.mean(0), rtol=1e-6)
        np.testing.assert_allclose(result.sigma, np.cov(features, rowvar=False), atol=1e-7)
        assert result.provenance["num_images"] == 300


def test_file_and_its_provenance(tmp_path):
    result = compute(network=Inception(graph_bytes()))
    result.save(tmp_path / "s.npz")
    again = statistics.load(tmp_path / "s.npz")
    np.testing.assert_array_equal(again.sigma, result.sigma)
    assert again.provenance == result.provenance
    assert again.provenance["image_shape"] == [32, 32, 3] and again.provenance["network"] == "unknown"
    # What the official tool does with it:
    with np.load(tmp_path / "s.npz") as file:
        assert file["mu"].shape == (20,) and file["sigma"].shape == (20, 20) and file["mu"].dtype == np.float64


def test_file_of_the_official_tool(tmp_path):
    mine = compute()
    np.savez_compressed(tmp_path / "official.npz", mu=mine.mu, sigma=mine.sigma)
    with pytest.warns(UserWarning, match="does not say where it comes from"):
        official = statistics.load(tmp_path / "official.npz")
    assert official.provenance == {}
    assert statistics.distance(official, mine) < 1e-9


def test_pairs_that_do_not_belong_together():
    first = compute(network=Inception(graph_bytes(seed=0)), name="first")
    for other in (
        compute(network=Inception(graph_bytes(seed=1)), name="second"),
        compute(network=Inception(graph_bytes(seed=0), "bfloat16"), name="second"),
        compute(IMAGES[:, :16, :16], Inception(graph_bytes(seed=0)), name="second"),
        compute(name="second"),
    ):
        with pytest.raises(UserError, match="first.*second"):
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
    np.savez_compressed(tmp_path / "damaged.npz", mu=np.zeros(300), sigma=np.random.default_rng(0).normal(size=(300, 300)))
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
    with pytest.raises(UserError, match="1 images"):
        compute(IMAGES[:1])


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "s.npz"
    compute().save(path)
    before = path.read_bytes()
    monkeypatch.setattr(np, "savez", lambda file, **_: (file.write(b"half"), 1 / 0))
    with pytest.raises(ZeroDivisionError):
        compute().save(path)
    assert path.read_bytes() == before and len(list(tmp_path.iterdir())) == 1
