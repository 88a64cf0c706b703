"""The command that compares images, and the way from a run to its distance."""

import json

import numpy as np
import PIL.Image
import pytest

from tests.commands.processes import run
from tests.conftest import assert_refused

FID = "tools/fid.py"
STATS = "tools/precalc_stats.py"


def test_from_a_run_to_images_and_their_distance(workdir, graph, tmp_path, tool):
    network = ["--inception", graph]
    exported = tmp_path / "exported"
    samples = tmp_path / "samples"
    digits = tmp_path / "digits.npz"

    process = tool("tools/export.py", workdir, "--output", exported)
    assert process.returncode == 0
    assert "after 2 updates" in process.stdout
    process = tool("tools/sample.py", exported, "--count", 64, "--output", samples)
    assert process.returncode == 0
    assert len(list(samples.iterdir())) == 64

    process = run(STATS, "digits:64", "--output", digits, *network)
    assert process.returncode == 0, process.stderr
    assert process.stdout.strip() == str(digits)
    with np.load(digits) as file:
        assert file["mu"].shape == (20,)
        assert json.loads(str(file["provenance"]))["num_images"] == 64

    process = tool(FID, samples, digits, "--json", *network)
    assert process.returncode == 0, process.stderr
    result = json.loads(process.stdout)
    fid = result["metrics"]["fid_unknown"]
    assert fid["value"] > 0
    assert fid["low"] < fid["value"] < fid["high"]
    assert [side["num_images"] for side in result["provenance"]] == [64, 64]
    # The exported generator itself, as a source, gives the same images.
    process = tool(FID, exported, digits, "--count", 64, "--json", *network)
    again = json.loads(process.stdout)["metrics"]["fid_unknown"]
    assert again["value"] == pytest.approx(fid["value"], rel=1e-6)


def test_two_files_of_statistics_need_no_network(graph, tmp_path, tool):
    digits = tmp_path / "digits.npz"
    assert run(STATS, "digits:64", "--output", digits, "--inception", graph).returncode == 0
    lines = tool(FID, digits, digits, "--explain").stdout.splitlines()
    assert lines[0].startswith("fid_unknown 0.0000")
    assert lines[1].startswith("distance = 0 (means)")
    assert lines[3].startswith("Ranks of the covariances: ")
    process = tool(FID, "digits:80", "digits:80", "--metrics", "kid", "--explain")
    assert_refused(process, "--metrics kid")


def test_fid_of_what_cannot_be_read(tmp_path, folder, graph, tool):
    np.savez(tmp_path / "no_mu.npz", sigma=np.eye(3))
    np.savez(tmp_path / "other.npz", mu=np.zeros(7), sigma=np.eye(7))
    PIL.Image.new("CMYK", (32, 32)).save(folder / "99.png", "TIFF")
    network = ["--inception", graph]
    assert_refused(tool(FID, folder, tmp_path / "no_mu.npz", *network), "no mu")
    assert_refused(tool(FID, folder, tmp_path / "other.npz", *network), "7 features")
    assert_refused(tool(FID, folder, "digits:30", *network), "99.png", "mode CMYK")
    process = tool(FID, "digits:30", "digits:30", "--inception", tmp_path)
    assert_refused(process, "no Inception network")


def test_metrics_and_comparison(graph, tool):
    network = ["--inception", graph]
    sides = ["digits:180", "digits:190:1"]
    process = tool(FID, *sides, "--metrics", "fid,fid_inf,kid,is,prdc", "--json", *network)
    assert process.returncode == 0, process.stderr
    metrics = json.loads(process.stdout)["metrics"]
    names = ["fid", "fid_inf", "kid", "inception_score"]
    names += ["precision", "recall", "density", "coverage"]
    assert list(metrics) == [f"{name}_unknown" for name in names]

    lines = tool(FID, *sides, "--metrics", "fid,is", *network).stdout.splitlines()
    assert lines[0].startswith(f"fid_unknown {metrics['fid_unknown']['value']:.4f} [")
    assert " ± " in lines[1]
    process = tool(FID, "digits:80", "digits:80", "--metrics", "fid,lpips", *network)
    assert_refused(process, "no metric lpips")

    sides = ["digits:80", "digits:80:2", "--compare", "digits:90:1"]
    comparison = json.loads(tool(FID, *sides, *network, "--json").stdout)
    assert comparison["answer"] in ("yes", "no", "inconclusive")
    assert comparison["low"] < comparison["difference"] < comparison["high"]


def test_unreadable_images_and_the_last_ones_are_left_out_as_other_tools_do(
    folder, graph, tmp_path, tool
):
    network = ["--inception", graph, "--batch-size", 5]
    (folder / "03.png").write_bytes(b"broken")
    assert_refused(tool(FID, folder, "digits:20", *network), "03.png")
    options = ["--skip-unreadable", "--drop-remainder", "--json"]
    process = tool(FID, folder, "digits:20", *network, *options)
    assert "left out: " in process.stderr
    assert "03.png" in process.stderr
    first, second = json.loads(process.stdout)["provenance"]
    assert first["num_images"] == 10
    assert second["num_images"] == 20
    assert [name.rpartition("/")[2] for name in first["skipped"]] == ["03.png"]
    assert "skipped" not in second


@pytest.mark.slow
def test_features_of_different_precision_are_not_compared(folder, graph, tmp_path, tool):
    (folder / "03.png").write_bytes(b"broken")
    options = ["--skip-unreadable", "--inception", graph]
    for precision in ("float32", "bfloat16"):
        output = ["--output", tmp_path / f"{precision}.npz", "--precision", precision]
        assert run(STATS, folder, *output, *options).returncode == 0
    exact = tmp_path / "float32.npz"
    fast = tmp_path / "bfloat16.npz"
    assert_refused(tool(FID, exact, fast), "precision float32", "bfloat16")
    assert tool(FID, exact, fast, "--allow-mixed").stdout.startswith("fid_unknown")
    process = tool(FID, folder, fast, *options, "--allow-mixed")
    assert process.stdout.startswith("fid_unknown")


def test_the_first_images_or_random_ones_are_measured(folder, graph, tmp_path, tool):
    """`--count` and `--sample` take equally many images of each side."""
    first = tmp_path / "first"
    first.mkdir()
    names = sorted(path for path in folder.rglob("*.png"))
    for number, path in enumerate(sorted(names, key=lambda path: path.relative_to(folder).parts)):
        if number < 7:
            (first / f"{number}.png").write_bytes(path.read_bytes())

    def measure(*words):
        process = tool(FID, *words, "--json", "--inception", graph)
        assert process.returncode == 0, process.stderr
        return json.loads(process.stdout)

    expected = measure(first, "digits:7:1")
    counted = measure(folder, "digits:20:1", "--count", 7)
    assert [side["num_images"] for side in counted["provenance"]] == [7, 7]
    assert counted["provenance"][0]["images_digest"] == expected["provenance"][0]["images_digest"]
    assert counted["provenance"][0]["selection"] == f"the first 7 of {len(names)}"
    drawn = [
        measure(folder, "digits:20:1", "--sample", 7, "--seed", seed)["provenance"]
        for seed in (0, 0, 1)
    ]
    digests = [[side["images_digest"] for side in sides] for sides in drawn]
    assert digests[0] == digests[1]
    assert digests[0][0] != digests[2][0]
    assert digests[0][1] != digests[2][1]
    assert {side["num_images"] for sides in drawn for side in sides} == {7}
    for flag in ("--count", "--sample"):
        process = tool(FID, folder, "digits:200", flag, 150, "--inception", graph)
        assert_refused(process, f"has {len(names)} images", "at least 150")


def test_statistics_on_one_side_leave_the_count_to_the_other(folder, graph, tmp_path, tool):
    whole = tmp_path / "whole.npz"
    network = ["--inception", graph]
    assert run(STATS, "digits:64", "--output", whole, *network).returncode == 0
    process = tool(FID, folder, whole, "--count", 5, "--json", *network)
    sides = json.loads(process.stdout)["provenance"]
    assert [side["num_images"] for side in sides] == [5, 64]


def test_compressed_images_against_others_are_a_warning(graph, tmp_path, tool):
    generator = np.random.default_rng(0)
    for suffix in ("png", "jpg", "webp"):
        (tmp_path / suffix).mkdir()
        for number in range(4):
            image = PIL.Image.fromarray(generator.integers(0, 256, (32, 32, 3), np.uint8))
            image.save(tmp_path / suffix / f"{number}.{suffix}")
    png, jpg, webp = (tmp_path / suffix for suffix in ("png", "jpg", "webp"))
    network = ["--inception", graph]
    stored = tmp_path / "stored.npz"
    assert run(STATS, jpg, "--output", stored, *network).returncode == 0
    for sides in ((png, jpg), (jpg, png), (stored, png)):
        process = tool(FID, *sides, *network)
        assert process.returncode == 0, process.stderr
        assert process.stderr.count("JPEG alone moves a distance") == 1
    for sides in ((png, png), (jpg, stored), (png, webp), (png, "digits:9")):
        assert "JPEG" not in tool(FID, *sides, *network).stderr
