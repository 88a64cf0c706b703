"""Sides of any size, brought to one: by every form of images, and recorded and compared."""

import json

import numpy as np
import PIL.Image
import pytest
import tensorflow as tf

import tf_ttur
from tests.conftest import assert_refused
from tests.metrics.mini_inception import graph_bytes
from tf_ttur import metrics
from tf_ttur.errors import UserError
from tf_ttur.metrics.inception import Inception

pytestmark = pytest.mark.filterwarnings("ignore:.*images for [0-9]+ features")

OPTIONS = {"size": 20, "crop": "square", "filter": "lanczos"}
FLAGS = ["--size", "20", "--crop", "square", "--filter", "lanczos"]


@pytest.fixture(scope="module")
def network():
    return Inception(graph_bytes())


@pytest.fixture(scope="module")
def pictures():
    """30 images of two sizes."""
    random = np.random.default_rng(0)
    sizes = [(32, 24), (26, 40)] * 15
    return [random.integers(0, 256, (*size, 3), np.uint8) for size in sizes]


@pytest.fixture(scope="module")
def folders(pictures, tmp_path_factory):
    """(their folder, a folder of 30 images of 48x48 pixels, one graph.pb beside both)."""
    root = tmp_path_factory.mktemp("sides")
    random = np.random.default_rng(1)
    others = [random.integers(0, 200, (48, 48, 3), np.uint8) for _ in pictures]
    for name, images in (("mixed", pictures), ("large", others)):
        (root / name).mkdir()
        for number, image in enumerate(images):
            PIL.Image.fromarray(image).save(root / name / f"{number:02}.png")
    (root / "graph.pb").write_bytes(graph_bytes())
    return root / "mixed", root / "large", root / "graph.pb"


@pytest.fixture(scope="module")
def resized(pictures):
    """What Pillow makes of the images with `OPTIONS`."""
    images = []
    for picture in map(PIL.Image.fromarray, pictures):
        side = min(picture.size)
        left = (picture.width - side) // 2
        top = (picture.height - side) // 2
        square = picture.crop((left, top, left + side, top + side))
        images.append(np.asarray(square.resize((20, 20), PIL.Image.Resampling.LANCZOS)))
    return np.stack(images)


def elements(pictures):
    """The images one by one, as a `tf.data.Dataset`."""
    spec = tf.TensorSpec((None, None, 3), tf.uint8)
    return tf.data.Dataset.from_generator(lambda: iter(pictures), output_signature=spec)


@pytest.mark.parametrize(
    "form",
    [
        list,
        iter,
        elements,
        lambda pictures: elements(pictures).map(lambda image: tf.cast(image, tf.float32) / 255),
    ],
    ids=["list", "iterator", "data set", "floats"],
)
def test_every_form_of_several_sizes(form, pictures, resized, network):
    expected = metrics.compute_statistics(resized, network)
    options = OPTIONS | {"value_range": (0, 1)} if "lambda" in form.__name__ else OPTIONS
    found = metrics.compute_statistics(form(pictures), network, batch_size=7, **options)
    np.testing.assert_allclose(found.mu, expected.mu, rtol=1e-5)
    assert found.provenance["images_digest"] == expected.provenance["images_digest"]
    assert found.provenance["resizing"] == OPTIONS


def test_words_arrays_and_functions(folders, resized, network):
    mixed, large, _ = folders
    of_folder = metrics.compute_statistics(mixed, network, **OPTIONS)
    of_array = metrics.compute_statistics(resized, network)
    assert of_folder.provenance["images_digest"] == of_array.provenance["images_digest"]
    tiled = np.tile(resized, (1, 3, 3, 1))  # another size than the words

    def draw(count):
        return tiled[:count]

    results = metrics.evaluate(draw, large, network, num_images=30, batch_size=30, **OPTIONS)
    for side in results["fid_unknown"].provenance.values():
        assert (side["resizing"], side["image_shape"]) == (OPTIONS, [20, 20, 3])


def test_the_command_line(folders, network, tmp_path, tool):
    mixed, large, graph = folders
    inception = ["--inception", graph]
    answer = tool("tools/fid.py", mixed, large, "--json", *FLAGS, *inception)
    assert answer.returncode == 0, answer.stderr
    result = json.loads(answer.stdout)
    assert [side["resizing"] for side in result["provenance"]] == [OPTIONS] * 2
    value = metrics.evaluate(mixed, large, network, **OPTIONS)["fid_unknown"].value
    assert result["metrics"]["fid_unknown"]["value"] == pytest.approx(value, rel=1e-9)

    # Statistics say how their images were resized; others of that size may be measured with them.
    stats = tmp_path / "s.npz"
    answer = tool("tools/precalc_stats.py", large, "--output", stats, *FLAGS, *inception)
    assert answer.returncode == 0, answer.stderr
    answer = tool("tools/fid.py", mixed, stats, *FLAGS, *inception)
    assert f"{value:.4f}" in answer.stdout
    np.save(
        tmp_path / "small.npy", np.stack([np.asarray(image)[:20, :20] for image in [*read(large)]])
    )
    assert tool("tools/fid.py", tmp_path / "small.npy", stats, *inception).returncode == 0
    for words in (
        [mixed, stats, *FLAGS[:-1], "bicubic"],
        [mixed, stats, *FLAGS[:2], "--crop", "none", *FLAGS[4:]],
    ):
        refused = tool("tools/fid.py", *words, *inception)
        assert_refused(refused, "resized with --size 20", "--crop square --filter lanczos")
    assert_refused(tool("tools/fid.py", large, stats, *inception), "[20, 20, 3]", "--size 20")


def read(folder):
    return [PIL.Image.open(path) for path in sorted(folder.iterdir())]


def test_sides_of_two_sizes_are_refused_with_the_flag(folders, network, tool):
    mixed, large, graph = folders
    inception = ["--inception", graph]
    assert_refused(
        tool("tools/fid.py", mixed, large, *inception), "48x48", "--size 24 [--crop square|none]"
    )
    array = np.zeros((30, 16, 16, 3), np.uint8) + np.arange(16, dtype=np.uint8)[:, None, None]
    with pytest.raises(UserError, match=r"48x48 .*\n.*\n.*in Python size=16"):
        metrics.evaluate(array, large, network)


def test_statistics_of_another_size_or_filter_are_refused(folders, network):
    mixed, large, _ = folders
    first = metrics.compute_statistics(mixed, network, **OPTIONS)
    for changed in ({"size": 24}, {"crop": "none"}, {"filter": "bilinear"}):
        second = metrics.compute_statistics(large, network, **OPTIONS | changed)
        with pytest.raises(UserError, match="--size 2"):
            metrics.evaluate(first, second)


def test_flags_without_effect(folders, tool):
    mixed, _, graph = folders
    refused = tool("tools/fid.py", mixed, mixed, "--crop", "none", "--inception", graph)
    assert_refused(refused, "a crop without a size")
    refused = tool("tools/precalc_stats.py", "--config", "svhn", "--size", "20")
    assert_refused(refused, "--size together with --config")


def test_background_and_depth_from_python(tmp_path, network):
    random = np.random.default_rng(2)
    pixels = random.integers(0, 256, (6, 16, 16, 4), np.uint8)
    for number, image in enumerate(pixels):
        PIL.Image.fromarray(image).save(tmp_path / f"{number}.png")
    deep = PIL.Image.fromarray(random.integers(0, 2**16, (16, 16), np.uint16))
    deep.save(tmp_path / "deep.png")
    with pytest.raises(UserError, match="--background white"):
        metrics.compute_statistics(tmp_path, network)
    options = {"background": "white", "depth": 8}
    found = metrics.compute_statistics(tmp_path, network, **options)
    assert found.provenance["num_images"] == 7
    metric = tf_ttur.keras.FrechetInceptionDistance(tmp_path, network, **options)
    white = PIL.Image.new("RGBA", (16, 16), "white")
    shown = [PIL.Image.alpha_composite(white, PIL.Image.fromarray(image)) for image in pixels]
    metric.update_state(np.stack([np.asarray(image.convert("RGB")) for image in shown]))
    metric.update_state(np.repeat(np.asarray(deep)[None, ..., None] >> 8, 3, -1).astype(np.uint8))
    assert float(metric.result()) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("in_graph", [False, True])
def test_the_keras_metric_resizes_what_it_is_given(in_graph, folders, pictures, network):
    mixed, large, _ = folders
    metric = tf_ttur.keras.FrechetInceptionDistance(large, network, **OPTIONS)
    update = tf.function(metric.update_state) if in_graph else metric.update_state
    for picture in pictures:
        update(tf.constant(picture[None]))
    expected = metrics.evaluate(mixed, large, network, **OPTIONS)["fid_unknown"].value
    assert float(metric.result()) == pytest.approx(expected, rel=1e-6)
    with pytest.raises(UserError, match="--filter bicubic"):
        stats = metrics.compute_statistics(large, network, size=20)
        tf_ttur.keras.FrechetInceptionDistance(stats, network, **OPTIONS)
