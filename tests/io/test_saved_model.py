"""What a SavedModel could do to who loads it."""

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from tests.conformance.models import build
from tests.conftest import assert_refused
from tf_ttur.data.exported import Exported
from tf_ttur.errors import UserError
from tf_ttur.io import saved_model
from tf_ttur.training import export, networks


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """An export of this project's; tests/conformance has one of every model."""
    folder = tmp_path_factory.mktemp("export")
    config = build("dcgan", folder)
    export.export(config, networks.build_generator(config), folder / "export")
    return folder / "export"


def change(folder, edit):
    """The bytes of a SavedModel after `edit(meta graph, {first part of a function's name:
    function})`.
    """
    model = saved_model_pb2.SavedModel.FromString((folder / "saved_model.pb").read_bytes())
    [graph] = model.meta_graphs
    functions = {
        function.signature.name.rpartition("_")[0]: function
        for function in graph.graph_def.library.function
    }
    edit(graph, functions)
    return model.SerializeToString()


SAVE, SAMPLE = "__inference__traced_save", "__inference_signature_wrapper_sample"


def add(nodes, operation, calls=None):
    node = nodes.add(name="added", op=operation)
    if calls:
        node.attr["f"].func.name = calls


def call_saver(place):
    """An edit that calls the saver's function from the nodes that `place` gives."""
    return lambda graph, functions: add(
        place(graph, functions), "PartitionedCall", functions[SAVE].signature.name
    )


HOSTILE = {
    "a file is read in a function": lambda graph, functions: add(
        functions[SAMPLE].node_def, "ReadFile"
    ),
    "a file is written in the main graph": lambda graph, functions: add(
        graph.graph_def.node, "WriteFile"
    ),
    "Python runs": lambda graph, functions: add(functions[SAMPLE].node_def, "EagerPyFunc"),
    "a checkpoint is written": lambda graph, functions: add(functions[SAMPLE].node_def, "SaveV2"),
    "the saver is called": call_saver(lambda graph, functions: functions[SAMPLE].node_def),
    "the saver is called in the main graph": call_saver(
        lambda graph, functions: graph.graph_def.node
    ),
    "the saver is an operation": lambda graph, functions: add(
        functions[SAMPLE].node_def, functions[SAVE].signature.name
    ),
    "the saver is an object's function": lambda graph, functions: (
        graph.object_graph_def.concrete_functions[functions[SAVE].signature.name].SetInParent()
    ),
    "the saver stands in for a function": lambda graph, functions: (
        functions[SAVE].attr["api_implements"].__setattr__("s", b"sample")
    ),
    "the saver is a gradient": lambda graph, functions: graph.graph_def.library.gradient.add(
        function_name=functions[SAMPLE].signature.name, gradient_func=functions[SAVE].signature.name
    ),
    "another function is the saver": lambda graph, functions: (
        setattr(graph.saver_def, "restore_op_name", "StatefulPartitionedCall"),
        add(functions[SAMPLE].node_def, "RestoreV2"),
    ),
    "its main graph would run": lambda graph, functions: graph.ClearField("object_graph_def"),
}


def test_an_export_passes(exported):
    assert Exported(exported).sample(3, 0).shape == (3, 32, 32, 3)


def test_quantisation_of_an_export(exported):
    images = {
        how: np.concatenate(list(Exported(exported).blocks(70, 5, how)))
        for how in ("round", "truncate", "float")
    }
    assert images["round"].dtype == np.uint8 and (images["float"] % 1).any()
    np.testing.assert_array_equal(images["round"], np.rint(images["float"]))
    np.testing.assert_array_equal(images["truncate"], np.floor(images["float"]))


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_ones_do_not_pass(exported, name):
    content = change(exported, HOSTILE[name])
    with pytest.raises(UserError, match="--trust") as refusal:
        saved_model.check(content, "somebody's model")
    assert str(refusal.value).startswith("somebody's model ")


def test_two_main_graphs_are_refused(exported):
    model = saved_model_pb2.SavedModel.FromString((exported / "saved_model.pb").read_bytes())
    model.meta_graphs.add().CopyFrom(model.meta_graphs[0])
    with pytest.raises(UserError, match="TensorFlow 1"):
        saved_model.check(model.SerializeToString(), "two")


class Evil(tf.Module):
    """A generator that leaves a file behind."""

    def __init__(self, path):
        super().__init__()
        self._path = path

    @tf.function(
        input_signature=[tf.TensorSpec((), tf.int32, "count"), tf.TensorSpec((), tf.int32, "seed")]
    )
    def sample(self, count, seed):
        with tf.control_dependencies([tf.io.write_file(self._path, "was here")]):
            return {"images": tf.zeros((count, 8, 8, 3), tf.uint8)}


def test_an_evil_generator_writes_nothing_without_trust(tmp_path, tool):
    evil = Evil(str(tmp_path / "mark"))
    tf.saved_model.save(evil, str(tmp_path / "evil"), signatures={"sample": evil.sample})
    command = ["tools/sample.py", tmp_path / "evil", "--count", 2, "--output", tmp_path / "samples"]
    assert_refused(tool(*command), "WriteFile")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["evil"]
    assert tool(*command, "--trust").returncode == 0
    assert_refused(
        tool("tools/fid.py", tmp_path / "evil", "digits:30", "--trust"), "no blocks of images"
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "evil",
        "mark",
        "samples",
    ]  # it would have worked


def test_a_table_that_is_read_from_a_file_while_loading(tmp_path):
    """An asset and the function that initialises a table from it, which loading runs."""
    (tmp_path / "words.txt").write_text("a\nb\n", encoding="utf-8")
    module = tf.Module()
    line = tf.lookup.TextFileIndex.WHOLE_LINE
    number = tf.lookup.TextFileIndex.LINE_NUMBER
    rows = tf.lookup.TextFileInitializer(
        str(tmp_path / "words.txt"), tf.string, line, tf.int64, number
    )
    module.table = tf.lookup.StaticHashTable(rows, -1)
    tf.saved_model.save(module, str(tmp_path / "table"))
    with pytest.raises(UserError, match="Table"):
        saved_model.load(tmp_path / "table")
    saved_model.load(tmp_path / "table", trust=True)
