"""Words and the sources that they name."""

import pathlib
import zipfile

import numpy as np
import PIL.Image
import pytest
import tensorflow as tf

from tests.data.published import write_lmdb
from tf_ttur import registry, runs
from tf_ttur.data import prepare, sources
from tf_ttur.data.exported import Exported
from tf_ttur.data.images import Images, open_images
from tf_ttur.data.sources import arrays
from tf_ttur.errors import UserError


def refused(word, *words, **options):
    with pytest.raises(UserError) as refusal:
        sources.open_source(word, **options)
    for wanted in (str(word), *words):
        assert wanted in str(refusal.value)


def test_links_are_followed(folder, tmp_path):
    (tmp_path / "linked").mkdir()
    (tmp_path / "linked/part").symlink_to(folder)
    assert sources.open_source(str(tmp_path / "linked")).num_images == 12


def test_folder_is_read_in_sorted_order(folder):
    source = sources.open_source(str(folder))
    assert source.num_images == 12
    read = np.stack(list(source.in_order().as_numpy_iterator()))
    names = sorted(folder.rglob("*.png"))
    np.testing.assert_array_equal(read, [np.asarray(PIL.Image.open(name)) for name in names])
    np.testing.assert_array_equal(source.read(tf.constant(3, tf.int64)), read[3])


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_zip_equals_folder(folder, tmp_path, compression):
    with zipfile.ZipFile(tmp_path / "images.zip", "w", compression) as archive:
        for file in folder.rglob("*"):
            archive.write(file, file.relative_to(folder))
    from_zip, from_folder = (
        np.concatenate(list(Images(str(word)).in_order(5)))
        for word in (tmp_path / "images.zip", folder)
    )
    np.testing.assert_array_equal(from_zip, from_folder)


def test_arrays(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (5, 8, 8, 3), np.uint8)
    np.savez(tmp_path / "one.npz", anything=images)
    np.savez(tmp_path / "two.npz", images=images, labels=np.arange(5))
    for name in ("one.npz", "two.npz"):
        np.testing.assert_array_equal(
            np.stack(
                list(sources.open_source(str(tmp_path / name)).in_order().as_numpy_iterator())
            ),
            images,
        )
    np.savez(tmp_path / "float.npz", images=images / 255)
    np.savez(tmp_path / "many.npz", a=images, b=images)
    np.savez(tmp_path / "object.npz", images=np.array([None]))
    (tmp_path / "array.npz").write_bytes(b"")
    np.save(tmp_path / "array.npy", images)
    (tmp_path / "misnamed.npz").write_bytes((tmp_path / "array.npy").read_bytes())
    (tmp_path / "misnamed.npy").write_bytes((tmp_path / "one.npz").read_bytes())
    assert sources.open_source(str(tmp_path / "misnamed.npz")).num_images == 5
    for name in ("float.npz", "many.npz", "object.npz", "array.npz"):
        with pytest.raises(UserError, match=r"holds|cannot be read|probably of 0"):
            sources.open_source(str(tmp_path / name))


@pytest.mark.parametrize(
    "word",
    [
        "missing",
        "missing.npz",
        "tfds:cifar10",
        "tfds:/train",
        "digits:",
        "digits:x",
        "digits:0",
        "notes.txt",
    ],
)
def test_words_that_name_nothing(word, folder, monkeypatch):
    monkeypatch.chdir(folder)
    with pytest.raises(UserError):
        sources.open_source(word)


def test_empty_folder_and_zip(tmp_path):
    with pytest.raises(UserError, match="no images"):
        sources.open_source(str(tmp_path))
    zipfile.ZipFile(tmp_path / "empty.zip", "w").close()
    (tmp_path / "broken.zip").write_bytes(b"PK but no zip")
    for name, message in (("empty.zip", "no images"), ("broken.zip", "not a readable zip")):
        with pytest.raises(UserError, match=message):
            sources.open_source(str(tmp_path / name))


def test_a_link_that_leads_back_is_refused(folder, tmp_path):
    (tmp_path / "other").mkdir()
    (tmp_path / "other/images").symlink_to(folder)
    (folder / "deeper/other").symlink_to(tmp_path / "other")
    with pytest.raises(UserError, match="leads back"):
        sources.open_source(str(folder))


@pytest.mark.parametrize(
    "name", ["../x.png", "/x.png", "images/../../x.png", "..\\x.png", "C:/x.png"]
)
def test_a_zip_that_leaves_its_folder(tmp_path, folder, name):
    with zipfile.ZipFile(tmp_path / "images.zip", "w") as archive:
        archive.write(folder / "00.png", "img_align_celeba/000001.png")
        archive.write(folder / "00.png", "img..align/000002.png")
    assert sources.open_source(tmp_path / "images.zip").num_images == 2
    with zipfile.ZipFile(tmp_path / "images.zip", "a") as archive:
        archive.writestr(name, (folder / "00.png").read_bytes())
    refused(tmp_path / "images.zip", f"member {name}")


def test_a_zip_of_an_lmdb_is_to_be_unpacked(tmp_path):
    with zipfile.ZipFile(tmp_path / "bedroom_train_lmdb.zip", "w") as archive:
        archive.write(
            write_lmdb(tmp_path / "lmdb", {b"key": b"an image"}) / "data.mdb",
            "bedroom_train_lmdb/data.mdb",
        )
    refused(tmp_path / "bedroom_train_lmdb.zip", "holds no images", "unpack it")


def test_a_pattern_of_files_is_refused_with_its_folder(folder):
    refused(folder / "*.png", "patterns of files are not read", f"name the folder {folder}/")
    refused("shards/a-*.tar", "patterns of files are not read", "'X-{000..009}.tar'")


# The registry


def solid(word, path, options):
    """A source of one grey image, of another kind than all that ship."""
    return arrays.of_array(word, np.full((1, 8, 8, 3), 128, np.uint8), "grey")


def test_one_entry_adds_a_kind_of_source(tmp_path, monkeypatch):
    refused("grey:8", "does not exist", "FILE.zip")
    kind = sources.SourceKind(
        form="grey:SIDE",
        help="one grey image",
        matches=lambda word, path: word.startswith("grey:"),
        open=f"{__name__}:solid",
    )
    with monkeypatch.context() as patch:
        patch.setitem(sources.SOURCES._entries, "grey", kind)
        images = open_images("grey:8")
        assert next(images.in_order(1)).tolist() == np.full((1, 8, 8, 3), 128).tolist()
        assert "  grey:SIDE " in sources.describe_sources()
        refused(tmp_path / "nothing", "grey:SIDE")
    refused("grey:8", "does not exist")
    assert "grey:SIDE" not in sources.describe_sources()


def test_every_kind_is_described_and_can_be_opened():
    lines = sources.describe_sources().splitlines()
    assert len(lines) == len(sources.SOURCES) - 1 >= 12
    assert all(len(line) <= 100 for line in lines)
    for name, kind in sources.SOURCES.items():
        assert kind.help
        assert callable(registry.load(kind.open))
        is_listed = any(line.split("  ")[1] == kind.form for line in lines)
        assert is_listed == (name != "given")  # which no user names


def test_the_first_kind_that_matches_opens_the_word(tmp_path, folder):
    def kind_of(word):
        path = pathlib.Path(word)
        return next(name for name, kind in sources.SOURCES.items() if kind.matches(word, path))

    assert kind_of(str(folder)) == "folder"
    for file, name in [
        ("data.mdb", "lmdb"),
        ("data_batch_1.bin", "cifar10"),
        ("prepared.json", "prepared"),
        ("saved_model.pb", "generator"),
    ]:
        (tmp_path / name).mkdir()
        (tmp_path / name / file).touch()
        assert kind_of(str(tmp_path / name)) == name
    assert kind_of("digits:3") == "digits"


def test_a_run_folder_is_no_source(tmp_path):
    """Its grids of samples are no images of the generator."""
    (tmp_path / "samples").mkdir()
    PIL.Image.new("RGB", (32, 32)).save(tmp_path / "samples/0000000.png")
    (tmp_path / runs.CONFIG).touch()
    assert sources.open_source(tmp_path).num_images == 1  # some other program's folder
    for name in (runs.METRICS, runs.CHECKPOINTS):
        (tmp_path / name).mkdir()
        for take in (sources.open_source, sources.kind_of, Exported):
            with pytest.raises(UserError, match=r"is a run folder[\s\S]*: +tf-ttur export"):
                take(tmp_path)
        (tmp_path / name).rmdir()
    (tmp_path / runs.CHECKPOINTS).mkdir()
    (tmp_path / runs.EXPORT).mkdir()
    with pytest.raises(UserError, match=f"name {tmp_path / runs.EXPORT}"):
        sources.open_source(tmp_path)


def test_the_images_of_a_card_are_not_a_source(tmp_path):
    card = "config:quickstart"
    images = open_images(card)
    assert images.word.startswith("plain-digits:") and images.shape == (32, 32, 3)
    with pytest.raises(UserError, match=r"already cropped and resized\n.*\n.*digits:"):
        Images(card, 32)
    with pytest.raises(UserError, match="already cropped and resized"):
        prepare.prepare("svhn", card, tmp_path / "svhn")


# Objects of the user's own


@pytest.fixture
def own(tmp_path):
    """A file with objects that serve as sources, and with some that do not."""
    path = tmp_path / "own.py"
    path.write_text(
        "import numpy as np\n"
        "from tf_ttur.data.sources import Source, open_source\n"
        "from tf_ttur.errors import UserError\n"
        "ARRAY = np.arange(2 * 4 * 5 * 3, dtype=np.uint8).reshape(2, 4, 5, 3)\n"
        "TURNED = ARRAY.transpose(0, 2, 1, 3)\n"
        "FLOATS = ARRAY / 255\n"
        "NUMBER = 3\n"
        "NO_READ = Source('mine', 2, 'identity')\n"
        "EMPTY = Source('mine', 0, 'identity', read=lambda index: ARRAY[0])\n"
        "def array(): return ARRAY\n"
        "def source(): return open_source('digits:7')\n"
        "def stream():\n"
        "    return Source('mine', 7, 'mine-1', stream=source().in_order, shape=(32, 32))\n"
        "def fails(): return 1 / 0\n"
        "def leaves(): raise SystemExit(3)\n"
        "def explains(): raise UserError('a', 'b', 'c')\n",
        encoding="utf-8",
    )
    return f"python:{path}"


def read(word):
    source = sources.open_source(word)
    images = np.stack(list(source.in_order().as_numpy_iterator()))
    assert len(images) == source.num_images and source.word == word
    return images


def test_an_array_of_the_user_is_a_source(own):
    wanted = np.arange(120, dtype=np.uint8).reshape(2, 4, 5, 3)
    for name in ("ARRAY", "array"):
        np.testing.assert_array_equal(read(f"{own}:{name}"), wanted)
    np.testing.assert_array_equal(read(f"{own}:TURNED"), wanted.transpose(0, 2, 1, 3))
    identity = sources.open_source(f"{own}:ARRAY").identity
    assert identity == sources.open_source(f"{own}:array").identity  # it is of what they hold
    assert identity != sources.open_source(f"{own}:TURNED").identity
    assert next(open_images(f"{own}:ARRAY").in_order(2)).shape == (2, 4, 5, 3)


def test_a_source_of_the_user(own):
    drawn = sources.open_source("digits:7")
    for name in ("source", "stream"):
        images = read(f"{own}:{name}")
        np.testing.assert_array_equal(images, list(drawn.in_order().as_numpy_iterator()))
    assert sources.open_source(f"{own}:source").identity == drawn.identity
    assert sources.open_source(f"{own}:stream").identity == "mine-1"


def test_an_object_in_a_module(own, monkeypatch):
    monkeypatch.syspath_prepend(pathlib.Path(own.removeprefix("python:")).parent)
    np.testing.assert_array_equal(read("python:own:ARRAY"), read(f"{own}:ARRAY"))


@pytest.mark.parametrize(
    "name, message",
    [
        ("FLOATS", "floats from 0 to 0.466667, 100 % of them above"),
        ("NUMBER", ":NUMBER: 3"),
        ("NO_READ", "neither of read and stream"),
        ("EMPTY", "a Source of 0 images"),
        ("fails", "ZeroDivisionError"),
        ("leaves", "SystemExit"),
        ("nothing", "has no nothing"),
        ("", "does not name an object"),
    ],
)
def test_objects_that_are_no_images(own, name, message):
    with pytest.raises(UserError, match=message):
        sources.open_source(f"{own}:{name}")


def test_what_an_object_of_the_user_says_is_passed_on(own):
    with pytest.raises(UserError, match=r"a\n  expected: b\n  to do:    c"):
        sources.open_source(f"{own}:explains")
