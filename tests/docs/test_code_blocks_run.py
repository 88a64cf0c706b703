"""The blocks of Python run, those of a page in one session; marked command lines run and print
what the page says.
"""

import itertools
import os
import re
import subprocess
import sys

import numpy as np
import PIL.Image
import pytest

from tests.conftest import ROOT
from tests.docs import blocks, test_code_blocks
from tests.docs.notebook import NOTEBOOKS
from tests.metrics import mini_inception

pytestmark = pytest.mark.slow  # 2 minutes

# What a page takes as given: your own images, networks and files.
_NETWORKS = """
import keras, numpy as np, tensorflow as tf, tf_ttur
from tf_ttur import metrics

generator = keras.Sequential([
    keras.Input((128,)), keras.layers.Dense(32 * 32 * 3, "tanh"), keras.layers.Reshape((32, 32, 3))
])
discriminator = keras.Sequential([
    keras.Input((32, 32, 3)), keras.layers.Flatten(), keras.layers.Dense(1)
])
images, photographs, generated, others = np.random.default_rng(0).integers(
    0, 256, (4, 64, 32, 32, 3), np.uint8
)
metrics.compute_statistics(images).save("stats.npz")
"""
_EXPORTS = """
from tf_ttur.commands import main

main("train --config quickstart --workdir run --config.updates=1 --config.data.source=digits:64"
     " --config.evaluation.every_updates=0 --config.model.width=8".split())
main("export run --output exported/svhn".split())
main("export run --format tflite --output svhn.tflite".split())
main("export run --format onnx --output svhn.onnx".split())
"""
_SETUP = {
    "README.md": _NETWORKS,
    "docs/data.md": "import tensorflow as tf\nIMAGES = tf.zeros((8, 4, 4, 3), tf.uint8)",
    "docs/exporting.md": _EXPORTS,
    "docs/measure.md": _NETWORKS,
    "docs/metrics.md": _NETWORKS
    + """
gan = tf_ttur.keras.TwoTimeScaleGAN(generator, discriminator, latent_size=128)
gan.compile(keras.optimizers.Adam(), keras.optimizers.Adam())
""",
}
# The same calls with fewer images, and with the small network.
_SMALLER = {
    "50_000": "64",
    "10_000": "64",
    "epochs=100": "epochs=1",
    "tfds:cifar10/train": "photos/",
    '["fid"]': '["fid_unknown"]',
}
TTUR = [sys.executable, "-m", "tf_ttur"]
_OF_THEIR_OWN = {blocks.name(page) for page in NOTEBOOKS}  # test_notebook.py runs them


def is_run(block):
    return block.language == "python" and not block.mark.startswith("not run")


def pages_to_run():
    pages = [page for page in blocks.PAGES if any(map(is_run, blocks.of_page(page)))]
    return [page for page in pages if blocks.name(page) not in _OF_THEIR_OWN]


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder with images, and a network for features that takes moments."""
    for name in ("samples", "photos"):
        (tmp_path / name).mkdir()
        random = np.random.default_rng(len(name))
        for number in range(64):
            image = random.integers(0, 256, (32, 32, 3), np.uint8)
            PIL.Image.fromarray(image).save(tmp_path / name / f"{number:02}.png")
    (tmp_path / "network.pb").write_bytes(mini_inception.graph_bytes())
    monkeypatch.setenv("TF_TTUR_INCEPTION", str(tmp_path / "network.pb"))
    return tmp_path


def run(folder, command):
    """What a command prints on both streams."""
    process = subprocess.run(
        command,
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.returncode == 0, process.stdout
    return process.stdout


@pytest.mark.parametrize("page", pages_to_run(), ids=blocks.name)
def test_the_python_of_a_page_runs(place, page):
    code = [block.text for block in blocks.of_page(page) if is_run(block)]
    text = "\n".join([_SETUP.get(blocks.name(page), ""), *code])
    for large, small in _SMALLER.items():
        text = text.replace(large, small)
    (place / "page.py").write_text(text, encoding="utf-8")
    run(place, [sys.executable, "page.py"])


def marked():
    """[the marked blocks of sh, each with the text that it prints, or None]."""
    found = []
    for page in blocks.PAGES:
        of_page = blocks.of_page(page)
        for block, after in itertools.pairwise([*of_page, None]):
            if block.mark == "run":
                printed = after.text if after and after.mark == "printed" else None
                found.append(pytest.param(block, printed, id=blocks.name(page)))
    return found


def without_numbers(text):
    return re.sub(r"-?\d[\d.,:]*", "#", text)


@pytest.mark.parametrize("block, printed", marked())
def test_a_marked_command_prints_what_the_page_says(place, block, printed):
    said = ""
    for words in test_code_blocks.lines(block):
        assert words[0] == "tf-ttur", words
        said += run(place, [*TTUR, *words[1:]])
    if printed is not None:
        assert without_numbers(said) == without_numbers(printed)


README = ROOT / "README.md"


def printed_in_the_readme(start):
    """The lines of the block of text that begins like this, without their numbers."""
    [text] = [b.text for b in blocks.of_page(README) if b.text.startswith(start)]
    return without_numbers(text).splitlines()


def test_the_quickstart_prints_what_the_readme_says(tmp_path, monkeypatch):
    """The commands of `make quickstart` with three updates, and without internet."""
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    train = ["train", "--config", "quickstart", "--config.updates=3"]
    said = run(tmp_path, [*TTUR, *train, "--config.evaluation.every_updates=1"])
    folder = "runs/quickstart-ttur-seed0"
    said += run(tmp_path, [*TTUR, "report", folder, "--output", f"{folder}/report"])
    progress = re.compile(r"# of # .* left: ")
    said = [line for line in without_numbers(said).splitlines() if not progress.match(line)]
    echo, *expected = printed_in_the_readme(".venv/bin/tf-ttur")
    assert echo.removeprefix(".venv/bin/tf-ttur ") == " ".join(train[:3])
    assert said == expected


def test_the_distance_of_two_folders_is_printed_as_the_readme_says(place):
    """By the small network, of as many images as it has features."""
    for path in place.glob("*/*.png"):
        if int(path.stem) >= 20:
            path.unlink()
    said = run(place, [*TTUR, "fid", "samples/", "photos/"]).replace("fid_unknown", "fid_stand_in")
    assert without_numbers(said).splitlines() == printed_in_the_readme("warning: samples/")
