"""Trainings on arrays and data sets of a program, named by python: words."""

import json

import numpy as np
import pytest
import tensorflow as tf

from tests.conformance.models import Training
from tf_ttur.data.sources.source import GIVEN
from tf_ttur.errors import UserError
from tf_ttur.runs import open_run
from tf_ttur.training import devices, loop
from tf_ttur.training.checkpoints import Checkpoints

pytestmark = [
    pytest.mark.usefixtures("offline", "one_replica"),
    pytest.mark.filterwarnings("ignore:.*images for [0-9]+ features"),
]

CODE = """
import numpy as np
import tensorflow as tf

IMAGES = np.random.default_rng({seed}).integers(0, 256, (20, 32, 32, 3), np.uint8)


def data_set():
    return tf.data.Dataset.from_tensor_slices(IMAGES).shuffle(20, seed=1).batch(3)
"""


@pytest.fixture
def word(tmp_path):
    (tmp_path / "mine.py").write_text(CODE.format(seed=0), encoding="utf-8")
    return f"python:{tmp_path}/mine.py"


def weights(run):
    """The bytes of the newest checkpoint's weights and optimizers, without the clock."""
    reader = tf.train.load_checkpoint(str(run.checkpoint(run.checkpoints[-1])))
    shapes = reader.get_variable_to_shape_map()
    names = [name for name in shapes if not name.startswith(("training_seconds", "_CHECK", "save"))]
    return {name: reader.get_tensor(name).tobytes() for name in names}


@pytest.mark.parametrize("name", ["data_set", pytest.param("IMAGES", marks=pytest.mark.slow)])
def test_a_restored_state_makes_the_same_next_updates(name, word, tiny, tmp_path):
    tiny.data.source = f"{word}:{name}"
    training = Training(tiny, tf.distribute.MirroredStrategy(["CPU:0"]))
    kept = Checkpoints(tmp_path, training.state, keep=1)
    training.go(0, 3)  # of 8 images each: more than one pass
    kept.save(3)
    values = training.go(3, 2)
    weights = training.weights()
    training.state.read(kept.path(3))
    assert training.go(3, 2) == values
    for first, second in zip(weights, training.weights(), strict=True):
        np.testing.assert_array_equal(first, second)


def test_examples_that_a_program_passes(tiny, tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (20, 32, 32, 3), np.uint8)
    tiny.data.source = ""
    tiny.updates = 2
    tiny.evaluation.num_samples = 20
    loop.train(tiny, tmp_path / "run", examples=tf.data.Dataset.from_tensor_slices(images))
    run = open_run(tmp_path / "run")
    assert run.config.data.source == GIVEN
    assert run.environment[-1]["data"]["num_examples"] == 20
    with pytest.raises(UserError, match="on other data"):
        loop.train(tiny, tmp_path / "run", examples=images[::-1])
    with pytest.raises(UserError, match="passed from a Python program"):
        loop.train(run.config, tmp_path / "run")
    with pytest.raises(UserError, match="these may be labels"):
        loop.train(tiny, tmp_path / "other", examples=np.arange(20))
    assert not (tmp_path / "other").exists()


@pytest.mark.slow  # traces twice
def test_one_replica_equals_two_on_a_data_set(word, tiny):
    tiny.data.source = f"{word}:data_set"
    one = Training(tiny, tf.distribute.MirroredStrategy(["CPU:0"]))
    two = Training(tiny, devices.mirrored_strategy())
    for first, second in zip(one.go(0, 2), two.go(0, 2), strict=True):
        assert first == pytest.approx(second, rel=1e-4)


@pytest.mark.slow  # three trainings
@pytest.mark.parametrize("name", ["IMAGES", "data_set"])
def test_a_resumed_training_equals_one_that_was_not_interrupted(name, word, tiny, tmp_path):
    tiny.data.source = f"{word}:{name}"
    tiny.evaluation.num_samples = 20
    tiny.updates = 6  # of 8 images each: more than two passes
    whole = loop.train(tiny, tmp_path / "whole").parent
    tiny.updates = 4
    loop.train(tiny, tmp_path / "parts")
    tiny.updates = 6
    parts = loop.train(tiny, tmp_path / "parts").parent
    first, second = open_run(whole), open_run(parts)
    assert weights(first) == weights(second)
    rows = [
        [(row["update"], row["name"], row["value"]) for row in run.rows] for run in (first, second)
    ]
    assert rows[0] == rows[1]
    digests = {json.dumps(part["data"]) for run in (first, second) for part in run.environment}
    assert len(digests) == 1


@pytest.mark.slow  # a training and half of one
def test_other_images_of_the_same_name_are_refused(word, tiny, tmp_path, monkeypatch):
    tiny.data.source = f"{word}:data_set"
    tiny.updates = 2
    tiny.evaluation.every_updates = 0
    loop.train(tiny, tmp_path / "run")
    (tmp_path / "other.py").write_text(CODE.format(seed=1), encoding="utf-8")
    tiny.data.source = f"python:{tmp_path}/other.py:data_set"
    with pytest.raises(UserError, match="on other data"):
        loop.train(tiny, tmp_path / "run")


def test_what_fails_in_the_middle_is_explained(tiny, tmp_path):
    """A data set that fails after it was looked through."""
    (tmp_path / "late.py").write_text(
        "import numpy as np, tensorflow as tf\n"
        "CALLS = []\n"
        "def give():\n"
        "    CALLS.append(1)\n"
        "    if len(CALLS) > 5:\n"
        "        raise ValueError('the disk is gone')\n"
        "    yield from np.random.default_rng(0).integers(0, 256, (9, 32, 32, 3), np.uint8)\n"
        "DATA = tf.data.Dataset.from_generator(\n"
        "    give, output_signature=tf.TensorSpec((32, 32, 3), tf.uint8))\n",
        encoding="utf-8",
    )
    tiny.data.source = f"python:{tmp_path}/late.py:DATA"
    tiny.evaluation.every_updates = 0
    tiny.updates = 20
    with pytest.raises(UserError, match="the disk is gone"):
        loop.train(tiny, tmp_path / "run")
