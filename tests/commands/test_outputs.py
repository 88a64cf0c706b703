"""What every command refuses to write, before it does anything else."""

import numpy as np
import PIL.Image
import pytest

from tests.commands.processes import run
from tests.conftest import assert_refused
from tf_ttur import commands

# {command: (what it needs besides its output, the flag of the output)}. None of the inputs exists:
# where the output is refused, nothing else has been looked at.
WRITE_FOLDERS = {
    "train": (["--config", "quickstart"], "--workdir"),
    "prepare": (["svhn", "--input", "digits:30"], "--output"),
    "export": (["nowhere"], "--output"),
    "sample": (["nowhere"], "--output"),
    "saddle": ([], "--output"),
    "theory": (["heavy-ball"], "--output"),
    "disturb": (["nowhere"], "--output"),
    "nash": (["nowhere"], "--output"),
    "report": (["nowhere"], "--output"),
    "study": (["quickstart"], "--output"),
    "search": (["quickstart", "--rates", "1e-4"], "--output"),
}
WRITE_FILES = {
    "stats": (["nowhere"], ".npz"),
    "merge-stats": (["nowhere.npz"], ".npz"),
    "curve": (["nowhere"], ".png"),
}
WRITE_NOTHING = {"fid", "list", "verify", "benchmark"}


@pytest.fixture
def call(tool, monkeypatch, tmp_path):
    """A function that runs a command in an empty folder and asserts that it leaves it so."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "file").write_text("a file", encoding="utf-8")
    (tmp_path / "folder").mkdir()
    for name in ("foreign.npz", "foreign.png"):
        (tmp_path / name).write_text("of somebody else", encoding="utf-8")
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}

    def call(command, *words):
        monkeypatch.setattr(commands, "arguments", lambda: [command, *words])
        process = tool("tf_ttur/__main__.py")
        assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before
        return process

    return call


def test_the_tables_hold_every_command():
    assert {*WRITE_FOLDERS, *WRITE_FILES, *WRITE_NOTHING} == set(commands.COMMANDS)


@pytest.mark.parametrize(
    "word, message",
    [
        ("", "is empty"),
        ("gs://bucket/run", "on this machine"),
        ("s3://bucket/run", "on this machine"),
        ("file", "is a file"),
        ("~/file", "is a file"),
        ("file/below", "which is a file"),
    ],
)
@pytest.mark.parametrize("command", WRITE_FOLDERS)
def test_folders_that_are_refused(call, command, word, message):
    inputs, flag = WRITE_FOLDERS[command]
    assert_refused(call(command, *inputs, flag, word), message)


@pytest.mark.parametrize(
    "word, message",
    [
        ("", "--output is empty"),
        ("gs://bucket/a", "on this machine"),
        ("folder", "is a folder"),
        ("folder/", "is a folder"),
        ("~/folder", "is a folder"),
        ("foreign{suffix}", "--overwrite"),
        ("~/foreign{suffix}", "--overwrite"),
        ("file/a{suffix}", "which is a file"),
    ],
)
@pytest.mark.parametrize("command", WRITE_FILES)
def test_files_that_are_refused(call, command, word, message):
    inputs, suffix = WRITE_FILES[command]
    assert_refused(call(command, *inputs, "--output", word.format(suffix=suffix)), message)


def photos(folder, count=12):
    """A folder of PNG files, and an array of the same images."""
    folder.mkdir()
    images = np.random.default_rng(0).integers(0, 256, (count, 32, 32, 3), np.uint8)
    for number, image in enumerate(images):
        PIL.Image.fromarray(image).save(folder / f"{number:02}.png")
    return images


@pytest.mark.slow
def test_images_are_not_replaced_by_their_statistics(graph, tmp_path, tool, monkeypatch):
    stats = "tools/precalc_stats.py"
    monkeypatch.chdir(tmp_path)
    images = photos(tmp_path / "photos")
    np.savez("images.npz", images=images)
    before = (tmp_path / "images.npz").read_bytes()
    assert_refused(tool(stats, "images.npz", "--output", "images.npz"), "is the source")
    assert_refused(tool(stats, "images.npz", "--output", "images"), "is the source")
    assert_refused(
        tool(stats, "images.npz", "--output", "./images.npz", "--overwrite"), "is the source"
    )
    assert_refused(tool(stats, "photos", "--output", "images.npz"), "--overwrite")
    assert (tmp_path / "images.npz").read_bytes() == before

    # With the suffix that is missing, the output is an input of `fid`.
    network = ["--inception", graph]
    process = run(stats, "photos", "--output", "faces", *network, cwd=tmp_path)
    assert process.stdout == "faces.npz\n"
    assert "writing faces.npz" in process.stderr
    # A statistics file of this project may be replaced, another file on demand.
    for output in (["faces.npz"], ["images.npz", "--overwrite"]):
        process = run(stats, "photos", "--output", *output, *network, cwd=tmp_path)
        assert process.returncode == 0, process.stderr
    assert (tmp_path / "images.npz").read_bytes() == (tmp_path / "faces.npz").read_bytes()
    assert not list(tmp_path.glob("*.partial"))


def test_only_a_curve_is_replaced_by_a_curve(workdir, tmp_path, tool):
    curve = "tools/curve.py"
    for suffix in ("png", "svg"):
        path = tmp_path / f"curve.{suffix}"
        path.write_text("a photo", encoding="utf-8")
        assert_refused(tool(curve, workdir, "--output", path), "--overwrite")
        assert tool(curve, workdir, "--output", path, "--overwrite").returncode == 0
        assert tool(curve, workdir, "--output", path).returncode == 0
    photo = tmp_path / "photo.png"
    PIL.Image.new("RGB", (8, 8)).save(photo)
    assert_refused(tool(curve, workdir, "--output", photo), "--overwrite")
