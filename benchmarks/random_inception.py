"""The frozen Inception graph of 2015 with random weights.

Its operations, names and shapes are those of the original. It replaces the original where the
weights do not matter, as in measurements of speed.
"""

import numpy as np
import tensorflow as tf


def graph_bytes(seed=0):
    """The serialised GraphDef, as `tf_ttur.metrics.inception.Inception` takes it."""
    # Long: the network reads from top to bottom.
    graph = _Graph(seed)
    x = graph.entrance(299)
    x = graph.unit("conv", x, 32, (3, 3), 2, "VALID")
    x = graph.unit("conv_1", x, 32, (3, 3), 1, "VALID")
    x = graph.unit("conv_2", x, 64, (3, 3))
    x = graph.pool("pool", "MaxPool", x, 3, 2, "VALID")
    x = graph.unit("conv_3", x, 80, (1, 1), 1, "VALID")
    x = graph.unit("conv_4", x, 192, (3, 3), 1, "VALID")
    x = graph.pool("pool_1", "MaxPool", x, 3, 2, "VALID")
    for name, pooled in (("mixed", 32), ("mixed_1", 64), ("mixed_2", 64)):
        branches = [
            graph.unit(f"{name}/conv", x, 64, (1, 1)),
            graph.tower(f"{name}/tower", x, (48, (1, 1)), (64, (5, 5))),
            graph.tower(f"{name}/tower_1", x, (64, (1, 1)), (96, (3, 3)), (96, (3, 3))),
            graph.tower(
                f"{name}/tower_2",
                graph.pool(f"{name}/tower_2/pool", "AvgPool", x),
                (pooled, (1, 1)),
            ),
        ]
        x = graph.join(name, branches)
    branches = [
        graph.unit("mixed_3/conv", x, 384, (3, 3), 2, "VALID"),
        graph.tower("mixed_3/tower", x, (64, (1, 1)), (96, (3, 3)), (96, (3, 3), 2, "VALID")),
        graph.pool("mixed_3/pool", "MaxPool", x, 3, 2, "VALID"),
    ]
    x = graph.join("mixed_3", branches)
    for name, c in (("mixed_4", 128), ("mixed_5", 160), ("mixed_6", 160), ("mixed_7", 192)):
        branches = [
            graph.unit(f"{name}/conv", x, 192, (1, 1)),
            graph.tower(f"{name}/tower", x, (c, (1, 1)), (c, (1, 7)), (192, (7, 1))),
            graph.tower(
                f"{name}/tower_1",
                x,
                (c, (1, 1)),
                (c, (7, 1)),
                (c, (1, 7)),
                (c, (7, 1)),
                (192, (1, 7)),
            ),
            graph.tower(
                f"{name}/tower_2", graph.pool(f"{name}/tower_2/pool", "AvgPool", x), (192, (1, 1))
            ),
        ]
        x = graph.join(name, branches)
    branches = [
        graph.tower("mixed_8/tower", x, (192, (1, 1)), (320, (3, 3), 2, "VALID")),
        graph.tower(
            "mixed_8/tower_1",
            x,
            (192, (1, 1)),
            (192, (1, 7)),
            (192, (7, 1)),
            (192, (3, 3), 2, "VALID"),
        ),
        graph.pool("mixed_8/pool", "MaxPool", x, 3, 2, "VALID"),
    ]
    x = graph.join("mixed_8", branches)
    for name, pooling in (("mixed_9", "AvgPool"), ("mixed_10", "MaxPool")):
        branches = [graph.unit(f"{name}/conv", x, 320, (1, 1))]
        for tower, layers in (
            ("tower", [(384, (1, 1))]),
            ("tower_1", [(448, (1, 1)), (384, (3, 3))]),
        ):
            end = graph.tower(f"{name}/{tower}", x, *layers)
            branches.append(graph.unit(f"{name}/{tower}/mixed/conv", end, 384, (1, 3)))
            branches.append(graph.unit(f"{name}/{tower}/mixed/conv_1", end, 384, (3, 1)))
        branches.append(
            graph.tower(
                f"{name}/tower_2", graph.pool(f"{name}/tower_2/pool", pooling, x), (192, (1, 1))
            )
        )
        x = graph.join(name, branches)
    graph.end(x, 8, 1008)
    return graph.definition.SerializeToString()


class _Graph:
    """Writes nodes. Each method returns the name of its last node, to use as an input."""

    def __init__(self, seed):
        self.definition = tf.compat.v1.GraphDef()
        self.definition.versions.producer = 8
        self._random = np.random.default_rng(seed)
        self._channels = {}

    def entrance(self, size):
        """Images, resized and scaled."""
        self._node("ExpandDims", "Placeholder", [], 3, dtype=tf.float32)
        constants = {
            "ResizeBilinear/size": np.int32([size, size]),
            "Sub/y": np.float32(128),
            "Mul/y": np.float32(1 / 128),
        }
        source = "ExpandDims"
        for name, value in constants.items():
            operation = name.partition("/")[0]
            source = self._node(
                operation, operation, [source, self._const(name, value)], 3, T=tf.float32
            )
        return source

    def unit(self, name, source, channels, kernel, stride=1, padding="SAME"):
        """Convolution, batch norm, check for NaN, ReLU."""
        shape = (*kernel, self._channels[source], channels)
        # He's initialisation: activations neither vanish nor overflow in deep layers.
        weights = self._random.standard_normal(shape, np.float32) * np.sqrt(
            2 / np.prod(shape[:3]), dtype=np.float32
        )
        inputs = [source, self._const(f"{name}/conv2d_params", weights)]
        self._node(
            f"{name}/Conv2D",
            "Conv2D",
            inputs,
            channels,
            T=tf.float32,
            strides=[1, stride, stride, 1],
            padding=padding,
        )
        values = {"moving_mean": 0, "moving_variance": 1, "beta": 0, "gamma": 1}
        inputs = [
            self._const(f"{name}/batchnorm/{key}", np.full(channels, value, np.float32))
            for key, value in values.items()
        ]
        norm = f"{name}/batchnorm"
        self._node(
            norm,
            "BatchNormWithGlobalNormalization",
            [f"{name}/Conv2D", *inputs],
            channels,
            T=tf.float32,
            variance_epsilon=0.001,
            scale_after_normalization=True,
        )
        self._node(
            f"{name}/CheckNumerics", "CheckNumerics", [norm], channels, T=tf.float32, message=norm
        )
        self._node(
            f"{name}/control_dependency",
            "Identity",
            [norm, f"^{name}/CheckNumerics"],
            channels,
            T=tf.float32,
        )
        return self._node(name, "Relu", [f"{name}/control_dependency"], channels, T=tf.float32)

    def tower(self, name, source, *layers):
        """Units in sequence: conv, conv_1, ..."""
        for number, layer in enumerate(layers):
            source = self.unit(
                f"{name}/conv_{number}" if number else f"{name}/conv", source, *layer
            )
        return source

    def pool(self, name, operation, source, size=3, stride=1, padding="SAME"):
        """The largest or the mean value of each window."""
        return self._node(
            name,
            operation,
            [source],
            self._channels[source],
            T=tf.float32,
            ksize=[1, size, size, 1],
            strides=[1, stride, stride, 1],
            padding=padding,
        )

    def join(self, name, branches):
        """The channels of all branches, side by side."""
        inputs = [self._const(f"{name}/join/concat_dim", np.int32(3)), *branches]
        channels = sum(self._channels[branch] for branch in branches)
        return self._node(f"{name}/join", "Concat", inputs, channels, T=tf.float32, N=len(branches))

    def end(self, source, size, classes):
        """Features and logits."""
        features = self._channels[source]
        self.pool("pool_3", "AvgPool", source, size, 1, "VALID")
        shape = self._const("pool_3/_reshape/shape", np.int32([1, features]))
        self._node("pool_3/_reshape", "Reshape", ["pool_3", shape], features, T=tf.float32)
        weights = self._const(
            "softmax/weights", self._random.standard_normal((features, classes), np.float32)
        )
        return self._node(
            "softmax/logits/MatMul", "MatMul", ["pool_3/_reshape", weights], classes, T=tf.float32
        )

    def _const(self, name, value):
        tensor = tf.make_tensor_proto(value)
        node = self.definition.node.add(name=name, op="Const")
        node.attr["dtype"].type = tensor.dtype
        node.attr["value"].tensor.CopyFrom(tensor)
        return name

    def _node(self, name, operation, inputs, channels, **attributes):
        node = self.definition.node.add(name=name, op=operation, input=inputs)
        for key, value in attributes.items():
            match value:
                case tf.DType():
                    node.attr[key].type = value.as_datatype_enum
                case list():
                    node.attr[key].list.i.extend(value)
                case bool():
                    node.attr[key].b = value
                case int():
                    node.attr[key].i = value
                case float():
                    node.attr[key].f = value
                case str():
                    node.attr[key].s = value.encode()
        self._channels[name] = channels
        return name
