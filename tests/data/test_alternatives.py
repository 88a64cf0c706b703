"""Data that may lie in one of several places, and where cards look."""

import pathlib
import shutil

import numpy as np
import pytest
import tensorflow_datasets as tfds

import tf_ttur
from tests.conftest import ROOT
from tf_ttur import config as configs
from tf_ttur import runs
from tf_ttur.commands import main
from tf_ttur.data import alternatives, downloads, sources, text
from tf_ttur.errors import UserError


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """The current folder, which is empty."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def prepare(data_set, size=32):
    """Prepares eight images for a card, where it looks for them."""
    images = np.random.default_rng(0).integers(0, 256, (8, size, size, 3), np.uint8)
    np.save("images.npy", images)
    main(["prepare", data_set, "--input", "images.npy"])
    return images


def test_the_first_place_that_is_there_is_taken(here):
    word = "first | second|tfds:cifar10/train"
    assert alternatives.choose(word) == "tfds:cifar10/train"
    (here / "second").mkdir()
    assert alternatives.choose(word) == "second"
    (here / "first").mkdir()
    assert alternatives.choose(word) == "first"
    assert alternatives.choose(word, earlier="second") == "second"
    (here / "second").rmdir()
    assert alternatives.choose(word, earlier="second") == "first"
    assert alternatives.choose("one") == "one"
    (here / "a|b").mkdir()
    assert alternatives.choose("a|b") == "a|b"


@pytest.mark.parametrize("card", ["cifar10", "wgan_gp_cifar10", "svhn", "images"])
def test_a_card_finds_what_prepare_writes(card, capsys):
    data_set = card.removeprefix("wgan_gp_")
    fallback = configs.settled(configs.load(card)).data.source
    assert fallback != f"data/{data_set}"
    images = prepare(data_set, size=64 if card == "images" else 32)
    assert capsys.readouterr().out.endswith(f" The card {data_set} finds them.\n")
    config = configs.settled(configs.load(card))
    assert config.data.source == f"data/{data_set}"
    opened = sources.open_source(f"config:{card}")
    assert opened.word == f"data/{data_set}"
    np.testing.assert_array_equal(next(opened.in_order(8)), images)


def test_lines_are_found_too(here):
    config = configs.load("billion_word")
    with pytest.raises(UserError, match="neither data/billion_word nor data/1-billion-word"):
        text.open_for_training(config.data)
    (here / "news.en-1").write_text("one line of text\n" * 3, encoding="utf-8")
    main(["prepare", "billion_word", "--input", "."])
    assert configs.settled(config).data.dir == "data/billion_word"
    assert text.open_for_training(config.data).num_lines == 3


def test_images_that_are_nowhere():
    with pytest.raises(UserError, match="neither data/lsun/bedroom_train nor data/lsun"):
        sources.open_source("config:lsun")


def test_a_run_keeps_the_images_that_it_has(here):
    """Also a run of version 0.1.0, whose config names one place."""
    shutil.copytree(ROOT / "tests/runs/dcgan", here / "run")
    run = runs.open_run("run")
    config = run.config.copy_and_resolve_references()
    before = config.data.source
    config.data.source = f"data/cifar10|{before}"
    prepare("cifar10")
    assert configs.settled(config).data.source == "data/cifar10"
    assert run.settled(config).data.source == before
    assert run.differences(config) == []


@pytest.mark.slow  # 10 s
@pytest.mark.usefixtures("one_replica")
def test_a_training_records_the_place(tiny):
    tiny.data.source = "data/cifar10|digits:64"
    tiny.evaluation.every_updates = 0
    tiny.updates = 1
    tf_ttur.train(tiny, "run")
    assert runs.open_run("run").config.data.source == "digits:64"


def test_the_downloads_are_those_of_tensorflow_datasets():
    """Which records the address, size and checksum of what it downloads."""
    recorded = set()
    package = pathlib.Path(tfds.__file__).parent
    for path in [*package.glob("url_checksums/*.txt"), *package.rglob("checksums.tsv")]:
        recorded.update(path.read_text("utf-8").splitlines())
    for download in downloads.DOWNLOADS:
        words = [download.url, str(download.num_bytes), download.sha256, download.file]
        assert "\t".join(words) in recorded
