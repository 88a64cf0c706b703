"""What all tests share: two logical CPU devices, a cache of their own, and fixtures."""

import gc
import os
import pathlib
import runpy
import signal
import subprocess
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

from tf_ttur import config as configs  # isort: skip; chooses the Keras backend

import keras
import numpy as np
import PIL.Image
import pytest
import tensorflow as tf

from tf_ttur.io.ending import REPEATED
from tf_ttur.training import devices

tf.config.set_visible_devices([], "GPU")
# Optimizing a graph takes longer than running a tiny one once or twice. Tests that start processes
# of their own (tests/commands) do not have this setting.
tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2
)

ROOT = pathlib.Path(__file__).parent.parent
SHARED = ROOT.parent / "shared"


@pytest.fixture(autouse=True, scope="module")
def memory():
    """Frees the graphs of each test file at its end: those of all files would take gigabytes.

    What is left then will stay, such as modules: the next collections need not look at it again,
    which would take seconds each time.
    """
    yield
    keras.backend.clear_session()
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def cache(tmp_path_factory, monkeypatch):
    """An empty cache: no test finds the user's network or statistics, and none leaves any."""
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("TF_TTUR_CACHE", str(folder))
    monkeypatch.delenv("TF_TTUR_INCEPTION", raising=False)
    return folder


@pytest.fixture
def heard():
    """No signal is ignored, in the test and in what it starts.

    `nohup make test` ignores SIGHUP, `make test &` SIGINT.
    """
    before = {number: signal.signal(number, signal.SIG_DFL) for number in REPEATED}
    before[signal.SIGINT] = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def shared():
    """The folder of real data, beside the checkout."""
    if not SHARED.is_dir():
        pytest.skip("needs the real data in ../shared, which is not here")
    return SHARED


@pytest.fixture
def tiny():
    """As `tiny_config`, which fixtures of a whole file take."""
    return tiny_config()


def tiny_config():
    """A config that trains in seconds: digits, narrow networks, pixels instead of Inception."""
    config = configs.default()
    config.name = "tiny"
    config.variant = "ttur"
    config.data.source = "digits:64"
    config.batch_size = 8
    config.updates = 4
    config.model.width = 4
    config.discriminator.learning_rate = 1e-3
    config.generator.learning_rate = 2e-3
    config.evaluation.every_updates = 2
    config.evaluation.num_samples = 200
    config.evaluation.sample_batch_size = 200
    config.evaluation.without_inception = "frechet_pixels"
    config.samples_every_updates = 2
    config.checkpoint_every_updates = 2
    config.log_every_updates = 1
    return config


@pytest.fixture
def one_replica(monkeypatch):
    """Trains on one device, which halves the time for tracing: for tests that are not about
    devices.
    """
    monkeypatch.setattr(
        devices, "mirrored_strategy", lambda: tf.distribute.MirroredStrategy(["CPU:0"])
    )


@pytest.fixture
def offline(monkeypatch):
    """Downloads fail at once, as without internet."""
    url = "tf_ttur.metrics.inception.weights.ARCHIVE_URL"
    monkeypatch.setattr(url, "file:///nowhere/inception.tgz")


@pytest.fixture
def folder(tmp_path):
    """A folder of 12 random 32x32 PNGs, one of them in a folder within, and a text file."""
    path = tmp_path / "images"
    (path / "deeper").mkdir(parents=True)
    images = np.random.default_rng(0).integers(0, 256, (12, 32, 32, 3), np.uint8)
    for number, image in enumerate(images):
        parent = path / "deeper" if number == 3 else path
        PIL.Image.fromarray(image).save(parent / f"{number:02}.png")
    (path / "notes.txt").write_text("not an image", encoding="utf-8")
    return path


@pytest.fixture
def tool(capsys, monkeypatch):
    """A function that runs a Python file in this process, where TensorFlow is imported already.

    It returns what `subprocess.run` would.
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
    """Asserts that a command line ended with a message for the user that holds these words."""
    assert process.returncode == 2, process.stderr
    assert "Traceback" not in process.stderr
    assert process.stdout == ""
    for word in ("error: ", "expected: ", "to do: ", *words):
        assert word in process.stderr
