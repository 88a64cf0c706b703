"""Two logical CPU devices for all tests, a cache of their own, and what lies beside the checkout."""

import gc
import os
import pathlib
import runpy
import subprocess
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

from tf_ttur import config as configs  # isort: skip; chooses the Keras backend

import keras
import numpy as np
import PIL.Image
import pytest
import tensorflow as tf

from tf_ttur.training import devices

tf.config.set_visible_devices([], "GPU")
# Optimizing a graph takes longer than to run a tiny one once or twice. Tests in processes of their
# own (test_commands) do without this.
tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2
)

ROOT = pathlib.Path(__file__).parent.parent
SHARED = ROOT.parent / "shared"


@pytest.fixture(autouse=True, scope="module")
def memory():
    """The graphs of one file's tests do not outlive it: over all tests they would grow to
    gigabytes.
    """
    yield
    keras.backend.clear_session()
    gc.collect()


@pytest.fixture(autouse=True)
def cache(tmp_path_factory, monkeypatch):
    """No test finds the user's network or statistics, and none leaves any."""
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("TF_TTUR_CACHE", str(folder))
    monkeypatch.delenv("TF_TTUR_INCEPTION", raising=False)
    return folder


@pytest.fixture
def shared():
    """The folder of real material."""
    if not SHARED.is_dir():
        pytest.skip("needs the real material of ../shared, which is not here")
    return SHARED


@pytest.fixture
def tiny():
    """A config that trains in seconds: digits, narrow networks, pixels instead of Inception."""
    config = configs.default()
    config.name, config.variant = "tiny", "ttur"
    config.data.source = "digits:64"
    config.batch_size, config.updates = 8, 4
    config.model.width = 4
    config.discriminator.learning_rate, config.generator.learning_rate = 1e-3, 2e-3
    config.evaluation.every_updates = config.samples_every_updates = (
        config.checkpoint_every_updates
    ) = 2
    config.evaluation.num_samples = config.evaluation.sample_batch_size = 200
    config.evaluation.without_inception = "frechet_pixels"
    config.log_every_updates = 1
    return config


@pytest.fixture
def one_replica(monkeypatch):
    """Training takes one device, which halves the time for tracing, where a test is not about
    devices.
    """
    monkeypatch.setattr(
        devices, "mirrored_strategy", lambda: tf.distribute.MirroredStrategy(["CPU:0"])
    )


@pytest.fixture
def offline(monkeypatch):
    """Downloads fail at once, as without internet."""
    monkeypatch.setattr("tf_ttur.metrics.inception.ARCHIVE_URL", "file:///nowhere/inception.tgz")


@pytest.fixture
def folder(tmp_path):
    """A folder of 12 random 32x32 PNGs, one of them deeper, and a file that is none."""
    path = tmp_path / "images"
    (path / "deeper").mkdir(parents=True)
    for number, image in enumerate(
        np.random.default_rng(0).integers(0, 256, (12, 32, 32, 3), np.uint8)
    ):
        PIL.Image.fromarray(image).save(
            path / ("deeper" if number == 3 else ".") / f"{number:02}.png"
        )
    (path / "notes.txt").write_text("not an image")
    return path


@pytest.fixture
def tool(capsys, monkeypatch):
    """Runs a tool in this process, where TensorFlow need not be imported anew, and returns what a
    process would.
    """

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", [str(argument) for argument in arguments])
        capsys.readouterr()
        try:
            runpy.run_path(str(ROOT / arguments[0]), run_name="__main__")
            status = 0
        except SystemExit as end:
            status = end.code or 0
        out, err = capsys.readouterr()
        return subprocess.CompletedProcess(arguments, status, out, err)

    return call


def assert_refused(process, *words):
    """That a command line ended with a message for the user, which holds these words."""
    assert process.returncode == 2, process.stderr
    assert "Traceback" not in process.stderr and process.stdout == ""
    for word in ("error: ", "expected: ", "to do: ", *words):
        assert word in process.stderr
