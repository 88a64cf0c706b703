"""Exports in other formats, run by interpreters that are not TensorFlow's own, and by its own."""

import importlib.util
import json
import warnings

import numpy as np
import pytest
import tensorflow as tf

from tests.conformance import models
from tf_ttur.errors import UserError
from tf_ttur.models import ARCHITECTURES
from tf_ttur.training import conversion, export, formats, networks

# An image of WGAN-GP is divided by standard deviations of the few others in its batch.
TOLERANCES = {"wgan_gp": 2e-4}
NAMES = [
    pytest.param(name, marks=pytest.mark.slow if name != "dcgan" else ())
    for name in sorted(ARCHITECTURES)
]


@pytest.fixture(scope="module", params=NAMES)
def exported(request, tmp_path_factory):
    """A config, its vocabulary, and the folder with the generator in all formats."""
    folder = tmp_path_factory.mktemp(request.param)
    config = models.build(request.param, folder)
    config.model.precision = "bfloat16"  # exports are float32 nevertheless
    vocabulary = list("abc ") if ARCHITECTURES[request.param].learns == "lines" else []
    generator = networks.build_generator(config, len(vocabulary))
    for name in formats.NAMES:
        if name == formats.HUB or (name == "onnx" and importlib.util.find_spec("tf2onnx") is None):
            continue
        export.write(config, generator, folder / f"generator.{name}", name, vocabulary)
    return config, vocabulary, folder


def latents_of(config, number):
    generator = np.random.default_rng(0)
    return generator.normal(size=(number, config.latent.size)).astype(np.float32)


def tolerance(config):
    return TOLERANCES.get(config.model.architecture, 1e-5)


def by_tensorflow(folder, latents):
    model = tf.saved_model.load(str(folder / "generator.savedmodel"))
    (output,) = model.signatures["serving_default"](latents=tf.constant(latents)).values()
    return output.numpy()


def test_the_saved_model_is_the_generator_in_float32(exported):
    config, vocabulary, folder = exported
    latents = latents_of(config, 3)
    config = config.copy_and_resolve_references()
    config.model.precision = "float32"
    generator = networks.build_generator(config, len(vocabulary))  # the seed decides the weights
    expected = generator(tf.constant(latents), training=False).numpy()
    output = by_tensorflow(folder, latents)
    assert output.dtype == np.float32
    np.testing.assert_allclose(output, expected, atol=tolerance(config))
    shape = networks.example_shape(config, len(vocabulary))
    assert by_tensorflow(folder, latents[:0]).shape == (0, *shape)
    assert by_tensorflow(folder, latents[:1]).shape == (1, *shape)


def test_samples_of_none_and_one(exported):
    *_, folder = exported
    model = tf.saved_model.load(str(folder / "generator.savedmodel"))
    for count in (0, 1):
        sample = model.signatures["sample"](count=tf.constant(count), seed=tf.constant(0))
        assert [len(values) for values in sample.values()] == [count]


def test_tflite_gives_what_the_saved_model_gives(exported):
    config, vocabulary, folder = exported
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the interpreter is to move to another package
        interpreter = tf.lite.Interpreter(str(folder / "generator.tflite"))
    (entry,) = interpreter.get_input_details()
    (result,) = interpreter.get_output_details()
    shape = networks.example_shape(config, len(vocabulary))
    assert tuple(result["shape_signature"]) == (-1, *shape)
    for number in (1, 3):
        latents = latents_of(config, number)
        interpreter.resize_tensor_input(entry["index"], latents.shape)
        interpreter.allocate_tensors()
        interpreter.set_tensor(entry["index"], latents)
        interpreter.invoke()
        output = interpreter.get_tensor(result["index"])
        expected = by_tensorflow(folder, latents)
        np.testing.assert_allclose(output, expected, atol=tolerance(config))


def test_onnx_gives_what_the_saved_model_gives(exported):
    pytest.importorskip("tf2onnx")
    onnxruntime = pytest.importorskip("onnxruntime")
    config, vocabulary, folder = exported
    session = onnxruntime.InferenceSession(folder / "generator.onnx")
    (entry,) = session.get_inputs()
    (result,) = session.get_outputs()
    shape = networks.example_shape(config, len(vocabulary))
    assert (entry.name, entry.shape) == ("latents", ["n", config.latent.size])
    assert (result.name, result.shape) == (
        "probabilities" if vocabulary else "images",
        ["n", *shape],
    )
    for number in (0, 1, 3):
        latents = latents_of(config, number)
        (output,) = session.run(None, {"latents": latents})
        expected = by_tensorflow(folder, latents)
        np.testing.assert_allclose(output, expected, atol=tolerance(config))
    properties = session.get_modelmeta().custom_metadata_map
    assert json.loads(properties.get("vocabulary", "[]")) == list(vocabulary)


def test_a_file_that_is_not_ours_is_kept(tmp_path):
    for name, chosen in formats.FILES.items():
        path = tmp_path / f"other{chosen.suffix}"
        path.write_bytes(b"something else")
        with pytest.raises(UserError, match="--overwrite"):
            formats.check_output(name, path)
        assert formats.check_output(name, path, overwrite=True) == path


def test_what_cannot_be_converted_is_refused_with_its_operation():
    @tf.function(input_signature=[tf.TensorSpec((None, 4), tf.float32, "latents")])
    def exponential(latents):
        return {"images": tf.linalg.expm(latents @ tf.transpose(latents))}

    with pytest.raises(UserError, match="cannot be converted to TFLite"):
        conversion.tflite(exponential)


def test_onnx_without_its_extra(monkeypatch, tmp_path):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"pip install -e .\[onnx\]"):
        formats.check_output("onnx", tmp_path / "generator.onnx")
