"""What lies around a run decides nothing: settings of Keras, the home folder, the locale."""

import json
import os
import subprocess
import sys

import pytest

from tests.conftest import ROOT
from tests.faults.small_training import command, newest


def run(line, **options):
    return subprocess.run(line, cwd=ROOT, capture_output=True, text=True, check=False, **options)


# The first losses, the dtypes of all weights and an evaluation, as one line.
SUMMARY = """
import sys
import keras, numpy as np, tensorflow as tf
reader = tf.train.load_checkpoint(sys.argv[1])
kinds = sorted({str(kind) for kind in reader.get_variable_to_dtype_map().values()})
print(kinds)
"""


@pytest.mark.slow
@pytest.mark.parametrize("card", ["quickstart", "wgan_gp_cifar10"])
def test_settings_of_keras_decide_nothing(tmp_path, card):
    settings = {
        "backend": "jax",
        "floatx": "float16",
        "epsilon": 0.1,
        "image_data_format": "channels_first",
    }
    (tmp_path / "keras").mkdir()
    (tmp_path / "keras/keras.json").write_text(json.dumps(settings), encoding="utf-8")
    rows = []
    for name, home in (("plain", tmp_path / "empty"), ("set", tmp_path / "keras")):
        folder = tmp_path / name
        line = command(folder, "--config.updates=3", "--config.log_every_updates=1")
        line[line.index("configs/quickstart.py")] = f"configs/{card}.py"
        process = run(line, env=os.environ | {"KERAS_HOME": str(home)})
        assert process.returncode == 0, process.stderr
        lines = (folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
        values = [json.loads(line) | {"training_seconds": 0} for line in lines]
        kinds = run([sys.executable, "-c", SUMMARY, folder / "checkpoints/ckpt-3"]).stdout
        rows.append((values, kinds))
    assert rows[0] == rows[1]


@pytest.mark.slow
def test_no_home_and_a_plain_locale(tmp_path):
    """With a path whose letters the locale does not have."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in ("HOME", "LANG", "LC_CTYPE", "PYTHONUTF8", "PYTHONIOENCODING")
    }
    environment |= {"LC_ALL": "C"}
    folder = tmp_path / "größe-運行"
    process = run([*command(folder, "--config.updates=2"), "--dry-run"], env=environment)
    assert process.returncode == 0 and "Traceback" not in process.stderr, process.stderr
    process = run(command(folder, "--config.updates=2"), env=environment)
    assert process.returncode == 0 and "Traceback" not in process.stderr, process.stderr
    assert newest(folder) == 2


@pytest.mark.slow
@pytest.mark.parametrize(
    ("limit_kb", "width"), [(None, 20000), (12_000_000, 600)], ids=["width", "ulimit"]
)
def test_a_network_that_does_not_fit(tmp_path, limit_kb, width):
    line = command(tmp_path / "run", "--config.updates=2", f"--config.model.width={width}")
    if limit_kb:
        line = ["sh", "-c", f'ulimit -v {limit_kb}; exec "$@"', "sh", *line]
    process = run(line, timeout=300)
    assert process.returncode == 2, process.stderr
    assert "Traceback" not in process.stderr
    assert "error: out of memory: " in process.stderr
    assert "config.model.width" in process.stderr and "CPU" in process.stderr
