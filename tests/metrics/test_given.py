"""The forms of images that a Python program passes, and what is said of everything else."""

import json
import types
import warnings

import keras
import numpy as np
import PIL.Image
import pytest
import tensorflow as tf

from tests.metrics.mini_inception import graph_bytes
from tf_ttur import metrics
from tf_ttur.data.passed import describe
from tf_ttur.errors import UserError
from tf_ttur.metrics import Result, sides
from tf_ttur.metrics.inception import Inception
from tf_ttur.metrics.settings import Settings

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*images for [0-9]+ features"),
    pytest.mark.filterwarnings("ignore:the network is not the original"),
    pytest.mark.filterwarnings("ignore:.*__array__ implementation"),
]

NAMES = ["fid", "kid", "is", "prdc"]


class TorchLike:
    """What a program sees of a tensor of PyTorch that is on a GPU."""

    def __init__(self, array):
        self._array = array

    def detach(self):
        return self

    def cpu(self):
        return types.SimpleNamespace(numpy=lambda: self._array)

    def numpy(self):
        raise TypeError("can't convert cuda:0 device type tensor to numpy")


class Loader:
    """Batches, again from the start at every pass, like a DataLoader of PyTorch."""

    def __init__(self, *batches):
        self._batches = batches

    def __iter__(self):
        return iter(self._batches)

    def __len__(self):
        return len(self._batches)


class Batches(keras.utils.PyDataset):
    def __init__(self, images, labels=None):
        super().__init__()
        self._images = images
        self._labels = labels

    def __len__(self):
        return -(-len(self._images) // 32)

    def __getitem__(self, number):
        images = self._images[number * 32 : number * 32 + 32]
        return images if self._labels is None else (images, self._labels[: len(images)])


@pytest.fixture(scope="module")
def network():
    return Inception(graph_bytes())


@pytest.fixture(scope="module")
def images():
    random = np.random.default_rng(0)
    generated = random.integers(0, 256, (70, 16, 16, 3), np.uint8)
    return generated, random.integers(0, 200, (90, 16, 16, 3), np.uint8)


@pytest.fixture
def folders(images, tmp_path):
    """The two sides as folders of PNGs."""
    for name, side in zip(("generated", "real"), images, strict=True):
        (tmp_path / name).mkdir()
        for number, image in enumerate(side):
            PIL.Image.fromarray(image).save(tmp_path / name / f"{number:03}.png")
    return tmp_path / "generated", tmp_path / "real"


FORMS = {
    "list of images": list,
    "tuple of images": tuple,
    "list of batches": lambda images: [images[:32], images[32:]],
    "iterator of batches": lambda images: iter([images[:3], images[3:60], images[60:]]),
    "generator of images": lambda images: (image for image in images),
    "tf.Tensor": tf.constant,
    "PyTorch": TorchLike,
    "loader": lambda images: Loader(images[:32], images[32:]),
    "loader of lists of one": lambda images: Loader([images[:32]], (images[32:],)),
    "loader of tensors": lambda images: Loader(TorchLike(images[:32]), tf.constant(images[32:])),
    "PyDataset": Batches,
    "pictures": lambda images: [PIL.Image.fromarray(image) for image in images],
    "floats one by one": lambda images: iter(images / np.float32(127.5) - 1),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same(network, images, form):
    generated, real = images
    expected = metrics.evaluate(generated, real, network, NAMES, batch_size=30)
    found = metrics.evaluate(FORMS[form](generated), real, network, NAMES, batch_size=30)
    assert found == expected


def test_words_and_paths_are_opened(network, images, folders, tmp_path):
    expected = metrics.evaluate(*images, network, NAMES)
    assert metrics.evaluate(*map(str, folders), network, NAMES) == expected
    assert metrics.evaluate(*folders, network, metrics=NAMES) == expected
    assert metrics.evaluate(images[0], folders[1], network, ",".join(NAMES)) == expected
    metrics.compute_statistics(folders[1], network).save(tmp_path / "real.npz")
    for reference in (tmp_path / "real.npz", str(tmp_path / "real.npz")):
        found = metrics.evaluate(folders[0], reference, network)
        value = expected["fid_unknown"]["value"]
        assert found["fid_unknown"]["value"] == pytest.approx(value, rel=1e-9)
        with pytest.raises(UserError, match="only statistics"):
            metrics.evaluate(folders[0], reference, network, ["kid"])
    with pytest.raises(UserError, match="does not exist"):
        metrics.evaluate(tmp_path / "nothing", folders[1], network)
    with pytest.raises(UserError, match="carry no sampling error"):
        metrics.compare(tmp_path / "real.npz", folders[0], folders[1], network)
    with pytest.raises(UserError, match="statistics in the place of images"):
        metrics.compute_statistics(tmp_path / "real.npz", network)


def test_the_network_may_be_a_path(images, tmp_path):
    (tmp_path / "x.pb").write_bytes(graph_bytes())
    expected = metrics.evaluate(*images, Inception(graph_bytes()))
    assert metrics.evaluate(*images, tmp_path / "x.pb") == expected
    assert metrics.evaluate(*images, network=str(tmp_path / "x.pb")) == expected
    with pytest.raises(UserError, match=r"nothing\.pb"):
        metrics.evaluate(*images, network="nothing.pb")
    for wrong in (3, lambda images: (images, None)):
        with pytest.raises(UserError, match="network: "):
            metrics.evaluate(*images, wrong)
    with pytest.raises(UserError, match=r"sequential cannot be called .* it has no layers"):
        metrics.evaluate(*images, keras.Sequential())


def test_one_number(network, images):
    expected = metrics.evaluate(*images, network)["fid_unknown"]["value"]
    with pytest.warns(UserWarning, match="this value is fid_unknown, not the FID"):
        value = metrics.fid(*images, network)
    assert isinstance(value, float)
    assert value == expected
    assert metrics.fid(iter(images[0]), images[1], network=network, batch_size=30) > 0
    with pytest.raises(UserError, match="the FID alone"):
        metrics.fid(*images, network, metrics="kid")


def test_the_original_network_has_no_warning(network):
    mean = np.zeros(3)
    provenance = {"network": "original", "num_images": 50_000}
    both = [metrics.Statistics(mean + shift, np.eye(3), provenance, "side") for shift in (0, 2)]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert metrics.fid(*both) == 12.0


def test_a_result(network, images):
    results = metrics.evaluate(*images, network, ["fid", "is"])
    result = results["fid_unknown"]
    assert isinstance(result, Result)
    assert result.value == float(result) == result["value"]
    assert list(result) == ["value", "standard_error", "low", "high"]
    assert "std" not in result
    assert result.std is None
    line = f"fid_unknown {result.value:.4f} [{result.low:.4f}, {result.high:.4f}]"
    assert str(result) == f"{line}  (generated: 70 images, real: 90 images)"
    assert "±" in str(results["inception_score_unknown"])
    assert result.provenance["real"]["source"] == "real: array"
    stored = json.loads(json.dumps(result.to_dict()))
    assert stored["low"] == result.low
    assert stored["provenance"]["generated"]["num_images"] == 70
    assert result == {"value": result.value} | {key: result[key] for key in list(result)[1:]}
    with pytest.raises(AttributeError):
        result.value = 3.0
    own = Result.of("mine", {"value": 1.0, "spread": 2.0}, {})
    assert own["spread"] == 2.0
    assert str(own) == "mine 1.0000"


def test_a_name_that_is_missing_in_results(network, images):
    results = metrics.evaluate(*images, network, ["fid"])
    assert results.get("fid") is None and "fid" not in results
    with pytest.raises(KeyError) as caught:
        results["fid"]
    assert isinstance(caught.value, UserError)
    assert str(caught.value).startswith("results['fid'], where the values are fid_unknown\n")
    assert "take results['fid_unknown']" in str(caught.value)


def generator(latent=8, size=16):
    return keras.Sequential(
        [
            keras.Input((latent,)),
            keras.layers.Dense(
                size * size * 3,
                "tanh",
                kernel_initializer=keras.initializers.RandomNormal(0, 0.5, 1),
            ),
            keras.layers.Reshape((size, size, 3)),
        ]
    )


def test_a_keras_model_draws_from_latents(network, images):
    model = generator()
    first, again, other = (
        metrics.compute_statistics(model, network, num_images=50, batch_size=20, seed=seed)
        for seed in (0, 0, 1)
    )
    assert first.provenance["num_images"] == 50
    assert first.provenance["source"] == "images: Keras model, normal latents 8, seed 0"
    assert first.provenance["images_digest"] == again.provenance["images_digest"]
    assert first.provenance["images_digest"] != other.provenance["images_digest"]
    uniform = metrics.compute_statistics(model, network, num_images=50, latent="uniform")
    assert uniform.provenance["images_digest"] != first.provenance["images_digest"]
    unbuilt = keras.Sequential([keras.layers.Dense(768, "tanh"), keras.layers.Reshape((16, 16, 3))])
    with pytest.raises(UserError, match=r"pass latent_size=\.\.\."):
        metrics.compute_statistics(unbuilt, network)
    known = metrics.compute_statistics(
        unbuilt, network, num_images=50, latent_size=128, value_range=(-1, 1)
    )
    assert "latents 128" in known.provenance["source"]
    # Two sides do not see the same latents.
    both = metrics.evaluate(model, model, network, num_images=50)
    sides = both["fid_unknown"].provenance
    assert sides["generated"]["images_digest"] != sides["real"]["images_digest"]


def two_inputs():
    latents = keras.Input((8,))
    labels = keras.Input((1,))
    return keras.Model([latents, labels], keras.layers.Concatenate()([latents, labels]))


def discriminator():
    return keras.Sequential([keras.Input((16, 16, 3)), keras.layers.Flatten()])


def scores():
    return keras.Sequential([keras.Input((8,)), keras.layers.Dense(1)])


def labelled(images):
    labels = np.zeros(len(images), np.int64)
    return images, labels


PAIR = r"a tuple of 2: uint8 \(70, 16, 16, 3\), int64 \(70,\)"
REFUSED = {
    "two sizes": (lambda u: [u[0], u[1, :8]], r"\(16, 16, 3\), uint8 \(8, 16, 3\)"),
    "two sizes, cure": (lambda u: [u[0], u[1, :8]], "2 sizes: bring all to one size: --size 8"),
    "labels": (labelled, PAIR),
    "labels, cure": (lambda u: list(labelled(u)), "without labels"),
    "function with labels": (lambda u: lambda count: labelled(u[:count]), "a tuple of 2: uint8"),
    "function without argument": (lambda u: lambda: u, "cannot be called with the number"),
    "generator function": (lambda u: lambda: iter([u]), "cannot be called with the number"),
    "function of an iterator": (lambda u: lambda count: iter([u]), "list_iterator"),
    "PyDataset": (lambda u: Batches(*labelled(u)), r"gives a tuple of 2.*\n.*\n.*for images, lab"),
    "loader": (lambda u: Loader(list(labelled(u))), "for images, labels in loader"),
    "loader of dicts": (lambda u: Loader({"image": u}), "gives a dict with the keys 'image'"),
    "loader of words": (lambda u: Loader("a.png"), "gives str 'a.png'"),
    "channels first": (lambda u: Loader(u.transpose(0, 3, 1, 2)), r"permute\(0, 2, 3, 1\)"),
    "paths": (lambda u: ["a.png", "b.png"], "pass the folder"),
    "dict": (lambda u: {"image": u, "label": 3}, "keys 'image', 'label'"),
    "None": (lambda u: None, "generated: None"),
    "number": (lambda u: 3, "generated: 3"),
    "class": (lambda u: keras.Sequential, "the class Sequential"),
    "object": (lambda u: object(), "an object of type builtins.object"),
    "empty list": (lambda u: [], "an empty list"),
    "list of lists": (lambda u: u[:2].tolist(), "a list of 2: a list of 16"),
    "one image": (lambda u: u[0], "one image alone is no set"),
    "pairs of a data set": (
        lambda u: tf.data.Dataset.from_tensor_slices(labelled(u)),
        r"map\(lambda images, labels: images\)",
    ),
    "data set of two sizes": (
        lambda u: tf.data.Dataset.from_generator(
            lambda: iter([u[0], u[1, :8]]), output_signature=tf.TensorSpec((None, None, 3), u.dtype)
        ),
        "images of several sizes",
    ),
    "data set of images and their transposes": (
        lambda u: tf.data.Dataset.range(70).map(
            lambda i: tf.cond(
                i % 2 == 0,
                lambda: tf.zeros((16, 8, 3), u.dtype),
                lambda: tf.zeros((8, 16, 3), u.dtype),
            )
        ),
        "images of several sizes",
    ),
    "loader of two sizes": (lambda u: Loader(u[0], u[1, :8]), r"\(8, 16, 3\), after others"),
    "iterator of two sizes": (lambda u: iter([u, u[:, :8]]), r"\(8, 16, 3\), after others"),
    "too few": (lambda u: iter([u]), "70 images"),
    "no images": (lambda u: iter([]), "0 images"),
    "model of pairs": (lambda u: two_inputs(), "several inputs"),
    "discriminator": (lambda u: discriminator(), "of images .* not of latents"),
    "model of scores": (lambda u: scores(), r"shape \(100, 1\)"),
    "PyTorch module": (
        lambda u: types.SimpleNamespace(state_dict=dict, forward=abs),
        "a PyTorch module",
    ),
}


@pytest.mark.parametrize("form", REFUSED)
def test_what_was_passed_is_said_in_words(network, images, form):
    make, words = REFUSED[form]
    with pytest.raises(UserError, match=words):
        metrics.evaluate(make(images[0]), images[1], network, num_images=100)


def test_an_iterator_without_end_is_cut(network, images):
    def endless():
        while True:
            yield images[0][:32]

    found = metrics.compute_statistics(endless(), network, num_images=50)
    assert found.provenance["num_images"] == 50
    both = metrics.evaluate(endless(), images[1], network, ["kid"], num_images=50)
    assert both["kid_unknown"].provenance["generated"]["num_images"] == 50


def test_an_iterator_is_read_once(network, images):
    passes = []

    def batches():
        passes.append(1)
        yield from (images[0][:40], images[0][40:])

    assert metrics.evaluate(batches(), images[1], network) == metrics.evaluate(*images, network)
    assert len(passes) == 1


def test_an_error_in_a_function_of_the_user_stays_his(network, images):
    def draw(count):
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        metrics.evaluate(draw, images[1], network)


def test_descriptions():
    assert describe(np.zeros((2, 3), np.uint8)) == "uint8 (2, 3)"
    assert describe((np.zeros(2), "x" * 100)) == f"a tuple of 2: float64 (2,), str '{'x' * 60}'"
    assert describe({}) == "an empty dict"
    assert describe(list(range(6))) == "a list of 6: 0, 1, 2, 3, ..."


def test_an_exported_generator_draws_as_many_as_asked_for(monkeypatch, tmp_path):
    """And other words are taken whole."""
    calls = []
    monkeypatch.setattr(sides, "open_side", lambda *given, **options: calls.append(options))
    (tmp_path / "saved_model.pb").touch()
    settings = Settings(num_images=300, quantisation="truncate", seed=7)
    sides.open_word(str(tmp_path), settings)
    sides.open_word(str(tmp_path), Settings())
    sides.open_word("digits:30", settings)
    assert calls == [
        {"count": 300, "quantisation": "truncate", "seed": 7},
        {"count": 50_000, "quantisation": "round", "seed": 0},
        {},
    ]
