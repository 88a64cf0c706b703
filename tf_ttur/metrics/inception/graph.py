"""The frozen Inception graph of 2015 as a TensorFlow 2 function.

The graph holds an operation that TensorFlow 2 no longer runs, `BatchNormWithGlobalNormalization`.
Here the file is read as data: its few kinds of operation are carried out one by one inside a
`tf.function`, with each batch norm folded into the convolution before it (in float64). Operations
that are missing in `_BUILDERS` are refused, and so are sizes far from those of the original. So a
graph from elsewhere can do no more than a bounded amount of arithmetic.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from tf_ttur.errors import UserError
from tf_ttur.metrics.inception import weights
from tf_ttur.metrics.names import metric_name
from tf_ttur.metrics.precision import PRECISIONS

_INPUT = "ExpandDims"
_FEATURES = "pool_3"
_LOGITS = "softmax/logits/MatMul"
# guided-diffusion takes these channels of this node as spatial features.
_SPATIAL = "mixed_6/conv"
_SPATIAL_CHANNELS = 7

# Well above the original, whose constants have 24 million elements, and whose largest value has 1.4
# million for one image.
_MAX_ELEMENTS = 2**26
_MAX_VALUES = 2**22

Operation = Callable[..., tf.Tensor]


class Inception:
    """The frozen graph as a function of images; a `networks.FeatureNetwork`.

    Attributes:
      network: "original", "stand-in", or "unknown" for a graph with another digest.
      metric: the name of the Fréchet distance of these features: "fid" for the original file alone,
        else "fid_stand_in" or "fid_unknown".
      digest: git-blob SHA-1 of the file.
      precision: "float32", or "bfloat16" for the convolutions (weights and activations; resizing,
        pooling to pool_3 and logits stay float32).
      dimension: number of pool_3 features.
      spatial_dimension: number of spatial features, see `with_spatial`; 0 if the graph has none.
      bytes_per_image: the values that are needed at once for one image.
    """

    def __init__(
        self, content: bytes, precision: str = "float32", name: str = "the given bytes"
    ) -> None:
        """Reads the graph.

        Args:
          content: the bytes of the frozen graph.
          precision: "float32" or "bfloat16".
          name: how messages call it.

        Raises:
          UserError: it is not such a graph.
        """
        definition = tf.compat.v1.GraphDef()
        try:
            definition.ParseFromString(content)
        except Exception as error:  # DecodeError, and others where the bytes mislead it
            raise UserError(
                f"{name} is not a frozen graph ({error})",
                weights.GRAPH_FILE,
                "fetch the file again",
            ) from error
        if precision not in PRECISIONS:
            raise ValueError(f"precision {precision!r}; expected one of {', '.join(PRECISIONS)}")
        self.digest = weights.git_blob_sha1(content)
        self.network = weights.NETWORKS.get(self.digest, "unknown")
        self.metric = metric_name(self.network)
        self.precision = precision
        self._name = name
        try:
            self._bytes: dict[str, int] = {}
            self._steps = _steps(definition, tf.dtypes.as_dtype(precision), name)
            self._function = tf.function(
                self._run, autograph=False, input_signature=[tf.TensorSpec((None, None, None, 3))]
            )
            outputs = self._function.get_concrete_function().structured_outputs
            self.dimension = outputs[0].shape[1]
            self.spatial_dimension = outputs[2].shape[1]
            self.bytes_per_image = _peak(self._steps, self._bytes)
        except UserError:
            raise
        except Exception as error:  # of many kinds, where nodes do not fit together
            reason = str(error).partition("\n")[0]
            raise _refusal(
                name, f"it cannot be carried out ({type(error).__name__}: {reason})"
            ) from error

    def __call__(self, images: np.ndarray | tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Features of images.

        Args:
          images: (n, height, width, 3) with n > 0, RGB, uint8 or float in 0 ... 255.

        Returns:
          (pool_3, logits): float32, (n, 2048) and (n, 1008). The logits are those of the Inception
          Score's original definition, without the bias. Both are NaN of an image that holds NaN
          or infinity.
        """
        return self._function(tf.cast(images, tf.float32))[:2]

    def with_spatial(self, images: np.ndarray | tf.Tensor) -> tuple[tf.Tensor, ...]:
        """As a call, with the spatial features of guided-diffusion's sFID.

        Returns:
          (pool_3, logits, spatial). The last is float32 (n, 2023): the first 7 channels of the node
          mixed_6/conv at its 17x17 places, row by row.
        """
        return self._function(tf.cast(images, tf.float32))

    def _run(self, images: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        values = {_INPUT: images}
        for step in self._steps:
            value = step.operation(*(values[name] for name in step.inputs))
            size = value.shape[1:].num_elements()
            if size is None or size > _MAX_VALUES:
                count = "an unknown number of" if size is None else f"{size:,}"
                raise _refusal(self._name, f"its node {step.name} has {count} values for an image")
            values[step.name] = value
            self._bytes[step.name] = size * value.dtype.size
        # The graph itself checks after every convolution, which would wait for the device each
        # time. A rectifier may make 0 of NaN, so NaN is put back at the end.
        is_finite = tf.reduce_all(tf.math.is_finite(images), (1, 2, 3))
        not_finite = tf.where(is_finite, 0.0, np.nan)[:, tf.newaxis]
        pool_3 = values[_FEATURES]
        features = tf.reshape(pool_3, (-1, pool_3.shape[-1])) + not_finite
        logits = values[_LOGITS] + not_finite
        if _SPATIAL not in values:
            return features, logits, features[:, :0]
        spatial = tf.cast(values[_SPATIAL][..., :_SPATIAL_CHANNELS], tf.float32)
        size = spatial.shape[1:].num_elements()
        return features, logits, tf.reshape(spatial, (-1, size)) + not_finite


def resize(images: tf.Tensor, size: Sequence[int] | np.ndarray) -> tf.Tensor:
    """Bilinear resizing as in 2015, without the half-pixel shift of `tf.image.resize`.

    The source coordinate is target * (in / out).

    Args:
      images: (n, height, width, channels) float32.
      size: (height, width) of the result.
    """
    return tf.raw_ops.ResizeBilinear(
        images=images, size=size, align_corners=False, half_pixel_centers=False
    )


class _Step(NamedTuple):
    """One operation of the graph.

    Attributes:
      name: of its node.
      operation: function of tensors.
      inputs: names of the nodes whose values it takes.
    """

    name: str
    operation: Operation
    inputs: list[str]


def _peak(steps: Sequence[_Step], sizes: Mapping[str, int]) -> int:
    """The most bytes that are needed at once, where a value goes after its last use.

    Args:
      steps: in the order in which they are carried out.
      sizes: {name of a step: bytes of its value}.
    """
    last_use = {name: step.name for step in steps for name in step.inputs}
    held: dict[str, int] = {}
    peak = 0
    for step in steps:
        held[step.name] = sizes[step.name]
        peak = max(peak, sum(held.values()))
        held = {name: size for name, size in held.items() if last_use.get(name) != step.name}
    return peak


class _Node:
    """A node of the graph, as its builder sees it.

    Args:
      definition: its `NodeDef`.
      definitions: {name: `NodeDef`} of all nodes.
      constants: {name: array} of the constant nodes.
      dtype: of the convolutions.
      graph: how messages call the graph.

    Attributes:
      name: of the node.
      attr: its attributes.
      inputs: names of the nodes that it takes values from, constants included.
      tensors: those of the inputs that are no constants.
      constants: the values of the others.
    """

    def __init__(
        self,
        definition: Any,
        definitions: Mapping[str, Any],
        constants: Mapping[str, np.ndarray],
        dtype: tf.DType,
        graph: str,
    ) -> None:
        self.name = definition.name
        self.attr = definition.attr
        # Control dependencies ("^name") lead to CheckNumerics only.
        self.inputs = [name for name in definition.input if not name.startswith("^")]
        self.tensors = [name for name in self.inputs if name not in constants]
        self.constants = [constants[name] for name in self.inputs if name in constants]
        self.dtype = dtype
        self._definitions = definitions
        self._all_constants = constants
        self._graph = graph

    @property
    def window(self) -> dict[str, Any]:
        """The arguments of a pooling."""
        return {
            "ksize": list(self.attr["ksize"].list.i),
            "strides": list(self.attr["strides"].list.i),
            "padding": self.attr["padding"].s.decode(),
        }

    def definition_of(self, name: str) -> Any:
        """The `NodeDef` of another node."""
        return self._definitions[name]

    def constant_of(self, name: str) -> np.ndarray:
        """The value of a constant node."""
        return self._all_constants[name]

    def refusal(self, reason: str) -> UserError:
        """The error that this node's graph is not the original."""
        return _refusal(self._graph, f"its node {self.name} {reason}")


# A builder gives the operation of a node and the names of the nodes whose values that takes.
_Built = tuple[Operation, list[str]]


def _identity(node: _Node) -> _Built:
    return (lambda x: x), node.tensors


def _relu(node: _Node) -> _Built:
    return tf.nn.relu, node.tensors


def _concat(node: _Node) -> _Built:
    axis = int(node.constants[0])
    if axis != 3:  # along the batch it could grow without end
        raise node.refusal(f"joins along axis {axis}")
    return (lambda *x: tf.concat(x, axis=3)), node.tensors


def _max_pool(node: _Node) -> _Built:
    window = node.window
    return (lambda x: tf.nn.max_pool2d(x, **window)), node.tensors


def _average_pool(node: _Node) -> _Built:
    window = node.window
    if node.name == _FEATURES:  # in float32 always
        return (lambda x: tf.nn.avg_pool2d(tf.cast(x, tf.float32), **window)), node.tensors
    return (lambda x: tf.nn.avg_pool2d(x, **window)), node.tensors


def _resize(node: _Node) -> _Built:
    size = node.constants[0]
    return (lambda x: resize(x, size)), node.tensors


def _subtract(node: _Node) -> _Built:
    subtrahend = node.constants[0]
    return (lambda x: x - subtrahend), node.tensors


def _multiply(node: _Node) -> _Built:
    factor = node.constants[0]
    return (lambda x: x * factor), node.tensors


def _reshape(node: _Node) -> _Built:
    """The graph's own shape is of a single image."""
    shape = node.constants[0]
    return (lambda x: tf.reshape(x, (-1, shape[-1]))), node.tensors


def _matrix_product(node: _Node) -> _Built:
    matrix = node.constants[0]
    return (lambda x: tf.matmul(x, matrix)), node.tensors


def _convolution(node: _Node) -> _Built:
    """A batch norm and the convolution before it: one convolution with a bias."""
    convolution = node.definition_of(node.inputs[0])
    if convolution.op != "Conv2D":
        raise node.refusal(f"normalises a {convolution.op}")
    mean, variance, beta, gamma = (value.astype(np.float64) for value in node.constants)
    scale = 1 / np.sqrt(variance + node.attr["variance_epsilon"].f)
    if node.attr["scale_after_normalization"].b:
        scale = scale * gamma
    kernel = tf.cast(node.constant_of(convolution.input[1]) * scale, node.dtype)
    bias = tf.cast(beta - mean * scale, node.dtype)
    strides = list(convolution.attr["strides"].list.i)
    padding = convolution.attr["padding"].s.decode()

    def convolve(x: tf.Tensor) -> tf.Tensor:
        product = tf.nn.conv2d(tf.cast(x, node.dtype), kernel, strides, padding)
        return tf.nn.bias_add(product, bias)

    return convolve, [convolution.input[0]]


# {operation of a node: its builder}
_BUILDERS: dict[str, Callable[[_Node], _Built]] = {
    "AvgPool": _average_pool,
    "BatchNormWithGlobalNormalization": _convolution,
    "CheckNumerics": _identity,
    "Concat": _concat,
    "Identity": _identity,
    "MatMul": _matrix_product,
    "MaxPool": _max_pool,
    "Mul": _multiply,
    "Relu": _relu,
    "Reshape": _reshape,
    "ResizeBilinear": _resize,
    "Sub": _subtract,
}


def _steps(graph: Any, dtype: tf.DType, name: str) -> list[_Step]:
    """The steps from the images to the features and the logits, in an order that can be run.

    Args:
      graph: `GraphDef`.
      dtype: of the convolutions.
      name: how messages call the graph.
    """
    definitions = {node.name: node for node in graph.node}
    constants = _constants(graph, name)
    steps: list[_Step] = []
    done = {_INPUT}
    begun: dict[str, _Step] = {}
    pending = [_LOGITS, _FEATURES]
    while pending:
        definition = definitions.get(pending[-1])
        if definition is None:
            raise _refusal(name, f"it has no node {pending[-1]}")
        if definition.name in done:
            pending.pop()
            continue
        if definition.name not in begun:
            step = _build(_Node(definition, definitions, constants, dtype, name), definition.op)
            begun[definition.name] = step
            pending.extend(step.inputs)
            continue
        step = begun[definition.name]
        if not done.issuperset(step.inputs):
            raise _refusal(name, "its nodes form a circle")
        pending.pop()
        done.add(step.name)
        steps.append(step)
    return steps


def _build(node: _Node, operation: str) -> _Step:
    if operation not in _BUILDERS:
        raise node.refusal(f"is of the kind {operation}")
    return _Step(node.name, *_BUILDERS[operation](node))


def _constants(graph: Any, name: str) -> dict[str, np.ndarray]:
    """{name of a constant node: its value}. Raises `UserError` if they are far too large."""
    tensors = {
        node.name: node.attr["value"].tensor
        for node in graph.node
        if node.op == "Const" and node.attr["value"].HasField("tensor")
    }
    elements = sum(
        math.prod(abs(side.size) for side in tensor.tensor_shape.dim) for tensor in tensors.values()
    )
    if elements > _MAX_ELEMENTS:  # whatever they take in the file: one value may stand for all
        raise _refusal(name, f"its constants have {elements:,} elements")
    return {node: tf.make_ndarray(tensor) for node, tensor in tensors.items()}


def _refusal(name: str, reason: str) -> UserError:
    return UserError(
        f"{name} is not the Inception graph of 2015: {reason}",
        weights.GRAPH_FILE,
        "name the right file",
    )
