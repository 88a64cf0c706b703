"""Features of networks that are not Inception: functions, Keras models, SavedModels."""

import json
import re

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.conftest import ROOT
from tf_ttur import metrics
from tf_ttur.commands import fid, stats
from tf_ttur.errors import UserError
from tf_ttur.metrics import own_networks
from tf_ttur.metrics.frechet import frechet_distance

CODE = """
import tensorflow as tf
SCALE = 255.0
def thirds(images):
    pooled = tf.nn.avg_pool2d(tf.cast(images, tf.float32) / SCALE, 8, 8, "VALID")
    return tf.reshape(pooled, (len(images), -1))
"""


@pytest.fixture
def images():
    random = np.random.default_rng(0)
    return [random.integers(low, 256, (60, 16, 16, 3)).astype(np.uint8) for low in (0, 60)]


@pytest.fixture
def model():
    keras.utils.set_random_seed(0)
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((None, None, 3)),
            layers.Rescaling(1 / 255),
            layers.Conv2D(6, 3, activation="relu"),
            layers.GlobalAveragePooling2D(),
        ],
        name="small",
    )


def distance(features):
    moments = [(side.mean(0, np.float64), np.cov(side, rowvar=False)) for side in features]
    return frechet_distance(*moments[0], *moments[1])


def save(folder, images):
    names = [folder / "a.npy", folder / "b.npy"]
    for name, side in zip(names, images, strict=True):
        np.save(name, side)
    return [str(name) for name in names]


@pytest.mark.filterwarnings("ignore:.*images for")
def test_a_function_of_a_file(tmp_path, images, capsys, monkeypatch):
    (tmp_path / "mine.py").write_text(CODE)
    monkeypatch.chdir(tmp_path)
    sides = save(tmp_path, images)
    fid.main([*sides, "--network", "mine.py:thirds", "--metrics", "fid,kid:degree=2", "--json"])
    found = json.loads(capsys.readouterr().out)
    pooled = [side.reshape(60, 2, 8, 2, 8, 3).mean((2, 4)).reshape(60, 12) / 255 for side in images]
    assert list(found["metrics"]) == ["frechet_thirds", "kid_degree_2_thirds"]
    assert found["metrics"]["frechet_thirds"]["value"] == pytest.approx(distance(pooled), rel=1e-4)
    # The same by statistics. Another function or file is another network.
    stats.main([sides[1], "--network", "mine.py:thirds", "--output", "b.npz"])
    fid.main([sides[0], "b.npz", "--network", "mine.py:thirds"])
    assert capsys.readouterr().out.splitlines()[-1].startswith("frechet_thirds 0.")
    (tmp_path / "other.py").write_text(CODE.replace("255.0", "128.0"))
    with pytest.raises(UserError, match="made with network_sha1"):
        fid.main([sides[0], "b.npz", "--network", "other.py:thirds"])
    with pytest.raises(UserError, match="--precision together with --network"):
        fid.main([*sides, "--network", "mine.py:thirds", "--precision", "bf16"])


@pytest.mark.filterwarnings("ignore:.*images for")
def test_keras_models_and_saved_models(tmp_path, images, model):
    expected = distance([model(side.astype(np.float32)).numpy() for side in images])
    model.save(tmp_path / "saved.keras")
    model.export(tmp_path / "exported", verbose=False)
    for network, name in [
        (model, "small"),
        (tmp_path / "saved.keras", "saved"),
        (str(tmp_path / "exported"), "exported"),
    ]:
        found = metrics.evaluate(*images, network)
        assert list(found) == [f"frechet_{name}"]
        assert float(found[f"frechet_{name}"]) == pytest.approx(expected, rel=1e-4)
    # Its weights are part of what it is.
    digest = own_networks.wrap(model).digest
    assert own_networks.wrap(model).digest == digest
    model.set_weights([2 * weights for weights in model.get_weights()])
    assert own_networks.wrap(model).digest != digest


def test_a_function_is_known_by_the_weights_that_it_uses(model):
    def features(images):
        return project(model(tf.cast(images, tf.float32)))

    def project(values):
        return values @ matrix

    matrix = np.eye(6, 4, dtype=np.float32)
    first = own_networks.wrap(features)
    assert (first.network, first.dimension) == ("features", 4)
    assert own_networks.wrap(features).digest == first.digest
    matrix = 2 * matrix
    second = own_networks.wrap(features).digest
    model.set_weights([2 * weights for weights in model.get_weights()])
    assert len({first.digest, second, own_networks.wrap(features).digest}) == 3
    features.digest = "release 3"
    assert own_networks.wrap(features).digest == "release 3"


def original(images):
    return np.zeros((len(images), 3))


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (lambda images: np.zeros((2, 3)), "function without a name"),
        (original, "called original"),
        (3, "network: 3"),
        ("missing.py:function", "no file missing.py"),
        ("missing.keras", "does not exist"),
    ],
)
def test_what_is_no_network(function, words, images):
    with pytest.raises(UserError, match=words):
        metrics.evaluate(*images, function)


@pytest.mark.parametrize(
    ("output", "words"),
    [
        (lambda images: np.zeros((2, 2, 3)), r"gives float64 \(2, 2, 3\) for 2 images"),
        (lambda images: np.full((2, 3), np.nan), "NaN or infinity"),
        (lambda images: images @ np.eye(4), "cannot be called.*64, 64, 3.*it resizes"),
        (lambda images: {"features": 1}, "a dict with the keys 'features'"),
    ],
)
def test_what_gives_no_features(output, words):
    def features(images):
        return output(images)

    with pytest.raises(UserError, match=f"(?s){words}"):
        own_networks.wrap(features)


def recipes():
    """{file name: code} of the recipes in the documentation."""
    text = (ROOT / "docs/metrics.md").read_text(encoding="utf-8")
    return dict(re.findall(r"```python\n# (\w+\.py)\n(.*?)```", text, re.S))


def test_the_recipes_run_on_random_weights(tmp_path, images, monkeypatch):
    """The published weights cannot be had in a test: the presets give random ones here."""
    models = pytest.importorskip("keras_hub").models
    size = (224, 224, 3)
    dinov2 = models.DINOV2Backbone(56, 1, 8, 2, 16, image_shape=size, position_embedding_shape=size)
    clip = models.CLIPBackbone(
        models.CLIPVisionEncoder(56, 8, 1, 2, 16, image_shape=size),
        models.CLIPTextEncoder(20, 8, 8, 1, 2, 16),
        4,
    )
    monkeypatch.setattr(models.DINOV2Backbone, "from_preset", lambda *_, **__: dinov2)
    monkeypatch.setattr(models.CLIPBackbone, "from_preset", lambda *_, **__: clip)
    for (name, code), dimension in zip(recipes().items(), (8, 4), strict=True):
        (tmp_path / name).write_text(code)
        network = own_networks.load(f"{tmp_path / name}:{name.removesuffix('.py')}")
        assert network.metric == f"frechet_{name.removesuffix('.py')}"
        features, _ = network(images[0][:3])
        assert features.shape == (3, dimension)
        assert np.ptp(features, axis=0).min() > 0
