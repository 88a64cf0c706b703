import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys

import lmdb
import numpy as np
import PIL.Image
import pytest
import scipy.io

from tests.conftest import ROOT, assert_refused
from tests.data.published import (
    batches,
    encoded,
    python_2_pickle,
    write_folder,
    write_lmdb,
    write_tar,
)
from tf_ttur import config as configs
from tf_ttur.data import prepare, sources
from tf_ttur.data.images import Images
from tf_ttur.errors import UserError
from tf_ttur.training import evaluation


@pytest.fixture(autouse=True)
def small_batches(monkeypatch):
    monkeypatch.setattr(prepare, "_BATCH", 4)


@pytest.fixture
def photos(tmp_path):
    """A folder of 14 photographs, 218 pixels high and 178 wide, as CelebA's."""
    (tmp_path / "img_align_celeba").mkdir()
    for number, small in enumerate(
        np.random.default_rng(0).integers(0, 256, (14, 22, 18, 3), np.uint8)
    ):
        PIL.Image.fromarray(small).resize((178, 218)).save(
            tmp_path / f"img_align_celeba/{number:06}.jpg"
        )
    return tmp_path / "img_align_celeba"


def content(folder):
    return {file.name: file.read_bytes() for file in folder.iterdir()}


@pytest.fixture
def interrupt(monkeypatch):
    """Makes the next preparation end after some batches, as Ctrl-C would end it; the one after that
    is not disturbed.
    """
    add = prepare._Partial.add

    def interrupt(batches):
        left = [batches]

        def add_or_end(self, images, counts):
            if not left[0]:
                monkeypatch.setattr(prepare._Partial, "add", add)
                self._file.write(b"half a batch")
                raise KeyboardInterrupt
            left[0] -= 1
            add(self, images, counts)

        monkeypatch.setattr(prepare._Partial, "add", add_or_end)

    return interrupt


# What is made


def test_prepared_images_are_those_of_the_recipe(photos, tmp_path):
    record = prepare.prepare("celeba", photos, tmp_path / "celeba")
    [wanted] = Images(str(photos), 64, "108").in_order(14)
    np.testing.assert_array_equal(np.load(tmp_path / "celeba/images.npy"), wanted)
    np.save(tmp_path / "wanted.npy", wanted)
    assert content(tmp_path / "celeba")["images.npy"] == (tmp_path / "wanted.npy").read_bytes()
    total = sum(int(hashlib.sha256(image.tobytes()).hexdigest(), 16) for image in wanted)
    assert record["images_digest"] == f"{total % 2**256:064x}"
    assert record == json.loads(content(tmp_path / "celeba")["prepared.json"])
    assert (
        record["data_set"],
        record["crop"],
        record["size"],
        record["read"],
        record["num_images"],
    ) == ("celeba", "108", 64, 14, 14)
    assert (
        record["source"] == str(photos)
        and record["skipped"] == []
        and "tensorflow" in record["versions"]
    )
    assert sorted(os.listdir(tmp_path)) == ["celeba", "img_align_celeba", "wanted.npy"]


def test_recipes_of_the_data_sets(photos, tmp_path):
    assert prepare.DATA_SETS == {
        "celeba": ("108", 64, 202_599),
        "lsun": ("square", 64, 3_033_042),
        "svhn": ("none", 32, 73_257),
        "cifar10": ("none", 32, 50_000),
        "images": ("square", 64, None),
    }
    for name in prepare.DATA_SETS:
        card = configs.load(str(ROOT / f"configs/{name}.py"))
        assert prepare.DATA_SETS[name][:2] == (card.data.crop, card.data.image_size)
    record = prepare.prepare("lsun", photos, tmp_path / "lsun", crop="150", size=16)
    assert (record["crop"], record["size"]) == ("150", 16)
    [wanted] = Images(str(photos), 16, "150").in_order(14)
    np.testing.assert_array_equal(np.load(tmp_path / "lsun/images.npy"), wanted)


def test_a_source_that_is_only_read_in_order(tmp_path, interrupt, monkeypatch):
    source = sources.open_source("digits:30")
    stream = sources.Source("stream", 30, "identity", stream=source.in_order, shape=(32, 32))
    monkeypatch.setattr(sources, "open_source", lambda word, **_: stream)
    interrupt(3)
    with pytest.raises(KeyboardInterrupt):
        prepare.prepare("svhn", "stream", tmp_path / "svhn")
    prepare.prepare("svhn", "stream", tmp_path / "svhn")
    np.testing.assert_array_equal(
        np.load(tmp_path / "svhn/images.npy"), list(source.in_order().as_numpy_iterator())
    )


# What happens when it is interrupted


@pytest.mark.parametrize("every_seconds", [0, 1000])
def test_interrupted_by_ctrl_c(photos, tmp_path, interrupt, monkeypatch, every_seconds):
    prepare.prepare("celeba", photos, tmp_path / "whole")
    monkeypatch.setattr(prepare, "_EVERY_SECONDS", every_seconds)
    for _ in range(2):
        interrupt(1)
        with pytest.raises(KeyboardInterrupt):
            prepare.prepare("celeba", photos, tmp_path / "celeba")
        assert not (tmp_path / "celeba").exists()
    assert json.loads(content(tmp_path / "celeba.partial")["prepared.json"])["read"] == 8
    prepare.prepare("celeba", photos, tmp_path / "celeba")
    assert (
        content(tmp_path / "celeba") == content(tmp_path / "whole")
        and not (tmp_path / "celeba.partial").exists()
    )


def test_killed_at_any_time(photos, tmp_path, monkeypatch):
    """From each state that a killed process leaves on disk, with what it wrote after its last
    record.
    """
    prepare.prepare("celeba", photos, tmp_path / "whole")
    monkeypatch.setattr(prepare, "_EVERY_SECONDS", 0)
    states = []
    write_record = prepare._Partial._write_record

    def write_and_copy(self):
        write_record(self)
        states.append(tmp_path / f"state {len(states)}")
        shutil.copytree(self._folder, states[-1])

    with monkeypatch.context() as patch:
        patch.setattr(prepare._Partial, "_write_record", write_and_copy)
        prepare.prepare("celeba", photos, tmp_path / "celeba")
    assert len(states) == 6  # at the start, after each of four batches, at the end
    for state in states:
        shutil.rmtree(tmp_path / "celeba")
        state.rename(tmp_path / "celeba.partial")
        with open(tmp_path / "celeba.partial/images.npy", "ab") as images:
            images.write(b"half a batch")
        (tmp_path / "celeba.partial/.prepared.json.abc").write_text("half a rec", encoding="utf-8")
        prepare.prepare("celeba", photos, tmp_path / "celeba")
        assert content(tmp_path / "celeba") == content(tmp_path / "whole")


def test_sigkill(photos, tmp_path):
    prepare.prepare("celeba", photos, tmp_path / "whole")
    code = (
        "import os, sys; from tf_ttur.data import prepare\n"
        "prepare._BATCH, prepare._EVERY_SECONDS = 4, 0\n"
        "keep = prepare._Partial._keep\n"
        "def kill(self): keep(self); self.record['num_images'] > 4 and os.kill(os.getpid(), 9)\n"
        "prepare._Partial._keep = kill; prepare.prepare('celeba', *sys.argv[1:])"
    )
    command = [sys.executable, "-c", code, str(photos), str(tmp_path / "celeba")]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    assert subprocess.run(command, env=environment, timeout=300).returncode == -signal.SIGKILL
    assert json.loads(content(tmp_path / "celeba.partial")["prepared.json"])["read"] == 8
    prepare.prepare("celeba", photos, tmp_path / "celeba")
    assert content(tmp_path / "celeba") == content(tmp_path / "whole")


def test_one_process_at_a_time(photos, tmp_path, interrupt):
    interrupt(1)
    with pytest.raises(KeyboardInterrupt):
        prepare.prepare("celeba", photos, tmp_path / "celeba")
    record = json.loads(content(tmp_path / "celeba.partial")["prepared.json"])
    with (
        prepare._Partial(tmp_path / "celeba.partial", record, 14, False),
        pytest.raises(UserError, match="another process"),
    ):
        prepare.prepare("celeba", photos, tmp_path / "celeba")


def test_no_room(photos, tmp_path, monkeypatch):
    monkeypatch.setattr(
        prepare.shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(1, 1, 14 * 64 * 64 * 3 - 1)
    )
    with pytest.raises(UserError, match="has room for"):
        prepare.prepare("celeba", photos, tmp_path / "celeba")


# Images that cannot be read


def spoil(photos):
    """Numbers of images that are cut off, empty, transparent, or no image."""
    (photos / "000000.jpg").write_bytes((photos / "000000.jpg").read_bytes()[:500])
    (photos / "000005.jpg").write_bytes(b"")
    PIL.Image.new("RGBA", (178, 218)).save(photos / "000006.jpg", "PNG")
    (photos / "000013.jpg").write_bytes(b"<html>not found</html>")
    return [0, 5, 6, 13]


def test_the_first_unreadable_image_is_named(photos, tmp_path):
    spoil(photos)
    (photos / "000000.jpg").unlink()
    with pytest.raises(UserError, match=r"000005.jpg cannot be decoded"):
        prepare.prepare("celeba", photos, tmp_path / "celeba")
    assert not (tmp_path / "celeba").exists()
    record = prepare.prepare(
        "celeba", photos, tmp_path / "celeba", skip_unreadable=True
    )  # resumes there
    assert record["num_images"] == 10


def test_unreadable_images_are_left_out(photos, tmp_path, capsys):
    bad = spoil(photos)
    record = prepare.prepare("celeba", photos, tmp_path / "celeba", skip_unreadable=True)
    assert (
        record["skipped"] == [str(photos / f"{number:06}.jpg") for number in bad]
        and record["read"] == 14
    )
    errors = capsys.readouterr().err
    for name in record["skipped"]:
        assert f"left out: {name} " in errors
        os.unlink(name)
    [wanted] = Images(str(photos), 64, "108").in_order(14)
    np.testing.assert_array_equal(np.load(tmp_path / "celeba/images.npy"), wanted)
    assert sources.open_source(tmp_path / "celeba").num_images == 10


def test_leaving_out_is_the_same_after_an_interruption(photos, tmp_path, interrupt):
    spoil(photos)
    prepare.prepare("celeba", photos, tmp_path / "whole", skip_unreadable=True)
    for done in (0, 2):
        output = tmp_path / f"after {done}"
        interrupt(done)
        with pytest.raises(KeyboardInterrupt):
            prepare.prepare("celeba", photos, output, skip_unreadable=True)
        with pytest.raises(
            UserError, match=r"leaves out . images?, the first of them .*000000.jpg"
        ):
            prepare.prepare("celeba", photos, output)
        prepare.prepare("celeba", photos, output, skip_unreadable=True)
        assert content(output) == content(tmp_path / "whole")
    with pytest.raises(UserError, match="leaves out 4 images"):
        prepare.prepare("celeba", photos, output)


def test_images_of_a_wrong_size_are_not_left_out(photos, tmp_path):
    PIL.Image.new("RGB", (100, 100)).save(photos / "000012.jpg")
    with pytest.raises(UserError, match=r"000012.jpg has 100x100 pixels"):
        prepare.prepare("celeba", photos, tmp_path / "celeba", skip_unreadable=True)


def test_no_image_can_be_read(tmp_path):
    write_folder(tmp_path / "photos", {"0.png": b"", "1.png": b""})
    for _ in range(2):
        with pytest.raises(UserError, match="no image that can be read"):
            prepare.prepare("lsun", tmp_path / "photos", tmp_path / "lsun", skip_unreadable=True)


# Folders that are there already


def test_a_finished_one_is_left_as_it_is(photos, tmp_path, monkeypatch, capsys):
    first = prepare.prepare("celeba", photos, tmp_path / "celeba")
    times = [file.stat().st_mtime_ns for file in (tmp_path / "celeba").iterdir()]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(prepare.files, "version", lambda _: "another")
    assert prepare.prepare("celeba", "img_align_celeba", "celeba") == first
    assert "is there already" in capsys.readouterr().err
    assert [file.stat().st_mtime_ns for file in (tmp_path / "celeba").iterdir()] == times
    with open("celeba/images.npy", "r+b") as images:
        images.truncate(10_000)
    with pytest.raises(UserError, match="cannot be read"):
        prepare.prepare("celeba", "img_align_celeba", "celeba")


def test_folders_of_another_recipe_or_of_something_else(photos, tmp_path, interrupt):
    interrupt(2)
    with pytest.raises(KeyboardInterrupt):
        prepare.prepare("celeba", photos, tmp_path / "begun")
    prepare.prepare("celeba", photos, tmp_path / "done")
    (tmp_path / "empty").mkdir()
    prepare.prepare("celeba", photos, tmp_path / "empty")
    others = shutil.copytree(photos, tmp_path / "others")
    before = content(tmp_path / "begun.partial"), content(tmp_path / "done")
    for name, place in (("begun", tmp_path / "begun.partial"), ("done", tmp_path / "done")):
        for arguments, word in [
            (("lsun", photos, tmp_path / name), "with data_set celeba"),
            (("celeba", photos, tmp_path / name, "100"), "with crop 108"),
            (("celeba", photos, tmp_path / name, None, 32), "with size 64"),
            (("celeba", str(others), tmp_path / name), "from another source"),
        ]:
            with pytest.raises(UserError, match=f"{place} was made {word}"):
                prepare.prepare(*arguments)
    assert before == (content(tmp_path / "begun.partial"), content(tmp_path / "done"))
    write_folder(tmp_path / "x.partial", {"images.npy": b"mine"})
    write_folder(tmp_path / "y", {"prepared.json": b"[]"})
    for output in (photos, photos / "000000.jpg", tmp_path / "x", tmp_path / "y"):
        with pytest.raises(UserError, match=r"holds other things|record of tf-ttur prepare"):
            prepare.prepare("celeba", photos, output)
    assert content(tmp_path / "x.partial") == {"images.npy": b"mine"}


def test_a_mistake_leaves_nothing(photos, tmp_path):
    with pytest.raises(UserError, match="at least the 500"):
        prepare.prepare("celeba", photos, tmp_path / "celeba", "500")
    prepare.prepare("celeba", photos, tmp_path / "celeba", "100")
    assert not (tmp_path / "celeba.partial").exists()


# How prepared images are read


def test_a_prepared_folder_stands_in_for_its_source(photos, tmp_path):
    prepare.prepare("celeba", photos, tmp_path / "celeba")
    card = configs.load(str(ROOT / "configs/celeba.py"))
    card.data.source = str(tmp_path / "celeba")
    prepared, raw = evaluation.open_examples(card), Images(str(photos), 64, "108")
    assert prepared.preparation == raw.preparation and prepared.shape == (64, 64, 3)
    for images in (
        prepared,
        Images(str(tmp_path / "celeba"), 64),
        Images(str(tmp_path / "celeba")),
    ):
        assert images.identity == prepared.identity
        np.testing.assert_array_equal(
            np.concatenate(list(images.in_order(7))), next(raw.in_order(14))
        )
    seed = np.array([1, 2], np.int32)
    for memory_gib in (0.0, 1.0):
        images = Images(str(tmp_path / "celeba"), 64, "108", memory_gib)
        for first, second in zip(
            images.batches(seed, 0, 1, 8).take(4), raw.batches(seed, 0, 1, 8).take(4), strict=True
        ):
            np.testing.assert_array_equal(first, second)
    (tmp_path / "celeba").rename(tmp_path / "moved")
    assert Images(str(tmp_path / "moved")).identity == prepared.identity


def test_another_recipe_than_that_of_the_config(photos, tmp_path):
    prepare.prepare("celeba", photos, tmp_path / "celeba")
    for size, crop in [(64, "100"), (64, "square"), (32, "108"), (32, "none")]:
        words = rf"crop 108 and size 64\n.*crop {crop} .* size {size} .*\n.*config.data.crop=none"
        with pytest.raises(UserError, match=f"with {words}"):
            Images(str(tmp_path / "celeba"), size, crop)


def test_damaged_prepared_folders(photos, tmp_path):
    prepare.prepare("celeba", photos, tmp_path / "celeba")
    whole = content(tmp_path / "celeba")
    for name, damaged in [
        ("images.npy", whole["images.npy"][:-1]),
        ("images.npy", b""),
        ("prepared.json", whole["prepared.json"][:-20]),
        ("prepared.json", whole["prepared.json"].replace(b'"num_images": 14', b'"num_images": 15')),
        ("prepared.json", b"{}"),
        ("prepared.json", b"[]"),
    ]:
        (tmp_path / "celeba" / name).write_bytes(damaged)
        with pytest.raises(UserError, match=r"celeba cannot be read|celeba holds uint8"):
            sources.open_source(tmp_path / "celeba")
        (tmp_path / "celeba" / name).write_bytes(whole[name])
    sources.open_source(tmp_path / "celeba")


# The command line


def test_every_data_set_by_the_tool(photos, tmp_path, tool):
    digits = np.random.default_rng(0).integers(0, 256, (20, 32, 32, 3), np.uint8)
    scipy.io.savemat(tmp_path / "train_32x32.mat", {"X": digits.transpose(1, 2, 3, 0)})
    write_tar(tmp_path / "cifar-10-python.tar.gz", batches(digits, python_2_pickle, ""))
    write_lmdb(
        tmp_path / "bedroom_train_lmdb",
        {b"%d" % number: encoded(np.tile(image, (3, 4, 1))) for number, image in enumerate(digits)},
    )
    for name, source, count, size, crop in [
        ("celeba", photos, 14, 64, "108 or none"),
        ("lsun", tmp_path / "bedroom_train_lmdb", 20, 64, "square or none"),
        ("svhn", tmp_path / "train_32x32.mat", 20, 32, "none"),
        ("cifar10", tmp_path / "cifar-10-python.tar.gz", 20, 32, "none"),
    ]:
        output = tmp_path / f"made/{name}"
        command = ["tools/prepare_data.py", name, "--input", source, "--output", output]
        if name == "cifar10":
            assert_refused(tool(*command), "pickles", "--trust-pickle")
            command.append("--trust-pickle")
        process = tool(*command)
        assert process.returncode == 0, process.stderr
        record = json.loads((output / "prepared.json").read_text(encoding="utf-8"))
        assert process.stdout == (
            f"{output}: {count} images of {size}x{size} pixels, digest {record['images_digest']}. "
            f"Train on them with --config.data.source={output}, where config.data.crop is {crop}.\n"
        )
        assert f"the {name} of the paper has " in process.stderr
        again = tool(*command)
        assert again.stdout == process.stdout and "is there already" in again.stderr
    np.testing.assert_array_equal(np.load(tmp_path / "made/svhn/images.npy"), digits)
    np.testing.assert_array_equal(np.load(tmp_path / "made/cifar10/images.npy"), digits)


def test_mistakes_at_the_command_line(photos, tmp_path, tool):
    command = ["tools/prepare_data.py", "celeba", "--output", tmp_path / "x", "--input"]
    assert_refused(tool(*command, tmp_path / "nothing"), "does not exist")
    assert_refused(tool(*command, photos, "--crop", "none"), "has 178x218 pixels", "64x64")
    for arguments in (["--crop", "0"], ["--crop", "wide"], ["--size", "0"]):
        process = tool(*command, photos, *arguments)
        assert process.returncode == 2 and "usage:" in process.stderr
    assert (
        tool(
            "tools/prepare_data.py", "imagenet", "--input", photos, "--output", tmp_path / "x"
        ).returncode
        == 2
    )
    spoil(photos)
    assert_refused(tool(*command, photos), "000000.jpg cannot be decoded")
    process = tool(*command, photos, "--skip-unreadable")
    assert (
        process.returncode == 0
        and "10 images (4 left out)" in process.stdout
        and process.stderr.count("left out: ") == 4
    )
    command = [
        "tools/prepare_data.py",
        "billion_word",
        "--input",
        photos,
        "--output",
        tmp_path / "y",
    ]
    assert_refused(tool(*command, "--size", 32), "option for images")
    assert not (tmp_path / "y").exists()


def test_billion_word_by_the_tool(tmp_path, tool):
    write_folder(tmp_path / "shards", {"news.en-00001-of-00100": b"one line\nanother line\n"})
    process = tool(
        "tools/prepare_data.py",
        "billion_word",
        "--input",
        tmp_path / "shards",
        "--output",
        tmp_path / "made",
    )
    assert process.returncode == 0 and len(process.stdout.splitlines()) == 1, process.stderr


def test_a_damaged_lmdb_by_the_tool(tmp_path, tool):
    images = np.random.default_rng(0).integers(0, 256, (9, 40, 40, 3), np.uint8)
    images = {b"%d" % number: encoded(image) for number, image in enumerate(images)}
    write_lmdb(tmp_path / "lmdb", images | {b"4": images[b"4"][:100]})
    command = [
        "tools/prepare_data.py",
        "lsun",
        "--input",
        tmp_path / "lmdb",
        "--output",
        tmp_path / "made",
    ]
    assert_refused(tool(*command), "lmdb:4 cannot be decoded")
    process = tool(*command, "--skip-unreadable")
    assert (
        process.stdout.startswith(f"{tmp_path}/made: 8 images (1 left out)")
        and "resuming after 4 images" in process.stderr
    )
    assert json.loads((tmp_path / "made/prepared.json").read_text(encoding="utf-8"))["skipped"] == [
        f"{tmp_path}/lmdb:4"
    ]
    with lmdb.open(str(tmp_path / "lmdb")) as database, database.begin(write=True) as transaction:
        transaction.put(b"4", images[b"4"])
    assert_refused(tool(*command), "lmdb has changed since")


def test_shards_of_other_names(tmp_path, tool):
    (tmp_path / "shards").mkdir()
    (tmp_path / "shards/heldout-a.txt").write_text("one line\nanother\n", encoding="utf-8")
    command = [
        "tools/prepare_data.py",
        "billion_word",
        "--input",
        tmp_path / "shards",
        "--output",
        tmp_path / "made",
    ]
    assert_refused(tool(*command), "heldout-a.txt")
    assert tool(*command, "--files", "heldout-*").stdout.startswith("2 lines of 32 characters")
