"""The command lines as a user types them: what they print, how they end, and that no mistake ends
in a traceback.
"""

import json
import os
import signal
import subprocess
import sys

import numpy as np
import PIL.Image
import pytest

from tests.conftest import ROOT, assert_refused
from tests.metrics.mini_inception import graph_bytes

TINY = [
    "--config.model.width=4", "--config.data.source=digits:64", "--config.batch_size=8", "--config.updates=2",
    "--config.evaluation.num_samples=40", "--config.evaluation.reference_samples=40", "--config.evaluation.every_updates=2",
    "--config.samples_every_updates=2", "--config.checkpoint_every_updates=2",
]  # fmt: skip


def run(*arguments, cwd=ROOT):
    """Runs `python ARGUMENTS` in the repository and returns the ended process."""
    arguments = [str(argument) for argument in arguments]
    if arguments[0].startswith("tools/"):
        arguments[0] = str(ROOT / arguments[0])
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )


def train(*arguments, cwd=ROOT):
    return run("-m", "tf_ttur.train", *arguments, cwd=cwd)


def test_mistakes_are_found_before_tensorflow_is_imported():
    code = (
        "import sys\n"
        "from tf_ttur import commands\n"
        "try: commands.main(['train', '--config', 'configs/svhn.py', '--config.batch_size=0'])\n"
        "except SystemExit as end: print(end.code, 'tensorflow' in sys.modules)"
    )
    assert run("-c", code).stdout.strip() == "2 False"


def test_dry_run(tmp_path):
    process = train("--config", ROOT / "configs/celeba.py", "--dry-run", cwd=tmp_path)
    assert process.returncode == 0 and process.stderr == ""
    assert (
        "5,135,363" in process.stdout
        and "4,316,545" in process.stdout
        and "256,365" in process.stdout
    )
    assert "53 times 50,000 samples: 2,650,000 images" in process.stdout
    assert list(tmp_path.iterdir()) == []


@pytest.fixture(scope="module")
def graph(tmp_path_factory):
    path = tmp_path_factory.mktemp("graph") / "small.pb"
    path.write_bytes(graph_bytes())
    return path


@pytest.fixture(scope="module")
def workdir(tmp_path_factory, graph):
    """A run folder of two updates."""
    path = tmp_path_factory.mktemp("run") / "workdir"
    process = train(
        "--config", ROOT / "configs/quickstart.py", *TINY, "--workdir", path, "--inception", graph
    )
    assert process.returncode == 0, process.stderr
    assert process.stdout.split() == [
        "metrics",
        f"{path}/metrics.jsonl",
        "samples",
        f"{path}/samples",
        "generator",
        f"{path}/export",
    ]
    return path


def test_from_a_run_to_images_and_their_distance(workdir, graph, tmp_path, tool):
    process = tool("tools/export.py", workdir, "--output", tmp_path / "exported")
    assert process.returncode == 0 and "after 2 updates" in process.stdout
    process = tool(
        "tools/sample.py", tmp_path / "exported", "--count", 64, "--output", tmp_path / "samples"
    )
    assert process.returncode == 0 and len(list((tmp_path / "samples").iterdir())) == 64

    process = run(
        "tools/precalc_stats.py",
        "digits:64",
        "--output",
        tmp_path / "digits.npz",
        "--inception",
        graph,
    )
    assert process.returncode == 0 and process.stdout.strip() == str(tmp_path / "digits.npz"), (
        process.stderr
    )
    with np.load(tmp_path / "digits.npz") as file:
        assert file["mu"].shape == (20,) and json.loads(str(file["provenance"]))["num_images"] == 64

    process = tool(
        "tools/fid.py",
        tmp_path / "samples",
        tmp_path / "digits.npz",
        "--json",
        "--inception",
        graph,
    )
    assert process.returncode == 0, process.stderr
    result = json.loads(process.stdout)
    found = result["metrics"]["fid_unknown"]
    assert found["value"] > 0 and found["low"] < found["value"] < found["high"]
    assert [side["num_images"] for side in result["provenance"]] == [64, 64]
    # The exported generator itself, as a source, is the same images.
    process = tool(
        "tools/fid.py",
        tmp_path / "exported",
        tmp_path / "digits.npz",
        "--count",
        64,
        "--json",
        "--inception",
        graph,
    )
    assert json.loads(process.stdout)["metrics"]["fid_unknown"]["value"] == pytest.approx(
        found["value"], rel=1e-6
    )
    # Two files need no network at all.
    process = tool("tools/fid.py", tmp_path / "digits.npz", tmp_path / "digits.npz", "--explain")
    lines = process.stdout.splitlines()
    assert (
        lines[0].startswith("fid_unknown 0.0000")
        and lines[1].startswith("distance = 0 (means)")
        and lines[3].startswith("covariances of rank")
    )
    assert_refused(
        tool("tools/fid.py", "digits:80", "digits:80", "--metrics", "kid", "--explain"),
        "--metrics kid",
    )


def test_statistics_of_a_config_are_where_training_finds_them(graph, tmp_path):
    config = ["--config", ROOT / "configs/quickstart.py", *TINY]
    made = run("tools/precalc_stats.py", *config, "--inception", graph).stdout.strip()
    before = os.stat(made).st_mtime_ns
    assert train(*config, "--workdir", tmp_path / "run", "--inception", graph).returncode == 0
    assert os.stat(made).st_mtime_ns == before and len(os.listdir(os.path.dirname(made))) == 1


def test_run_folder_of_another_config(workdir, graph):
    before = (workdir / "metrics.jsonl").read_bytes()
    process = train(
        "--config",
        ROOT / "configs/quickstart.py",
        *TINY,
        "--config.seed=5",
        "--workdir",
        workdir,
        "--inception",
        graph,
    )
    assert_refused(process, "seed = 0; now seed = 5")
    assert (workdir / "metrics.jsonl").read_bytes() == before


def test_training_on_what_is_not_there(tmp_path):
    (tmp_path / "empty").mkdir()
    for source, word in (("missing", "does not exist"), ("empty", "holds no images")):
        process = train(
            "--config",
            ROOT / "configs/lsun.py",
            f"--config.data.source={tmp_path / source}",
            cwd=tmp_path,
        )
        assert_refused(process, word)
    assert not (tmp_path / "runs").exists()


def test_fid_of_what_cannot_be_read(tmp_path, folder, graph, tool):
    np.savez(tmp_path / "no_mu.npz", sigma=np.eye(3))
    np.savez(tmp_path / "other.npz", mu=np.zeros(7), sigma=np.eye(7))
    PIL.Image.new("L", (32, 32)).save(folder / "99.png")
    network = ["--inception", graph]
    assert_refused(tool("tools/fid.py", folder, tmp_path / "no_mu.npz", *network), "no mu")
    assert_refused(tool("tools/fid.py", folder, tmp_path / "other.npz", *network), "7 features")
    assert_refused(tool("tools/fid.py", folder, "digits:30", *network), "99.png", "mode L")
    assert_refused(
        tool("tools/fid.py", "digits:30", "digits:30", "--inception", tmp_path),
        "no Inception network",
    )


def test_few_samples_are_a_warning(graph, tmp_path):
    process = run(
        "tools/precalc_stats.py",
        "digits:12",
        "--output",
        tmp_path / "few.npz",
        "--inception",
        graph,
    )
    assert (
        process.returncode == 0
        and "warning: digits:12: 12 images for 20 features" in process.stderr
    )


def test_curve(workdir, tmp_path):
    process = run("tools/curve.py", workdir, "--output", tmp_path / "curve.png")
    assert process.returncode == 0, process.stderr
    assert PIL.Image.open(tmp_path / "curve.png").width > 500
    assert_refused(
        run("tools/curve.py", tmp_path, "--output", tmp_path / "no.png"), "metrics.jsonl"
    )


def test_theory_tools_leave_figure_numbers_and_words(tmp_path, tool):
    for arguments, name in [
        (["tools/saddle.py", "--runs", 20], "saddle"),
        (["tools/theory.py", "two-time-scale", "--runs", 20], "two-time-scale"),
        (["tools/theory.py", "heavy-ball"], "heavy-ball"),
        (["tools/theory.py", "assumptions"], "assumptions"),
    ]:
        process = tool(*arguments, "--output", tmp_path)
        assert (
            process.returncode == 0
            and process.stderr == ""
            and len(process.stdout.splitlines()) == 1
        )
        assert (
            json.loads((tmp_path / f"{name}.json").read_text())["verdict"] == process.stdout.strip()
        )
        assert (tmp_path / f"{name}.md").read_text().startswith(process.stdout.strip())
        assert (tmp_path / f"{name}.svg").stat().st_size > 10_000
        with PIL.Image.open(tmp_path / f"{name}.png") as image:
            assert image.width > 800
    assert_refused(
        tool("tools/theory.py", "heavy-ball", "--run", "x", "--output", tmp_path),
        "--run with heavy-ball",
    )


@pytest.mark.slow
def test_a_trained_gan_is_asked_for_its_equilibrium(workdir, tmp_path, tool):
    process = tool(
        "tools/nash.py",
        workdir,
        "--output",
        tmp_path,
        "--batches",
        1,
        "--count",
        1,
        "--tolerance",
        0.1,
        "--max-products",
        20,
    )
    assert process.returncode == 0, process.stderr
    assert process.stdout.startswith(
        "quickstart-ttur-seed0 after 2 updates: not stationary (by curvature: "
    )
    assert json.loads((tmp_path / "nash.json").read_text())["path"]["to_update"] == 2
    assert_refused(
        tool("tools/nash.py", workdir, "--output", tmp_path, "--update", 1),
        "no checkpoint after 1",
        "one of 0, 2",
    )
    process = tool(
        "tools/theory.py", "assumptions", "--run", workdir, "--batches", 4, "--output", tmp_path
    )
    assert (
        process.returncode == 0
        and "A2" in process.stdout.partition("not hold")[0]
        and "A3 and A4 were not judged" in process.stdout
    ), process.stderr
    assert_refused(
        tool("tools/theory.py", "assumptions", "--run", workdir, "--output", tmp_path),
        "digits:64 has 64 examples",
    )


def test_disturbances(graph, tmp_path, tool):
    np.save(
        tmp_path / "others.npy", np.random.default_rng(0).integers(0, 256, (5, 40, 40, 3), np.uint8)
    )
    process = tool(
        "tools/disturb.py",
        "digits:40",
        "--mixed-in",
        tmp_path / "others.npy",
        "--inception",
        graph,
        "--output",
        tmp_path / "out",
    )
    assert process.returncode == 0 and process.stdout.startswith(
        "fid_unknown rises with every level of "
    ), process.stderr
    assert set(json.loads((tmp_path / "out/disturb.json").read_text())["disturbances"]) == {
        "gaussian_noise", "blur", "rectangles", "swirl", "salt_and_pepper", "mixed",
    }  # fmt: skip
    process = tool(
        "tools/disturb.py",
        "digits:40",
        "--only",
        "blur",
        "--example",
        "digits:1",
        "--limit",
        "published",
        "--inception",
        graph,
        "--output",
        tmp_path / "blur",
    )
    assert process.returncode == 0 and list(
        json.loads((tmp_path / "blur/disturb.json").read_text())["disturbances"]
    ) == ["blur"], process.stderr
    assert_refused(
        tool(
            "tools/disturb.py",
            "digits:40",
            "--example",
            "nothing",
            "--inception",
            graph,
            "--output",
            tmp_path / "out",
        ),
        "nothing does not exist",
    )
    assert_refused(
        tool("tools/disturb.py", "digits:40", "--only", "fog", "--output", tmp_path / "out"),
        "no disturbance fog",
    )
    assert_refused(
        tool("tools/disturb.py", "digits:5", "--inception", graph, "--output", tmp_path / "five"),
        "5 images",
        "10",
    )


def test_metrics_and_comparison(graph, tool):
    network = ["--inception", graph]
    process = tool(
        "tools/fid.py",
        "digits:180",
        "digits:190:1",
        "--metrics",
        "fid,fid_inf,kid,is,prdc",
        "--json",
        *network,
    )
    assert process.returncode == 0, process.stderr
    metrics = json.loads(process.stdout)["metrics"]
    names = [
        "fid",
        "fid_inf",
        "kid",
        "inception_score",
        "precision",
        "recall",
        "density",
        "coverage",
    ]
    assert list(metrics) == [f"{name}_unknown" for name in names]
    lines = tool(
        "tools/fid.py", "digits:180", "digits:190:1", "--metrics", "fid,is", *network
    ).stdout.splitlines()
    assert (
        lines[0].startswith(f"fid_unknown {metrics['fid_unknown']['value']:.4f} [")
        and " ± " in lines[1]
    )
    assert_refused(
        tool("tools/fid.py", "digits:80", "digits:80", "--metrics", "fid,lpips", *network),
        "no metric lpips",
    )
    process = tool(
        "tools/fid.py", "digits:80", "digits:80:2", "--compare", "digits:90:1", *network, "--json"
    )
    found = json.loads(process.stdout)
    assert (
        found["answer"] in ("yes", "no", "inconclusive")
        and found["low"] < found["difference"] < found["high"]
    )


def test_shards_are_merged_to_the_whole(graph, tool, tmp_path):
    network = ["--inception", graph]
    for arguments in (
        ["--output", tmp_path / "whole.npz"],
        ["--shard", "1/2", "--output", tmp_path / "s.npz"],
        ["--shard", "2/2", "--output", tmp_path / "s.npz"],
    ):
        process = run("tools/precalc_stats.py", "digits:61", *arguments, *network)
        assert process.returncode == 0, process.stderr
    process = tool(
        "tools/merge_stats.py",
        tmp_path / "s.2-of-2.npz",
        tmp_path / "s.1-of-2.npz",
        "--output",
        tmp_path / "merged.npz",
    )
    assert process.stdout.strip() == f"{tmp_path}/merged.npz: 61 images"
    with np.load(tmp_path / "whole.npz") as whole, np.load(tmp_path / "merged.npz") as merged:
        np.testing.assert_allclose(merged["sigma"], whole["sigma"], rtol=1e-10, atol=1e-14)
        assert json.loads(str(merged["provenance"])) == json.loads(str(whole["provenance"]))
    assert_refused(
        tool("tools/fid.py", "digits:80", tmp_path / "s.1-of-2.npz", *network), "is shard 1 of 2"
    )
    assert_refused(
        tool("tools/merge_stats.py", tmp_path / "s.1-of-2.npz", "--output", tmp_path / "x.npz"),
        "shards 1 of 2",
    )
    assert_refused(
        run(
            "tools/precalc_stats.py", "digits:61", "--shard", "3/2", "--output", tmp_path / "x.npz"
        ),
        "--shard 3/2",
    )
    assert not list(tmp_path.glob("*.partial"))


@pytest.mark.slow
def test_statistics_go_on_after_a_kill(folder, graph, tmp_path):
    code = (
        "import os, sys, runpy; from tf_ttur.metrics.extraction import Extraction; Extraction.EVERY_SECONDS = 0\n"
        "keep = Extraction._keep\n"
        "def kill(self): keep(self); self.moments.count > 4 and os.kill(os.getpid(), 9)\n"
        "Extraction._keep = kill; sys.argv = sys.argv[1:]; runpy.run_path(sys.argv[0], run_name='__main__')"
    )
    tool = [
        str(ROOT / "tools/precalc_stats.py"),
        folder,
        "--inception",
        graph,
        "--batch-size",
        3,
        "--output",
    ]
    assert run("-c", code, *tool, tmp_path / "killed.npz").returncode == -signal.SIGKILL
    assert not (tmp_path / "killed.npz").exists()
    process = run(*tool, tmp_path / "killed.npz")
    assert process.returncode == 0 and "going on after 6 images" in process.stderr
    assert run(*tool, tmp_path / "whole.npz").returncode == 0
    assert (tmp_path / "killed.npz").read_bytes() == (tmp_path / "whole.npz").read_bytes()


def test_what_other_tools_do_with_images(folder, graph, tmp_path, tool):
    network = ["--inception", graph, "--batch-size", 5]
    (folder / "03.png").write_bytes(b"broken")
    assert_refused(tool("tools/fid.py", folder, "digits:20", *network), "03.png")
    process = tool(
        "tools/fid.py",
        folder,
        "digits:20",
        *network,
        "--skip-unreadable",
        "--drop-remainder",
        "--json",
    )
    assert "left out: " in process.stderr and "03.png" in process.stderr
    first, second = json.loads(process.stdout)["provenance"]
    assert (
        first["num_images"] == 10
        and second["num_images"] == 20
        and [name.rpartition("/")[2] for name in first["skipped"]] == ["03.png"]
    )
    assert "skipped" not in second
    for precision in ("float32", "bfloat16"):
        command = [
            "tools/precalc_stats.py",
            folder,
            "--output",
            tmp_path / f"{precision}.npz",
            "--skip-unreadable",
            "--precision",
            precision,
        ]
        assert run(*command, "--inception", graph).returncode == 0
    pair = tmp_path / "float32.npz", tmp_path / "bfloat16.npz"
    assert_refused(tool("tools/fid.py", *pair), "precision float32", "bfloat16")
    assert tool("tools/fid.py", *pair, "--allow-mixed").stdout.startswith("fid_unknown")
    assert tool(
        "tools/fid.py", folder, pair[1], *network, "--allow-mixed", "--skip-unreadable"
    ).stdout.startswith("fid_unknown")


def test_list_of_cards(tool):
    rows = json.loads(tool("tools/list_configs.py", "--json").stdout)
    by_name = {(row["experiment"], row["variant"], row["metric"]): row for row in rows}
    row = by_name["wgan_gp_lsun", "orig", "fid"]
    assert (row["discriminator"], row["generator"], row["discriminator_steps"], row["updates"]) == (
        1e-4,
        1e-4,
        5,
        25_009,
    )
    assert (
        row["published_best"] == 27.22
        and row["published_table"] == 20.5
        and "orig 5e-4" in row["erratum"]
    )
    assert (
        row["published_end"] == {"mean": 30.9, "low": 27.2, "high": 34.2}
        and row["hours_per_1000_updates"] is None
    )
    assert by_name["billion_word", "ttur", "jsd_6"]["published_best"] == 0.7365
    lines = tool("tools/list_configs.py").stdout.splitlines()
    assert len({line.index("updates") for line in lines if line.startswith("experiment")}) == 1
    assert sum(line.startswith("svhn:") for line in lines) == 4
    assert any(line.startswith("  wgan_gp_lsun: the table's orig 1e-4") for line in lines)


@pytest.mark.slow
def test_measured_hours_are_kept(tool, tmp_path, cache):
    card = (
        (ROOT / "configs/cifar10.py")
        .read_text()
        .replace(
            "config.updates =", "config.model.width, config.batch_size = 2, 2\n    config.updates ="
        )
    )
    (tmp_path / "cifar10.py").write_text(card)
    measured = tool("tools/list_configs.py", tmp_path, "--measure", "--json")
    hours = {row["hours_per_1000_updates"] for row in json.loads(measured.stdout)}
    assert len(hours) == 1 and hours.pop() > 0  # one network for all rates
    assert measured.stderr.count("s an update") == 1
    again = tool("tools/list_configs.py", tmp_path, "--json")
    assert again.stdout == measured.stdout and again.stderr == ""
