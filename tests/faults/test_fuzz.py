"""Random values and bytes: whatever comes, it is read, or refused with a message; nothing else is
raised.
"""

import copy

import hypothesis
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import strategies as st
from ml_collections import ConfigDict

from tests.conftest import ROOT
from tests.faults.bad_files import array_header, encoded, npy, zipped
from tests.metrics.mini_inception import graph_bytes
from tf_ttur import config as configs
from tf_ttur.data import sources
from tf_ttur.data.images import Images
from tf_ttur.errors import UserError
from tf_ttur.io import saved_model
from tf_ttur.metrics import statistics
from tf_ttur.metrics.inception import Inception

pytestmark = pytest.mark.filterwarnings("ignore")


def fuzz(examples):
    """Settings of a test: the same examples every time, no limit on one example's time, fixtures
    shared by all examples.
    """
    shared = [hypothesis.HealthCheck.function_scoped_fixture, hypothesis.HealthCheck.too_slow]
    return hypothesis.settings(
        max_examples=examples,
        derandomize=True,
        deadline=None,
        database=None,
        suppress_health_check=shared,
    )


def damage(content):
    """Strategy of `content` with some bytes changed, cut off or put in."""
    position = st.integers(0, len(content))
    changes = st.lists(st.tuples(position, st.binary(max_size=8), st.booleans()), max_size=4)

    def change(changes, end):
        changed = content[:end]
        for start, new, replaces in changes:
            changed = changed[:start] + new + changed[start + (len(new) if replaces else 0) :]
        return changed

    return st.builds(change, changes, st.one_of(st.just(len(content)), position))


ANYTHING = st.one_of(
    *(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.text(max_size=8),
        st.binary(max_size=4),
    ),
    *(
        st.lists(st.integers(), max_size=2),
        st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
    ),
    st.sampled_from(
        [
            0,
            1,
            2,
            -1,
            2**31,
            10**400,
            1e-300,
            float("nan"),
            "none",
            "adam",
            "language",
            "dcgan",
            "../..",
            "\0",
        ]
    ),
)


CARD = configs.load(f"{ROOT}/configs/svhn.py").to_dict()
KEYS = st.sampled_from([*configs.flatten(CARD), "data", "generator", "no.key"])


@fuzz(200)
@hypothesis.given(st.dictionaries(KEYS, ANYTHING, max_size=4))
def test_values_of_a_config(changes):
    config = copy.deepcopy(CARD)
    for key, value in changes.items():
        *parents, name = key.split(".")
        place = config
        for parent in parents:
            place = place.setdefault(parent, {}) if isinstance(place, dict) else {}
        if isinstance(place, dict):
            place[name] = value
    try:
        assert configs.validate(config) is config
    except UserError:
        return
    configs.summary(ConfigDict(config))


@fuzz(150)
@hypothesis.given(st.data())
def test_headers_of_arrays(tmp_path, data):
    header = data.draw(damage(array_header("<f8", (3, 3)).encode())).decode("latin1")
    sigma = npy(header, data.draw(damage(np.eye(3).tobytes())))
    file = zipped(
        tmp_path / "s.npz",
        {"mu.npy": npy(array_header("<f8", (3,)), bytes(24)), "sigma.npy": sigma},
    )
    read_or_refused(lambda: statistics.load(file))
    (tmp_path / "a.npy").write_bytes(sigma)
    read_or_refused(lambda: sources.open_source(tmp_path / "a.npy"))


@fuzz(150)
@hypothesis.given(st.data())
def test_bytes_of_statistics(tmp_path, data):
    file = tmp_path / "s.npz"
    np.savez_compressed(
        file, mu=np.zeros(3), sigma=np.eye(3), provenance='{"num_images": 3, "network": "original"}'
    )
    file.write_bytes(data.draw(damage(file.read_bytes())))
    read_or_refused(lambda: statistics.load(file))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
@fuzz(40)
@hypothesis.given(data=st.data())
def test_headers_of_images(tmp_path, kind, data):
    content = encoded(kind, 16, 16)
    (tmp_path / "a.png").write_bytes(data.draw(damage(content[:64])) + content[64:])
    read_or_refused(lambda: read_image(tmp_path))


@fuzz(15)
@hypothesis.given(st.data())
def test_bytes_of_a_zip(tmp_path, data):
    file = zipped(tmp_path / "a.zip", {"a.png": encoded("PNG", 16, 16)})
    end = file.read_bytes()[-200:]  # the directory, and the end of the image
    file.write_bytes(file.read_bytes()[:-200] + data.draw(damage(end)))
    read_or_refused(lambda: list(Images(str(file)).in_order(1)))


@fuzz(15)
@hypothesis.given(st.data())
def test_bytes_of_a_frozen_graph(data):
    graph = tf.compat.v1.GraphDef.FromString(graph_bytes())
    if data.draw(st.booleans()):
        read_or_refused(lambda: Inception(data.draw(damage(graph.SerializeToString()))))
        return
    node = data.draw(st.sampled_from(list(graph.node)))  # damage that a parser does not see
    part = data.draw(st.sampled_from([node, *node.attr.values()]))
    try:
        changed = data.draw(damage(part.SerializeToString()))
        part.ParseFromString(changed)
    except Exception:  # no message any more
        hypothesis.assume(False)
    read_or_refused(lambda: Inception(graph.SerializeToString()))


@fuzz(200)
@hypothesis.given(st.data())
def test_bytes_of_a_saved_model(data):
    model = saved_model.saved_model_pb2.SavedModel()
    graph = model.meta_graphs.add()
    graph.object_graph_def.nodes.add()
    graph.saver_def.save_tensor_name = "save:0"
    graph.graph_def.node.add(name="save", op="StatefulPartitionedCall").attr[
        "f"
    ].func.name = "__traced_save"
    function = graph.graph_def.library.function.add()
    function.signature.name = "__traced_save"
    function.node_def.add(name="node", op="SaveV2")
    saved_model.check(model.SerializeToString(), "whole")
    try:
        saved_model.check(data.draw(damage(model.SerializeToString())), "damaged")
    except (UserError, ValueError):
        pass


def read_image(path):
    """As `Images.in_order`, without its pipeline, which takes long to build."""
    images = Images(str(path))
    try:
        images.source.read(tf.constant(0, tf.int64))
    except tf.errors.OpError as error:
        images.explain(error, [0])
        raise


def read_or_refused(read):
    try:
        read()
    except UserError as error:
        assert error.found and error.expected and error.cure
