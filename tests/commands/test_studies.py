"""The commands that draw and judge: each leaves a figure, its numbers and a verdict."""

import json

import numpy as np
import PIL.Image
import pytest

from tests.commands.processes import run
from tests.conftest import assert_refused


def test_curve(workdir, tmp_path):
    process = run("tools/curve.py", workdir, "--output", tmp_path / "curve.png")
    assert process.returncode == 0, process.stderr
    with PIL.Image.open(tmp_path / "curve.png") as image:
        assert image.width > 500
    process = run("tools/curve.py", tmp_path, "--output", tmp_path / "no.png")
    assert_refused(process, "metrics.jsonl")


@pytest.mark.parametrize(
    "arguments, name",
    [
        (["tools/saddle.py", "--runs", 20], "saddle"),
        (["tools/theory.py", "two-time-scale", "--runs", 20], "two-time-scale"),
        (["tools/theory.py", "heavy-ball"], "heavy-ball"),
        (["tools/theory.py", "assumptions"], "assumptions"),
    ],
)
def test_theory_commands_leave_figure_numbers_and_words(arguments, name, tmp_path, tool):
    process = tool(*arguments, "--output", tmp_path)
    assert process.returncode == 0
    assert process.stderr == ""
    [verdict] = process.stdout.splitlines()
    numbers = json.loads((tmp_path / f"{name}.json").read_text(encoding="utf-8"))
    assert numbers["verdict"] == verdict
    assert (tmp_path / f"{name}.md").read_text(encoding="utf-8").startswith(verdict)
    assert (tmp_path / f"{name}.svg").stat().st_size > 10_000
    with PIL.Image.open(tmp_path / f"{name}.png") as image:
        assert image.width > 800


def test_theory_refuses_flags_of_another_part(tmp_path, tool):
    process = tool("tools/theory.py", "heavy-ball", "--run", "x", "--output", tmp_path)
    assert_refused(process, "--run with heavy-ball")


@pytest.mark.slow
def test_a_trained_gan_is_asked_for_its_equilibrium(workdir, tmp_path, tool):
    options = ["--batches", 1, "--count", 1, "--tolerance", 0.1, "--max-products", 20]
    process = tool("tools/nash.py", workdir, "--output", tmp_path, *options)
    assert process.returncode == 0, process.stderr
    verdict = "quickstart-ttur-seed0 after 2 updates: not stationary (by curvature: "
    assert process.stdout.startswith(verdict)
    numbers = json.loads((tmp_path / "nash.json").read_text(encoding="utf-8"))
    assert numbers["path"]["to_update"] == 2
    process = tool("tools/nash.py", workdir, "--output", tmp_path, "--update", 1)
    assert_refused(process, "no checkpoint after 1", "one of 0, 2")

    assumptions = ["tools/theory.py", "assumptions", "--run", workdir, "--output", tmp_path]
    process = tool(*assumptions, "--batches", 4)
    assert process.returncode == 0, process.stderr
    assert "A2" in process.stdout.partition("not hold")[0]
    assert "A3 and A4 were not judged" in process.stdout
    assert_refused(tool(*assumptions), "digits:64 has 64 examples")


def test_disturbances(graph, tmp_path, tool):
    network = ["--inception", graph]
    others = np.random.default_rng(0).integers(0, 256, (5, 40, 40, 3), np.uint8)
    np.save(tmp_path / "others.npy", others)
    disturb = ["tools/disturb.py", "digits:40", *network]
    mixed = ["--mixed-in", tmp_path / "others.npy", "--output", tmp_path / "out"]
    process = tool(*disturb, *mixed)
    assert process.returncode == 0, process.stderr
    assert process.stdout.startswith("fid_unknown rises with every level of ")
    assert list(measured(tmp_path / "out")) == [
        *("gaussian_noise", "blur", "rectangles", "swirl", "salt_and_pepper", "mixed"),
    ]

    one = ["--only", "blur", "--example", "digits:1", "--limit", "published"]
    process = tool(*disturb, *one, "--output", tmp_path / "blur")
    assert process.returncode == 0, process.stderr
    assert list(measured(tmp_path / "blur")) == ["blur"]


def measured(folder):
    """The numbers of each disturbance in a folder that the command wrote."""
    numbers = json.loads((folder / "disturb.json").read_text(encoding="utf-8"))
    return numbers["disturbances"]


def test_disturb_puts_transparent_images_on_a_colour(graph, tmp_path, tool):
    """The refusal names --background, and the command has it, for all its sources."""
    images = np.random.default_rng(0).integers(0, 256, (12, 40, 40, 4), np.uint8)
    (tmp_path / "images").mkdir()
    for number, image in enumerate(images):
        PIL.Image.fromarray(image).save(tmp_path / "images" / f"{number}.png")
    disturb = ["tools/disturb.py", tmp_path / "images", "--inception", graph]
    disturb += ["--mixed-in", tmp_path / "images", "--example", tmp_path / "images"]
    disturb += ["--only", "blur", "mixed", "--output", tmp_path / "out"]
    assert_refused(tool(*disturb), "mode RGBA", "--background")
    process = tool(*disturb, "--background", "white")
    assert process.returncode == 0, process.stderr
    assert list(measured(tmp_path / "out")) == ["blur", "mixed"]


def test_disturb_refuses_what_cannot_be_disturbed(graph, tmp_path, tool):
    output = ["--output", tmp_path / "out"]
    network = ["--inception", graph]
    process = tool("tools/disturb.py", "digits:40", "--example", "nothing", *network, *output)
    assert_refused(process, "nothing does not exist")
    process = tool("tools/disturb.py", "digits:40", "--only", "fog", *output)
    assert_refused(process, "no disturbance fog")
    process = tool("tools/disturb.py", "digits:5", *network, *output)
    assert_refused(process, "5 images", "10")
