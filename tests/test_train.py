"""`tf_ttur.train`: from Python, and the process afterwards."""

import inspect
import json
import os
import subprocess
import sys

import pytest

import tf_ttur
from tests.conftest import ROOT
from tf_ttur import runs
from tf_ttur.errors import UserError

pytestmark = pytest.mark.usefixtures("one_replica", "offline")


def test_the_module_can_be_called():
    assert inspect.ismodule(tf_ttur.train)
    names = set(inspect.signature(tf_ttur.train).parameters)
    assert {"config", "workdir", "generator", "discriminator", "loss", "examples"} <= names
    assert {"on_values", "start_from"} <= names


def test_words_in_place_of_objects(tiny, tmp_path):
    given = tiny.copy_and_resolve_references()
    given.data.source = ""  # the examples are named below
    given.updates = 2
    tf_ttur.train(given, tmp_path / "run", examples="digits:64", loss="hinge")
    assert (given.data.source, given.loss) == ("", "non_saturating")
    config = runs.open_run(tmp_path / "run").config
    assert (config.data.source, config.loss) == ("digits:64", "hinge")


def test_mistakes_are_named(tiny, tmp_path):
    with pytest.raises(UserError, match="did you mean svhn"):
        tf_ttur.train("svnh", tmp_path / "run")
    with pytest.raises(UserError, match=r"config\.batch_size is missing|config\.\w+ is missing"):
        tf_ttur.train({"name": "x"}, tmp_path / "run", examples="digits:64")
    tiny.batch_size = 0
    with pytest.raises(UserError, match="batch_size"):
        tf_ttur.train(tiny, tmp_path / "run")
    assert not (tmp_path / "run").exists()


PROGRAM = """
import json, random, sys

import keras, numpy, tensorflow as tf

import tf_ttur, tf_ttur.config

def draw():
    return [random.random(), numpy.random.rand(), float(tf.random.normal(())),
            float(keras.random.normal(()))]

def settings():
    from tensorflow.python.framework import config
    return [config.is_op_determinism_enabled(), keras.config.dtype_policy().name,
            tf.config.experimental.tensor_float_32_execution_enabled(),
            keras.config.image_data_format(), keras.config.floatx(), keras.config.epsilon()]

keras.utils.set_random_seed(3)
keras.config.set_dtype_policy("mixed_bfloat16")
keras.config.set_image_data_format("channels_first")
keras.config.set_epsilon(1e-5)
before = [draw(), settings()]
if sys.argv[1] != "without":
    config = tf_ttur.config.load("quickstart", json.loads(sys.argv[2]))
    tf_ttur.train(config, sys.argv[1])
print(json.dumps([*before, draw(), settings()]))
"""


@pytest.mark.slow
def test_the_process_is_left_as_it_was_found(tmp_path):
    """Draws and settings after a training are those of a process that did not train."""
    small = {
        "data.source": "digits:64",
        "updates": 2,
        "batch_size": 8,
        "model.width": 4,
        "evaluation.every_updates": 0,
    }

    def run(word):
        process = subprocess.run(
            [sys.executable, "-c", PROGRAM, word, json.dumps(small)],
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert process.returncode == 0, process.stderr
        return json.loads(process.stdout.splitlines()[-1])

    drawn, settings, drawn_after, settings_after = run(str(tmp_path / "run"))
    assert settings_after == settings
    assert [drawn, settings, drawn_after, settings_after] == run("without")
    assert settings[:2] == [False, "mixed_bfloat16"]
