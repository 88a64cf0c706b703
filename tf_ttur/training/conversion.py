"""The generator as one file for programs without TensorFlow: TFLite and ONNX.

Either file holds one function of `latents`, float32 (n, latent_size). It gives `images`, float32
(n, size, size, channels) in -1 ... 1, or `probabilities`, float32 (n, length, symbols). All sizes
but n are fixed.
"""

import json
import logging
from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from tf_ttur.errors import UserError
from tf_ttur.training.formats import PRODUCER

_OPSET = 17  # of ONNX; programs of 2022 and later know it


def tflite(function: Any, vocabulary: Sequence[str] = ()) -> bytes:
    """Converts a generator to TFLite.

    Args:
      function: a `tf.function` with a signature, from latents to a dictionary of one tensor.
      vocabulary: without effect, as the format has no place for it.

    Raises:
      UserError: the generator has an operation that TFLite does not have.
    """
    concrete = function.get_concrete_function()
    converter = tf.lite.TFLiteConverter.from_concrete_functions([concrete], tf.Module())
    try:
        return converter.convert()
    except Exception as error:  # the converter's own class of errors is private
        raise _cannot("TFLite", error) from error


def onnx(function: Any, vocabulary: Sequence[str] = ()) -> bytes:
    """Converts a generator to ONNX.

    Args:
      function: a `tf.function` with a signature, from latents to a dictionary of one tensor.
      vocabulary: the symbols of a generator of lines, which the file holds as its metadata
        `vocabulary`, a list in JSON.

    Raises:
      UserError: the generator has an operation that the converter does not know.
    """
    import onnx as onnx_format
    import tf2onnx

    logging.getLogger("tf2onnx").setLevel(logging.ERROR)
    try:
        model, _ = tf2onnx.convert.from_function(function, function.input_signature, opset=_OPSET)
        _name_batch(model)
        model.producer_name = PRODUCER
        model.producer_version = ""
        if vocabulary:
            symbols = json.dumps(list(vocabulary))
            onnx_format.helper.set_model_props(model, {"vocabulary": symbols})
        onnx_format.checker.check_model(model)
    except Exception as error:  # of three libraries, which have no common class of errors
        raise _cannot("ONNX", error) from error
    return model.SerializeToString()


def _name_batch(model: Any) -> None:
    """Calls the size of the batch "n" in the description of an ONNX model."""
    for tensor in (*model.graph.input, *model.graph.output):
        tensor.type.tensor_type.shape.dim[0].dim_param = "n"


def _cannot(name: str, error: Exception) -> UserError:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return UserError(
        f"the generator cannot be converted to {name} ({lines[0]})",
        f"a generator whose operations {name} has, such as those of this package",
        "export it with --format savedmodel",
    )
