"""A small frozen graph with the node names, operations and producer version of the original
Inception graph.
"""

import numpy as np
import tensorflow as tf


def graph_bytes(seed=0, size=35):
    """A serialised GraphDef: resize, four convolution units with batch norm, both poolings, pool_3
    (20 features), logits.
    """
    random = np.random.default_rng(seed)
    graph = tf.compat.v1.GraphDef()
    graph.versions.producer = 8

    def node(name, op, inputs=(), **attributes):
        new = graph.node.add(name=name, op=op, input=inputs)
        for key, value in attributes.items():
            new.attr[key].CopyFrom(value)

    def const(name, value):
        value = np.asarray(value)
        tensor = tf.make_tensor_proto(value)
        node(
            name,
            "Const",
            dtype=tf.compat.v1.AttrValue(type=tensor.dtype),
            value=tf.compat.v1.AttrValue(tensor=tensor),
        )
        return name

    float32 = tf.compat.v1.AttrValue(type=tf.float32.as_datatype_enum)
    integers = lambda *v: tf.compat.v1.AttrValue(list=tf.compat.v1.AttrValue.ListValue(i=v))
    text = lambda v: tf.compat.v1.AttrValue(s=v.encode())

    def unit(name, source, channels_in, channels, kernel, stride=1, padding="SAME", gamma=True):
        weights = random.normal(0, 1 / kernel, (kernel, kernel, channels_in, channels)).astype(
            np.float32
        )
        node(
            f"{name}/Conv2D",
            "Conv2D",
            [source, const(f"{name}/conv2d_params", weights)],
            T=float32,
            strides=integers(1, stride, stride, 1),
            padding=text(padding),
        )
        values = {
            "moving_mean": random.normal(0, 0.1, channels),
            "moving_variance": random.uniform(0.5, 2, channels),
            "beta": random.normal(0, 0.5, channels),
            "gamma": random.uniform(0.5, 2, channels),
        }
        names = [
            const(f"{name}/batchnorm/{key}", value.astype(np.float32))
            for key, value in values.items()
        ]
        node(
            f"{name}/batchnorm",
            "BatchNormWithGlobalNormalization",
            [f"{name}/Conv2D", *names],
            T=float32,
            variance_epsilon=tf.compat.v1.AttrValue(f=0.001),
            scale_after_normalization=tf.compat.v1.AttrValue(b=gamma),
        )
        node(
            f"{name}/CheckNumerics",
            "CheckNumerics",
            [f"{name}/batchnorm"],
            T=float32,
            message=text("batchnorm"),
        )
        node(
            f"{name}/control_dependency",
            "Identity",
            [f"{name}/batchnorm", f"^{name}/CheckNumerics"],
            T=float32,
        )
        node(name, "Relu", [f"{name}/control_dependency"], T=float32)
        return name

    def pool(name, op, source, size, stride, padding):
        node(
            name,
            op,
            [source],
            T=float32,
            ksize=integers(1, size, size, 1),
            strides=integers(1, stride, stride, 1),
            padding=text(padding),
        )
        return name

    node("ExpandDims", "Placeholder", dtype=float32)
    node(
        "ResizeBilinear",
        "ResizeBilinear",
        ["ExpandDims", const("ResizeBilinear/size", np.int32([size, size]))],
        T=float32,
    )
    node("Sub", "Sub", ["ResizeBilinear", const("Sub/y", np.float32(128))], T=float32)
    node("Mul", "Mul", ["Sub", const("Mul/y", np.float32(0.0078125))], T=float32)
    x = unit("conv", "Mul", 3, 6, 3, 2, "VALID")
    x = pool("pool", "MaxPool", x, 3, 2, "VALID")
    branches = [
        unit("mixed/conv", x, 6, 8, 1, gamma=False),
        unit("mixed/tower/conv", x, 6, 8, 3),
        unit("mixed/tower_1/conv", pool("mixed/tower_1/pool", "AvgPool", x, 3, 1, "SAME"), 6, 4, 1),
    ]
    node(
        "mixed/join",
        "Concat",
        [const("mixed/join/concat_dim", np.int32(3)), *branches],
        T=float32,
        N=tf.compat.v1.AttrValue(i=3),
    )
    pool("pool_3", "AvgPool", "mixed/join", 8, 1, "VALID")
    node(
        "pool_3/_reshape",
        "Reshape",
        ["pool_3", const("pool_3/_reshape/shape", np.int32([1, 20]))],
        T=float32,
    )
    weights = const("softmax/weights", random.normal(0, 0.3, (20, 10)).astype(np.float32))
    node("softmax/logits/MatMul", "MatMul", ["pool_3/_reshape", weights], T=float32)
    return graph.SerializeToString()
