"""Random values and bytes: each is read, or refused with a message. Nothing else is raised."""

import contextlib
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
    """The settings of a test: the same examples every time, no time limit for an example, and
    fixtures that all examples share.
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
    """A strategy: `content` with some bytes changed, cut off or inserted."""
    position = st.integers(0, len(content))
    changes = st.lists(st.tuples(position, st.binary(max_size=8), st.booleans()), max_size=4)

    def change(changes, end):
        changed = content[:end]
        for start, new, replaces in changes:
            rest = start + len(new) if replaces else start
            changed = changed[:start] + new + changed[rest:]
        return changed

    return st.builds(change, changes, st.one_of(st.just(len(content)), position))


NUMBERS = [0, 1, 2, -1, 2**31, 10**400, 1e-300, float("nan")]
TEXTS = ["none", "adam", "language", "dcgan", "../..", "\0"]
ANYTHING = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=8),
    st.binary(max_size=4),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
    st.sampled_from(NUMBERS + TEXTS),
)

CARD = configs.load(f"{ROOT}/configs/svhn.py").to_dict()
KEYS = st.sampled_from([*configs.flatten(CARD), "data", "generator", "no.key"])


@fuzz(200)
@hypothesis.given(st.dictionaries(KEYS, ANYTHING, max_size=4))
def test_values_of_a_config(changes):
    config = copy.deepcopy(CARD)
    for key, value in changes.items():
        *parents, name = key.split(".")
        section = config
        for parent in parents:
            section = section.setdefault(parent, {}) if isinstance(section, dict) else {}
        if isinstance(section, dict):
            section[name] = value
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
    mu = npy(array_header("<f8", (3,)), bytes(24))
    file = zipped(tmp_path / "s.npz", {"mu.npy": mu, "sigma.npy": sigma})
    read_or_refused(lambda: statistics.load(file))
    (tmp_path / "a.npy").write_bytes(sigma)
    read_or_refused(lambda: sources.open_source(tmp_path / "a.npy"))


@fuzz(150)
@hypothesis.given(st.data())
def test_bytes_of_statistics(tmp_path, data):
    file = tmp_path / "s.npz"
    provenance = '{"num_images": 3, "network": "original"}'
    np.savez_compressed(file, mu=np.zeros(3), sigma=np.eye(3), provenance=provenance)
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
    content = file.read_bytes()
    end = content[-200:]  # the directory, and the end of the image
    file.write_bytes(content[:-200] + data.draw(damage(end)))
    read_or_refused(lambda: list(Images(str(file)).in_order(1)))


@fuzz(15)
@hypothesis.given(st.data())
def test_bytes_of_a_frozen_graph(data):
    graph = tf.compat.v1.GraphDef.FromString(graph_bytes())
    if data.draw(st.booleans()):
        read_or_refused(lambda: Inception(data.draw(damage(graph.SerializeToString()))))
        return
    # Damage that a parser does not notice.
    node = data.draw(st.sampled_from(list(graph.node)))
    message = data.draw(st.sampled_from([node, *node.attr.values()]))
    try:
        changed = data.draw(damage(message.SerializeToString()))
        message.ParseFromString(changed)
    except Exception:  # the damaged bytes are no message any more
        hypothesis.assume(False)
    read_or_refused(lambda: Inception(graph.SerializeToString()))


@fuzz(200)
@hypothesis.given(st.data())
def test_bytes_of_a_saved_model(data):
    model = saved_model.saved_model_pb2.SavedModel()
    graph = model.meta_graphs.add()
    graph.object_graph_def.nodes.add()
    graph.saver_def.save_tensor_name = "save:0"
    call = graph.graph_def.node.add(name="save", op="StatefulPartitionedCall")
    call.attr["f"].func.name = "__traced_save"
    function = graph.graph_def.library.function.add()
    function.signature.name = "__traced_save"
    function.node_def.add(name="node", op="SaveV2")
    saved_model.check(model.SerializeToString(), "whole")
    damaged = data.draw(damage(model.SerializeToString()))
    with contextlib.suppress(UserError, ValueError):
        saved_model.check(damaged, "damaged")


def read_image(path):
    """Reads the first image as `Images.in_order` does, but without building a pipeline, which is
    slow.
    """
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
