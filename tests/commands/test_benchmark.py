"""The report of a machine: that each part gives what the tables say, here of a processor."""

import json

import numpy as np
import pytest

from tests.commands.processes import run
from tests.conftest import assert_refused
from tests.metrics.mini_inception import graph_bytes
from tf_ttur.training import gpu_table


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """(the process of a quick report, the report)."""
    folder = tmp_path_factory.mktemp("report")
    (folder / "small.pb").write_bytes(graph_bytes())
    path = folder / "report.json"
    words = ["--gpu-report", path, "--inception", folder / "small.pb"]
    process = run("-m", "tf_ttur", "benchmark", *words)
    assert process.returncode == 0, process.stderr
    return process, json.loads(path.read_text())


@pytest.mark.slow
def test_every_part_is_measured(written):
    _, report = written
    assert report["skipped"] == {}
    parts = report["parts"]
    assert parts["machine"]["versions"]["tensorflow"] and parts["machine"]["gpus"] == []
    updates = [*parts["settings"], *parts["cards"], *parts["all_gpus"]]
    assert len(updates) == 3 + 2 + 1
    for row in updates:
        assert "failed" not in row, row
        assert row["seconds"] > 0 and row["kernels"] > 10 and row["kernel_seconds"] > 0
        assert 0 < sum(share for _, share in row["largest"]) <= 1
        assert row["images_per_second"] == pytest.approx(8 / row["seconds"])
    assert len({(row["compile"], row["updates_per_call"]) for row in parts["settings"]}) == 3
    # The same update, in this process after others and in one of its own.
    assert parts["all_gpus"][0]["kernels"] == parts["settings"][0]["kernels"]
    assert parts["features"]["relative_difference_from_cpu"] < 1e-6
    assert parts["resume"] == {"is_exact": True, "differing": []}


@pytest.mark.slow
def test_the_tables_are_for_the_documentation(written):
    process, report = written
    assert gpu_table.text(report) in process.stdout
    lines = process.stdout.splitlines()
    assert sum(line.startswith("| cifar10:ttur |") for line in lines) == 3 + 2 + 1
    fastest = min(report["parts"]["settings"], key=lambda row: row["seconds"])
    chosen = f"--config.updates_per_call={fastest['updates_per_call']}"
    assert chosen in lines[-1] and f"--config.compile={fastest['compile']}" in lines[-1]


def test_what_fails_or_is_left_out_is_named():
    rows = [
        {"card": "a", "compile": "none", "seconds": 0.5, "kernels": 3.0, "peak_bytes": 2**21},
        {"card": "a", "compile": "xla", "failed": "InternalError: no|thing"},
        {"card": "b", "compile": "none", "skipped": "the time was over"},
    ]
    rows[0] |= {"images_per_second": 128, "kernel_seconds": 0.25}
    rows[0]["largest"] = [("product", 0.5), ("x" * 99, 0.3), ("sum", 0.1), ("rest", 0.1)]
    report = {
        "parts": {"settings": rows, "resume": {"is_exact": False, "differing": ["x"]}},
        "skipped": {"features": "UserError: no network"},
    }
    text = gpu_table.text(report)
    assert "| a | none | 500 | 128 | 3 | 250 | 2 |" in text
    assert f"\n- a, none: `product` 50%, `{'x' * 60}` 30%, `sum` 10%\n" in text
    assert "| a | xla | InternalError: no/thing |  |  |  |  |" in text
    assert "| b | none | the time was over |" in text
    assert "ENDS WITH OTHER BITS, in x" in text
    assert "Not measured: features (UserError: no network)." in text
    assert gpu_table.choose(rows) == {"compile": "none"}
    assert gpu_table.choose(rows[1:]) == {}


def test_parts_for_which_there_is_no_time_are_named():
    from tf_ttur.training import gpu_report

    report = gpu_report.measure(gpu_report.Scope([], None, minutes=0), ["machine", "cards"])
    assert report["parts"] == {}
    assert report["skipped"] == dict.fromkeys(["machine", "cards"], "the time was over")


def test_a_report_is_saved_after_each_part(monkeypatch):
    from tf_ttur.training import gpu_report

    monkeypatch.setattr(gpu_report, "PARTS", {name: lambda _: 1 for name in ("a", "b")})
    saved = []
    gpu_report.measure(
        gpu_report.Scope([], None), ["a", "b"], lambda report: saved.append(list(report["parts"]))
    )
    assert saved == [["a"], ["a", "b"]]


def test_variables_that_differ_are_found(tmp_path):
    import tensorflow as tf

    from tf_ttur import runs
    from tf_ttur.training import gpu_report

    pair = [runs.Run(tmp_path / name) for name in ("a", "b")]
    for run_folder, value in zip(pair, (1.0, np.nextafter(np.float32(1), 2)), strict=True):
        variables = {"same": tf.Variable(3.0), "other": tf.Variable(value)}
        path = run_folder.path / runs.CHECKPOINTS / "ckpt-8"
        tf.train.Checkpoint(**variables, training_seconds=tf.Variable(value)).write(str(path))
    assert gpu_report._differing(*pair) == ["other/.ATTRIBUTES/VARIABLE_VALUE"]


@pytest.mark.parametrize(
    "words, message",
    [
        ("--gpu-report x.json --config quickstart", "--config together with --gpu-report"),
        ("--quick", "--quick without --gpu-report"),
        ("--json", "--json without --config"),
        ("--gpu-report x.json --parts machine,nothing", "'nothing'"),
        ("--gpu-report foreign.json", "is not a report of this command"),
    ],
)
def test_flags_that_do_not_fit(words, message, tmp_path):
    (tmp_path / "foreign.json").write_text("[]")
    assert_refused(run("-m", "tf_ttur", "benchmark", *words.split(), cwd=tmp_path), message)
