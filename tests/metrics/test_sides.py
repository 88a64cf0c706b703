"""Files that hold statistics and images, such as ADM's reference batches."""

import numpy as np
import pytest

from tests.metrics.mini_inception import graph_bytes
from tf_ttur import metrics
from tf_ttur.metrics import sides
from tf_ttur.metrics.inception import Inception

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*images for [0-9]+ features"),
    pytest.mark.filterwarnings("ignore:.*does not say where it comes from"),
]


@pytest.fixture(scope="module")
def network():
    return Inception(graph_bytes())


@pytest.fixture(scope="module")
def adm(tmp_path_factory, network):
    """(an .npz as guided-diffusion publishes it, its images)."""
    images = np.random.default_rng(0).integers(0, 256, (60, 16, 16, 3), np.uint8)
    known = metrics.compute_statistics(images, network)
    path = tmp_path_factory.mktemp("adm") / "VIRTUAL_faces.npz"
    # Their spatial statistics are of other features.
    np.savez(
        path,
        arr_0=images,
        mu=known.mu + 1,  # so that it shows which of the two was used
        sigma=known.sigma,
        mu_s=np.zeros(2023),
        sigma_s=np.eye(2023),
    )
    return path, images


@pytest.fixture(scope="module")
def others():
    return np.random.default_rng(1).integers(0, 200, (70, 16, 16, 3), np.uint8)


def test_statistics_serve_for_the_distance(adm, others, network):
    path, images = adm
    with_file = metrics.evaluate(others, path, network)["fid_unknown"].value
    with_images = metrics.evaluate(others, images, network)["fid_unknown"].value
    assert abs(with_file - with_images) > 0.1


@pytest.mark.parametrize("names", ["kid", "prdc", "fid,prdc"])
def test_images_serve_where_a_measure_needs_them(adm, others, network, names):
    path, images = adm
    with_file = metrics.evaluate(others, path, network, names)
    with_images = metrics.evaluate(others, images, network, names)
    assert {name: result.value for name, result in with_file.items()} == pytest.approx(
        {name: result.value for name, result in with_images.items()}
    )


def test_images_serve_as_the_source_of_a_score(adm, others, network):
    path, images = adm
    with_file = metrics.evaluate(path, others, network, "is")
    [value] = [result.value for result in with_file.values()]
    [expected] = [r.value for r in metrics.evaluate(images, others, network, "is").values()]
    assert value == pytest.approx(expected)


def test_which_side_of_both_gives_its_images(adm, tmp_path, network):
    path, _ = adm
    np.savez(tmp_path / "s.npz", mu=np.zeros(3), sigma=np.eye(3))
    words = [str(path), str(tmp_path / "s.npz")]
    assert sides.prefer_images(words, ["fid"]) == [False, False]
    assert sides.prefer_images(words, ["kid"]) == [True, True]
    assert sides.prefer_images(words, ["is"]) == [True, False]
    # One side of images is enough for it: the source if it has some, else the reference.
    assert sides.prefer_images(words, ["fid_inf"]) == [True, False]
    assert sides.prefer_images(words[::-1], ["fid_inf"]) == [True, True]


def test_from_the_command_line(adm, network, tmp_path, tool):
    path, images = adm
    np.save(tmp_path / "others.npy", images[:50] // 2)
    (tmp_path / "graph.pb").write_bytes(graph_bytes())
    flags = ("--inception", tmp_path / "graph.pb")
    answer = tool("tools/fid.py", tmp_path / "others.npy", path, "--metrics", "prdc", *flags)
    assert answer.returncode == 0, answer.stderr
    assert f"{path}: 60 images" in answer.stdout
    answer = tool("tools/fid.py", tmp_path / "others.npy", path, *flags)
    assert answer.returncode == 0, answer.stderr
    assert f"{path}: unknown number of images" in answer.stdout
    assert tool("tools/fid.py", path, path).returncode == 0
