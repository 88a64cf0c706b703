import http.server
import io
import pathlib
import subprocess
import sys
import tarfile
import threading
from concurrent import futures

import numpy as np
import pytest
import tensorflow as tf

from tests.metrics.mini_inception import graph_bytes
from tf_ttur.errors import UserError
from tf_ttur.metrics import extraction, inception
from tf_ttur.metrics.inception import weights
from tf_ttur.metrics.verification import run_by_session

IMAGES = np.random.RandomState(0).randint(0, 256, (7, 32, 32, 3)).astype(np.uint8)


def relative_error(features, expected):
    return (np.linalg.norm(features - expected, axis=1) / np.linalg.norm(expected, axis=1)).max()


def test_features_are_those_of_a_tf1_session():
    content = graph_bytes()
    pool_3, logits = inception.Inception(content)(IMAGES)
    expected = run_by_session(content, IMAGES)
    assert relative_error(pool_3, expected[0]) < 1e-5
    assert relative_error(logits, expected[1]) < 1e-5


def test_features_of_the_2015_graph_are_those_of_a_tf1_session(shared):
    content = (shared / "inception" / inception.GRAPH_FILE).read_bytes()
    network = inception.Inception(content)
    pool_3, logits = network(IMAGES[:3])
    expected = run_by_session(content, IMAGES[:3])
    assert relative_error(pool_3, expected[0]) < 1e-5
    assert relative_error(logits, expected[1]) < 1e-5
    assert network.network == "stand-in"
    assert network.metric == "fid_stand_in"
    assert pool_3.shape == (3, 2048)
    assert logits.shape == (3, 1008)


def test_batch_size_type_and_image_size_are_free():
    network = inception.Inception(graph_bytes())
    whole = network(IMAGES)[0]
    for order, sizes in (
        ([0, 1, 2, 3, 4, 5, 6], (3, 4)),
        ([6, 2, 0, 5, 1, 4, 3], (1, 6)),
        ([3, 6, 5, 0, 2, 1, 4], (7,)),
    ):
        parts = [network(part)[0] for part in np.split(IMAGES[order], np.cumsum(sizes)[:-1])]
        assert relative_error(np.concatenate(parts), whole.numpy()[order]) < 1e-6
    np.testing.assert_array_equal(network(IMAGES.astype(np.float32))[0], whole)
    assert network(np.zeros((2, 64, 48, 3), np.uint8))[0].shape == (2, 20)


def test_bfloat16_is_near():
    content = graph_bytes()
    exact, fast = (
        inception.Inception(content, precision)(IMAGES)[0] for precision in ("float32", "bfloat16")
    )
    assert fast.dtype == tf.float32
    assert 0 < relative_error(fast.numpy(), exact.numpy()) < 0.03


@pytest.mark.parametrize(
    "row, expected",
    [
        ([0, 10], [0, 5, 10, 10]),
        ([0, 10], [0, 4, 8, 10, 10]),
        ([0, 10, 20, 30], [0, 40 / 3, 80 / 3]),
    ],
)
def test_resize_has_no_half_pixel_shift(row, expected):
    image = tf.reshape(tf.constant(row, tf.float32), (1, 1, -1, 1))
    np.testing.assert_allclose(
        inception.resize(image, (1, len(expected)))[0, 0, :, 0], expected, rtol=1e-6
    )


def test_resize_of_an_image_to_299():
    image = np.random.RandomState(0).randint(0, 256, (1, 32, 32, 3)).astype(np.float32)
    resized = inception.resize(tf.constant(image), (299, 299))[0].numpy()
    np.testing.assert_allclose(resized[150, 150], (96.28969, 204.75494, 36.27745), rtol=1e-6)
    np.testing.assert_allclose(resized[298, 298], (26, 191, 155), rtol=1e-6)


def test_nan_in_an_image_is_an_error():
    network = inception.Inception(graph_bytes())
    images = np.random.default_rng(0).uniform(0, 255, (6, 32, 32, 3)).astype(np.float32)
    images[4, 3, 2, 1] = np.nan
    features, logits = network(images)
    for values in (features, logits):
        assert np.isnan(values[4]).all() and np.isfinite(np.delete(values, 4, 0)).all()
    with pytest.raises(UserError, match="features of images are NaN"):
        extraction.compute([images[:3], images[3:]], network, {}, "images")


def test_only_the_original_gives_a_fid():
    assert inception.metric_name("original") == "fid"
    assert inception.Inception(graph_bytes()).metric == "fid_unknown"


def test_other_operations_are_refused():
    graph = tf.compat.v1.GraphDef.FromString(graph_bytes())
    next(node for node in graph.node if node.name == "conv").op = "ReadFile"
    with pytest.raises(UserError, match="ReadFile"):
        inception.Inception(graph.SerializeToString())


@pytest.mark.parametrize("content", [b"", b"no graph at all", graph_bytes()[:2000]])
def test_what_is_no_graph_is_refused(content):
    with pytest.raises(UserError):
        inception.Inception(content)


def archive_of(content, path):
    with tarfile.open(path, "w:gz") as archive:
        member = tarfile.TarInfo(inception.GRAPH_FILE)
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    return path


def test_places(tmp_path, cache, monkeypatch):
    assert inception.locate() is None
    (cache / inception.GRAPH_FILE).write_bytes(graph_bytes(seed=0))
    assert inception.locate() == cache / inception.GRAPH_FILE
    archive = archive_of(graph_bytes(seed=1), tmp_path / inception.ARCHIVE_FILE)
    monkeypatch.setenv("TF_TTUR_INCEPTION", str(tmp_path))
    assert inception.locate() == archive
    file = tmp_path / "other.pb"
    file.write_bytes(graph_bytes(seed=2))
    assert inception.locate(file) == file
    assert inception.locate("hub:x") == "hub:x"
    with pytest.raises(UserError, match="no Inception network"):
        inception.locate(tmp_path / "missing")
    digests = {inception.load(place).digest for place in (None, file, cache)}
    assert len(digests) == 3


def test_download_keeps_only_the_original(tmp_path, cache, monkeypatch):
    archive = archive_of(graph_bytes(), tmp_path / "served.tgz")
    monkeypatch.setattr(weights, "ARCHIVE_URL", archive.as_uri())
    with pytest.raises(UserError, match="git-blob SHA-1"):
        inception.load()
    assert not list(cache.iterdir())
    content = archive.read_bytes()
    monkeypatch.setattr(weights, "ARCHIVE", (len(content), weights.git_blob_sha1(content)))
    assert inception.load().dimension == 20
    assert [file.name for file in cache.iterdir()] == [inception.GRAPH_FILE]


def test_truncated_archive(tmp_path):
    archive = archive_of(graph_bytes(), tmp_path / inception.ARCHIVE_FILE)
    archive.write_bytes(archive.read_bytes()[:3000])
    with pytest.raises(UserError, match="cannot be read"):
        inception.load(archive)


def test_a_circle_of_nodes_is_refused():
    graph = tf.compat.v1.GraphDef.FromString(graph_bytes())
    next(node for node in graph.node if node.name == "Sub").input[0] = "mixed/join"
    with pytest.raises(UserError, match="circle"):
        inception.Inception(graph.SerializeToString())


def test_without_internet(offline):
    with pytest.raises(UserError, match="cannot be downloaded"):
        inception.load()


def test_hub_module_has_the_same_interface(tmp_path):
    class Module(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec((None, 299, 299, 3))])
        def __call__(self, images):
            return {
                "pool_3": tf.reduce_mean(images, (1, 2), keepdims=True),
                "logits": tf.reduce_max(images, (1, 2)),
            }

    tf.saved_model.save(Module(), str(tmp_path / "module"))
    network = inception.load(f"hub:{tmp_path / 'module'}")
    assert network.dimension == 3
    images = np.full((2, 40, 40, 3), 192, np.uint8)
    pool_3, _ = network(images)
    np.testing.assert_allclose(pool_3, 0.5)  # (192 - 128) / 128
    assert network.metric == "fid_hub"


def test_a_hub_module_needs_no_setuptools(tmp_path):
    """Version 82 of setuptools has no `pkg_resources` any more, which tensorflow-hub imports."""

    class Module(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec((None, 299, 299, 3))])
        def __call__(self, images):
            return {"pool_3": images[:, 0, 0], "logits": images[:, 0, 0]}

    tf.saved_model.save(Module(), str(tmp_path / "module"))
    code = f"""
import sys
sys.modules["setuptools"] = sys.modules["pkg_resources"] = None  # makes them unimportable
from tf_ttur.metrics import inception
print(inception.load("hub:{tmp_path}/module").dimension, sys.modules["pkg_resources"])
"""
    process = subprocess.run(
        [sys.executable, "-c", code], check=False, capture_output=True, text=True
    )
    assert process.stdout.split() == ["3", "None"], process.stderr


def test_archive_cannot_write_outside(tmp_path):
    path = tmp_path / "evil.tgz"
    with tarfile.open(path, "w:gz") as archive:
        member = tarfile.TarInfo(f"../{inception.GRAPH_FILE}")
        archive.addfile(member, io.BytesIO())
    with pytest.raises(UserError, match="holds no"):
        inception.load(path)
    assert not (pathlib.Path(tmp_path).parent / inception.GRAPH_FILE).exists()


class Host(http.server.BaseHTTPRequestHandler):
    """A host of one file, which answers as the attributes of its server say."""

    def do_GET(self):
        server, content = self.server, self.server.content
        server.ranges.append(self.headers["Range"])
        if server.redirect:
            self.send_response(302)
            self.send_header("Location", server.redirect)
            self.end_headers()
            return
        start = (
            int(self.headers["Range"].removeprefix("bytes=").removesuffix("-"))
            if self.headers["Range"] and server.knows_ranges
            else 0
        )
        if start and start >= len(content):
            self.send_error(416)
            return
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        self.wfile.write(content[start : server.breaks_at])

    def log_message(self, *_):
        pass


@pytest.fixture
def host(tmp_path, monkeypatch):
    """A server of the archive of a small graph, which stands in for the original."""
    server = http.server.HTTPServer(("127.0.0.1", 0), Host)
    server.content = archive_of(graph_bytes(), tmp_path / "served.tgz").read_bytes()
    server.knows_ranges = True
    server.breaks_at = None
    server.redirect = None
    server.ranges = []
    url = f"http://127.0.0.1:{server.server_port}/inception.tgz"
    monkeypatch.setattr(weights, "ARCHIVE_URL", url)
    digest = weights.git_blob_sha1(server.content)
    monkeypatch.setattr(weights, "ARCHIVE", (len(server.content), digest))
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("knows_ranges", [True, False])
def test_a_download_goes_on_where_it_broke_off(host, cache, knows_ranges):
    host.knows_ranges = knows_ranges
    host.breaks_at = 3000
    with pytest.raises(UserError, match=r"ended after 3000 of .*\n.*\n.*try again"):
        inception.download()
    assert [file.name for file in cache.iterdir()] == ["inception-2015-12-05.tgz.partial"]
    host.breaks_at = None
    assert inception.download().read_bytes() == graph_bytes()
    assert host.ranges == [None, "bytes=3000-"]
    assert [file.name for file in cache.iterdir()] == [inception.GRAPH_FILE]


def test_a_download_that_only_was_not_unpacked_is_not_repeated(host, cache):
    (cache / "inception-2015-12-05.tgz.partial").write_bytes(host.content)
    assert inception.download().read_bytes() == graph_bytes()
    assert host.ranges == []


def test_what_goes_on_after_another_file_is_thrown_away(host, cache):
    for partial, word in (
        (b"x" * 3000, "git-blob SHA-1"),
        (b"x" * (len(host.content) + 1), "git-blob SHA-1"),
    ):
        (cache / "inception-2015-12-05.tgz.partial").write_bytes(partial)
        with pytest.raises(UserError, match=word):
            inception.download()
        assert list(cache.iterdir()) == []
    host.content = host.content[:2000]
    (cache / "inception-2015-12-05.tgz.partial").write_bytes(b"x" * 3000)
    with pytest.raises(UserError, match="416"):
        inception.download()
    assert list(cache.iterdir()) == []


def test_a_host_that_sends_without_end_does_not_fill_the_disk(host, cache, monkeypatch):
    sizes = []
    monkeypatch.setattr(weights, "git_blob_sha1", lambda content: sizes.append(len(content)))
    host.content += bytes(10**6)
    with pytest.raises(UserError, match="git-blob SHA-1"):
        inception.download()
    assert sizes == [weights.ARCHIVE[0] + 1]


def test_a_redirect_away_from_https_is_refused(host, cache):
    host.redirect = weights.ARCHIVE_URL + "?again"
    with pytest.raises(UserError, match="which is not https"):
        inception.download()
    assert len(host.ranges) == 1
    assert list(cache.iterdir()) == []


def test_one_process_downloads_and_the_others_wait_for_it(host, cache):
    with futures.ThreadPoolExecutor() as pool:
        paths = list(pool.map(lambda _: inception.download(), range(3)))
    assert len(host.ranges) == 1
    assert list(cache.iterdir()) == [paths[0]]


def test_a_hub_module_that_reads_files_is_loaded_only_with_trust(tmp_path):
    class Module(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec((None, 299, 299, 3))])
        def __call__(self, images):
            size = tf.cast(tf.strings.length(tf.io.read_file(str(tmp_path / "secret"))), tf.float32)
            return {
                "pool_3": tf.reduce_mean(images, (1, 2)) + size,
                "logits": tf.reduce_max(images, (1, 2)),
            }

    (tmp_path / "secret").write_text("secret")
    tf.saved_model.save(Module(), str(tmp_path / "module"))
    with pytest.raises(UserError, match=r"ReadFile(.*\n)*.*--trust"):
        inception.load(f"hub:{tmp_path / 'module'}")
    assert inception.load(f"hub:{tmp_path / 'module'}", trust=True).dimension == 3
