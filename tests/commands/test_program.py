"""The last line of defence: every exception becomes words and an exit status."""

import errno
import os
import pathlib
import re
import subprocess
import sys
import tempfile

import numpy as np
import pytest
import tensorflow as tf

from tests.conftest import ROOT
from tf_ttur.commands import out_of_memory, program


def end(main, capsys):
    """Calls `program.run`; returns exit status and messages."""
    with pytest.raises(SystemExit) as caught:
        program.run(main)
    return caught.value.code, capsys.readouterr().err


def failing(error):
    """A function that raises this error."""

    def fail():
        raise error

    return fail


def test_what_is_not_foreseen_becomes_one_line_and_a_report(capsys, monkeypatch, tmp_path):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setenv("TF_EXAMPLE", "shown")
    monkeypatch.setenv("TF_API_KEY", "hidden")
    monkeypatch.setenv("HOME_OF_SECRETS", "hidden")
    status, messages = end(failing(KeyError("first line\nsecond line")), capsys)
    assert status == 70
    assert "this is a fault of tf_ttur or of a library: KeyError: 'first line" in messages
    assert "Traceback" not in messages and len(messages.splitlines()) == 2
    [report] = tmp_path.iterdir()
    assert f"attach {report}" in messages
    assert report.stat().st_mode & 0o077 == 0
    text = report.read_text(encoding="utf-8")
    for word in ("Traceback", "KeyError", "TF_EXAMPLE=shown", "tensorflow: 2.", "command line: "):
        assert word in text
    assert "hidden" not in text


def test_a_line_is_short_even_if_the_text_is_not(capsys, monkeypatch, tmp_path):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    _, messages = end(failing(RuntimeError("\n\n" + "long " * 1000)), capsys)
    assert max(map(len, messages.splitlines())) < 400
    of_keras = (
        "Exception encountered when calling X.call().\n\n\x1b[1mthe cause\x1b[0m\n\nArguments"
    )
    _, messages = end(failing(ValueError(of_keras)), capsys)
    assert messages.splitlines()[0].endswith("library: ValueError: the cause")
    _, messages = end(failing(AssertionError()), capsys)
    assert messages.splitlines()[0].endswith("library: AssertionError")


def test_no_folder_for_the_report(capsys, monkeypatch, tmp_path):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "nowhere"))
    status, messages = end(failing(KeyError("x")), capsys)
    assert status == 70 and "no report could be written" in messages


def test_the_traceback_is_shown_on_request(capsys, monkeypatch, tmp_path):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setenv("TF_TTUR_DEBUG", "1")
    status, messages = end(failing(KeyError("x")), capsys)
    assert status == 70 and "Traceback" in messages and "KeyError: 'x'" in messages
    assert list(tmp_path.iterdir()) == []


def allocate_array():
    np.empty((10**9, 10**6))


def allocate_tensor():
    tf.zeros((10**6, 10**6, 10**3)) + 1


def of_tensorflow(kind, text):
    return failing(kind(None, None, text))


OOM = (
    "{{function_node __wrapped__Mul}} OOM when allocating tensor with shape[5,5,80000,160000] and"
    " type float on /job:localhost/replica:0/task:0/device:GPU:0 by allocator GPU_0_bfc [Op:Mul]"
)


@pytest.mark.parametrize(
    ("main", "asked", "device"),
    [
        (allocate_array, r"EiB|PiB.*shape \(1000000000, 1000000\)", "CPU"),
        (allocate_tensor, r"shape \[1000000,1000000,1000\] and type float", "CPU:0"),
        (failing(MemoryError()), "does not tell", "CPU"),
        (failing(OSError(errno.ENOMEM, "Cannot allocate memory")), "does not tell", "CPU"),
        (
            of_tensorflow(tf.errors.ResourceExhaustedError, OOM),
            r"shape \[5,5,80000,160000\] and type float",
            "GPU:0",
        ),
        (
            of_tensorflow(
                tf.errors.ResourceExhaustedError,
                "Out of memory while trying to allocate 17179869184 bytes.",
            ),
            "17179869184 bytes were asked for",
            "GPU",
        ),
        (
            of_tensorflow(
                tf.errors.AbortedError,
                "{{function_node x_device_/job:localhost/replica:0/task:0/device:CPU:0}} Operation"
                " received an exception:Status: 1, message: could not create a memory object",
            ),
            "tell",
            "CPU:0",
        ),
        (of_tensorflow(tf.errors.InternalError, "Dst tensor is not initialized."), "tell", "GPU"),
        (
            of_tensorflow(tf.errors.InternalError, "CUDNN_STATUS_ALLOC_FAILED in cuda_dnn.cc"),
            "tell",
            "GPU",
        ),
    ],
)
def test_too_little_memory_is_foreseen(capsys, main, asked, device):
    status, messages = end(main, capsys)
    assert status == 2 and "Traceback" not in messages
    assert re.search(rf"error: out of memory: .*{asked}.*, on {device}\b", messages), messages
    for word in ("config.batch_size", "config.model.width", "feature_batch_size", "--batch-size"):
        assert word in messages
    assert "config.evaluation.sample_batch_size" in messages


def test_other_errors_are_no_lack_of_memory():
    full = tf.errors.ResourceExhaustedError(None, None, "x; No space left on device")
    for error in (full, tf.errors.InternalError(None, None, "x"), KeyError(), OSError(2, "x")):
        assert out_of_memory.explain(error) is None


def test_a_cause_counts():
    error = RuntimeError("wrapped")
    error.__cause__ = MemoryError()
    assert out_of_memory.explain(error) is not None


def test_messages_go_through_the_console():
    """Nothing else writes to stderr, so that a broken stderr ends nothing."""
    package = pathlib.Path(program.__file__).parent.parent
    for path in package.rglob("*.py"):
        if path.name != "console.py":
            text = path.read_text(encoding="utf-8")
            assert not re.search(r"file=sys\.stderr|sys\.stderr\.write|STDERR\.print", text), path


def test_a_process_without_stderr_gets_the_null_device():
    """So that no file which is opened later receives messages of C++ code."""
    code = "from tf_ttur.commands import program; program.run(lambda: print(os.fstat(2).st_rdev))"
    line = ["sh", "-c", 'exec "$0" -c "$1" 2>&-', sys.executable, f"import os; {code}"]
    process = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, check=True)
    assert int(process.stdout) == os.stat(os.devnull).st_rdev


# What a user's surroundings may hold, and what a command does all the same.
SURROUNDINGS = {
    "PYTHONWARNINGS=error": "__import__('warnings').warn('only words')",
    "MPLBACKEND=nonsense": "__import__('matplotlib.figure')",
    "MPLBACKEND=Qt5Agg": "__import__('matplotlib.figure')",
}


@pytest.mark.parametrize("setting", SURROUNDINGS)
def test_settings_of_the_surroundings_end_no_command(setting):
    code = f"from tf_ttur.commands import program; program.run(lambda: {SURROUNDINGS[setting]})"
    environment = os.environ | dict([setting.split("=")])
    process = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    assert process.returncode == 0, process.stderr
    assert process.stderr in ("", "warning: only words\n")


def test_tensorflow_is_quiet_where_a_users_file_imports_it(tmp_path):
    (tmp_path / "own.py").write_text("import tensorflow\nLOSS = 1\n", encoding="utf-8")
    code = "program.run(lambda: print(registry.import_object('own.py:LOSS')))"
    code = f"from tf_ttur import registry; from tf_ttur.commands import program; {code}"
    environment = {key: value for key, value in os.environ.items() if not key.startswith("TF_")}
    process = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=environment | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (process.stdout, process.stderr) == ("1\n", "")


def test_without_a_temporary_folder_there_is_one_in_memory(monkeypatch):
    def fails():
        raise FileNotFoundError

    monkeypatch.setattr("tempfile.gettempdir", fails)
    monkeypatch.setattr("tempfile.tempdir", None)
    monkeypatch.setenv("TMPDIR", "/nowhere")
    program.run(lambda: None)
    assert tempfile.tempdir == os.environ["TMPDIR"] == "/dev/shm"


@pytest.mark.parametrize("module", ["tf_ttur", "tf_ttur.train"])
def test_files_in_the_current_folder_do_not_stand_in_for_modules(tmp_path, module):
    for name in ("random", "inspect", "argparse", "difflib", "ml_collections"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('not this one')", encoding="utf-8")
    process = subprocess.run(
        [sys.executable, "-m", module, "--help"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 0 and "usage: " in process.stdout, process.stderr
