"""An option that has an effect on no side is refused, from Python and in Keras."""

import numpy as np
import PIL.Image
import pytest

from tests.metrics.mini_inception import graph_bytes
from tf_ttur import metrics
from tf_ttur.data import prepare
from tf_ttur.errors import UserError
from tf_ttur.keras import FrechetInceptionDistance, FrechetInceptionDistanceCallback
from tf_ttur.metrics.inception import Inception

pytestmark = pytest.mark.filterwarnings("ignore:.*images for [0-9]+ features")

OPTIONS = {
    "background": "white",
    "depth": 8,
    "value_range": (0, 255),
    "quantisation": "truncate",
    "size": 16,
    "num_images": 30,
}
# By the forms of a side: the options that have an effect on it.
OBEYED = {
    "folder": {"background", "depth", "size"},
    "digits:30": {"size"},
    "images.npy": {"value_range", "size"},
    "prepared": {"size"},
    "statistics.npz": set(),
    "features.npz": set(),
    "array": {"value_range", "quantisation", "size", "num_images"},
}


@pytest.fixture(scope="module")
def network():
    return Inception(graph_bytes())


@pytest.fixture(scope="module")
def root(network, tmp_path_factory):
    root = tmp_path_factory.mktemp("sides")
    images = np.random.default_rng(0).integers(0, 256, (30, 16, 16, 3), np.uint8)
    (root / "folder").mkdir()
    for number, image in enumerate(images):
        PIL.Image.fromarray(image).save(root / "folder" / f"{number}.png")
    np.save(root / "images.npy", images)
    metrics.compute_statistics(images, network).save(root / "statistics.npz")
    metrics.keep_features(images, root / "features.npz", network)
    prepare.prepare("images", root / "images.npy", root / "prepared", size=16)
    return root


@pytest.fixture
def side_of(root, monkeypatch):
    """A function that gives a side of one of these forms."""
    monkeypatch.chdir(root)
    return lambda form: np.load("images.npy") if form == "array" else form


@pytest.mark.parametrize("form", OBEYED)
def test_what_no_side_obeys_is_refused(side_of, network, form):
    for option, value in OPTIONS.items():
        given = {option: value}
        if option in OBEYED[form]:
            metrics.evaluate(side_of(form), "statistics.npz", network, **given)
            continue
        with pytest.raises(UserError, match=f"^{option} has no effect on .*statistics.npz\n"):
            metrics.evaluate(side_of(form), "statistics.npz", network, **given)
        # One side that obeys is enough.
        other = next(each for each, obeyed in OBEYED.items() if option in obeyed)
        metrics.evaluate(side_of(form), side_of(other), network, **{"size": 16} | given)


def test_all_functions_refuse(side_of, network, tmp_path):
    images = side_of("array")
    message = r"^depth has no effect on images\n.*FOLDER/, FILE.zip"
    with pytest.raises(UserError, match=message):
        metrics.compute_statistics(images, network, depth=8)
    with pytest.raises(UserError, match=message):
        metrics.keep_features(images, tmp_path / "x.npz", network, depth=8)
    with pytest.raises(UserError, match=r"^value_range has no effect on folder and digits:30"):
        metrics.compare("folder", "digits:30", "folder", network, value_range=(0, 1))
    with pytest.raises(UserError, match="does not exist"):
        metrics.fid("nowhere", images, network, background="white")


@pytest.mark.parametrize("kind", [FrechetInceptionDistance, FrechetInceptionDistanceCallback])
def test_in_keras(side_of, network, kind):
    for reference in ("images.npy", "statistics.npz", side_of("array")):
        with pytest.raises(UserError, match=r"^background has no effect on"):
            kind(reference, network=network, background="white")
    # These are of the images to come as well.
    metric = kind("folder", network=network, value_range=(0, 1), background="white", num_images=30)
    assert metric.results == {}
