"""Safe loading of SavedModels, which are programs: only those limited to arithmetic are loaded.

A SavedModel may hold operations that read and write files or run Python, and some of its functions
run while it is loaded. Therefore it is first read as data, and refused if it holds an operation
that is not in the list below.

The saver is an exception. Every SavedModel has two functions that write and read its variables, and
these must access files. They are allowed if nothing can call them, that is, if their names occur
only in their definitions and in the two nodes of the main graph that the saver names. TensorFlow 2
loads objects, and runs no node of the main graph.
"""

import os
from collections.abc import Container, Iterable
from typing import Any

import tensorflow as tf
from google.protobuf.message import DecodeError
from tensorflow.core.protobuf import saved_model_pb2

from tf_ttur.errors import UserError

# The allowed operations, by purpose. None of them accesses a file, runs Python, or contacts another
# process.
_GROUPS = {
    "functions, constants and variables": """
        Assert AssignVariableOp Case CheckNumerics Const DisableCopyOnRead EnsureShape
        Identity IdentityN If Merge NoOp PartitionedCall Placeholder PlaceholderWithDefault
        PreventGradient ReadVariableOp ResourceGather StatefulPartitionedCall StatelessCase
        StatelessIf StatelessWhile StopGradient Switch VarHandleOp VarIsInitializedOp While
    """,
    "arithmetic": """
        Abs Add AddN AddV2 All Any ArgMax ArgMin BatchMatMul BatchMatMulV2 BiasAdd Cast Ceil
        ClipByValue Cos Cumsum Div DivNoNan Einsum Elu Equal Erf Exp Expm1 Floor FloorDiv
        FloorMod Greater GreaterEqual IsFinite IsInf IsNan LeakyRelu Less LessEqual Log
        Log1p LogSoftmax LogicalAnd LogicalNot LogicalOr MatMul Max Maximum Mean Min Minimum
        Mod Mul Neg NotEqual Pow Prod RealDiv Reciprocal Relu Relu6 Rint Round Rsqrt Select
        SelectV2 Selu Sigmoid Sign Sin Softmax Softplus Softsign Sqrt Square
        SquaredDifference Sub Sum Tanh
    """,
    "arrays": """
        BatchToSpaceND BroadcastTo Concat ConcatV2 DepthToSpace ExpandDims Fill Gather
        GatherNd GatherV2 LinSpace MirrorPad OneHot OnesLike Pack Pad PadV2 Range Rank
        Reshape ReverseV2 ScatterNd Shape ShapeN Size Slice SpaceToBatchND SpaceToDepth
        Split SplitV Squeeze StridedSlice TensorListFromTensor TensorListGetItem
        TensorListReserve TensorListSetItem TensorListStack Tile Transpose Unpack Where
        ZerosLike
    """,
    "layers": """
        AvgPool BatchNormWithGlobalNormalization Conv2D Conv2DBackpropInput
        DepthwiseConv2dNative FusedBatchNorm FusedBatchNormV2 FusedBatchNormV3 LRN MaxPool
        ResizeBilinear ResizeNearestNeighbor
    """,
    "random numbers that are a function of a seed": """
        StatelessRandomGetAlg StatelessRandomGetKeyCounter StatelessRandomNormalV2
        StatelessRandomUniformFullIntV2 StatelessRandomUniformIntV2 StatelessRandomUniformV2
        StatelessTruncatedNormalV2
    """,
    "strings": """
        ReduceJoin StaticRegexFullMatch StringJoin
    """,
}
ALLOWED = frozenset(name for names in _GROUPS.values() for name in names.split())
_EXPECTED = "a SavedModel with no other operations than those of tf_ttur.io.saved_model.ALLOWED"
_OF_A_SAVER = ALLOWED | {"MergeV2Checkpoints", "RestoreV2", "SaveV2", "ShardedFilename"}


def load(path: str | os.PathLike[str], trust: bool = False) -> Any:
    """Calls `tf.saved_model.load` if `check` accepts the SavedModel, or if it is trusted.

    Args:
      path: the folder.
      trust: whether it may hold any operation.

    Raises:
      UserError: it holds an operation that is not allowed.
      Exception: TensorFlow cannot load it; it raises errors of many types.
    """
    if not trust:
        # If this file exists, TensorFlow loads no other.
        with tf.io.gfile.GFile(os.path.join(path, "saved_model.pb"), "rb") as file:
            check(file.read(), path)
    return tf.saved_model.load(str(path))


def check(content: bytes, name: str | os.PathLike[str]) -> None:
    """Refuses a SavedModel that could do more than arithmetic.

    Args:
      content: the bytes of saved_model.pb.
      name: how messages call it.

    Raises:
      UserError: it holds such an operation; the message names it.
      ValueError: it is not a SavedModel.
    """
    try:
        graphs = saved_model_pb2.SavedModel.FromString(content).meta_graphs
    except DecodeError as error:
        raise ValueError(f"saved_model.pb: {error}") from error
    if not graphs:
        raise ValueError("saved_model.pb holds no graph")
    if len(graphs) != 1 or not graphs[0].HasField("object_graph_def"):
        raise _refusal(
            name,
            "was written by TensorFlow 1, whose main graph runs while it is loaded",
            "a SavedModel of TensorFlow 2",
        )
    graph = graphs[0].graph_def
    functions = {function.signature.name for function in graph.library.function}
    uncalled = _saver_functions(graph, graphs[0].saver_def, content)
    _check_nodes(graph.node, ALLOWED | functions, "its main graph", name)
    for function in graph.library.function:
        function_name = function.signature.name
        allowed = _OF_A_SAVER if function_name in uncalled else ALLOWED
        place = f"its function {function_name}"
        _check_nodes(function.node_def, allowed | functions, place, name)
        if "api_implements" in function.attr:  # TensorFlow may substitute it for another function
            raise _refusal(name, f"has the function {function_name}, which may replace others")


def _saver_functions(graph: Any, saver: Any, content: bytes) -> set[str]:
    """The names of the saver's functions that nothing else in the file names."""
    nodes = {saver.save_tensor_name.partition(":")[0], saver.restore_op_name}
    names = {node.attr["f"].func.name for node in graph.node if node.name in nodes}
    # The two places are the definition and the saver's node.
    return {name for name in names if content.count(name.encode()) == 2}


def _check_nodes(
    nodes: Iterable[Any], allowed: Container[str], place: str, name: str | os.PathLike[str]
) -> None:
    for node in nodes:
        if node.op not in allowed:
            raise _refusal(name, f"holds the operation {node.op} (node {node.name} of {place})")


def _refusal(name: str | os.PathLike[str], reason: str, expected: str = _EXPECTED) -> UserError:
    return UserError(
        f"{name} {reason}",
        expected,
        "use one that tf-ttur export wrote; "
        "or, if you trust its author as you would for a program, pass --trust",
    )
