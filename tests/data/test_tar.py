"""Tarballs of images, shards, and files and folders that are no source."""

import bz2
import gzip
import io
import lzma
import tarfile

import numpy as np
import PIL.Image
import pytest

from tests.data.published import batches, encoded, records, write_tar
from tests.data.test_sources import refused
from tf_ttur.data import sources
from tf_ttur.data.images import Images
from tf_ttur.data.sources import tar


@pytest.fixture
def images():
    return np.random.default_rng(0).integers(0, 256, (6, 8, 8, 3), np.uint8)


def contents(images, first=0):
    return {
        f"{first + number:06}.png": encoded(image, "PNG") for number, image in enumerate(images)
    }


def read(word):
    source = sources.open_source(word)
    read = np.stack(list(source.in_order().as_numpy_iterator()))
    assert len(read) == source.num_images
    np.testing.assert_array_equal(source.read(np.int64(1)), read[1])
    return read


@pytest.mark.parametrize(
    "name, mode", [("a.tar", "w:"), ("a.tar.gz", "w:gz"), ("a.tgz", "w:gz"), ("A.TAR.GZ", "w:gz")]
)
def test_a_tarball_is_read_like_a_folder(tmp_path, images, name, mode, capsys):
    files = dict(reversed(contents(images).items()))
    others = {"labels.txt": b"0 1 2", "._000000.png": b"hidden"}
    path = write_tar(tmp_path / name, files | others, "faces/", mode)
    np.testing.assert_array_equal(read(path), images)
    assert "left out: 1 .txt" in capsys.readouterr().err
    source = sources.open_source(path)
    assert source.formats == [".png"] and source.left_out == {".txt": 1}


def test_a_tarball_equals_the_folder_that_was_packed(tmp_path, folder):
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        archive.add(folder, "images")
    from_tar = np.concatenate(list(Images(str(tmp_path / "a.tar")).in_order(5)))
    from_folder = np.concatenate(list(Images(str(folder)).in_order(5)))
    np.testing.assert_array_equal(from_tar, from_folder)


def test_the_last_file_of_a_name_counts(tmp_path, images):
    path = write_tar(tmp_path / "a.tar", contents(images), mode="w")
    with tarfile.open(path, "a") as archive:
        member = tarfile.TarInfo("cifar-10-batches/000002.png")
        content = encoded(255 - images[2], "PNG")
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    expected = images.copy()
    expected[2] = 255 - images[2]
    np.testing.assert_array_equal(read(path), expected)


def test_a_bad_image_in_a_tarball_is_named(tmp_path, images):
    files = contents(images) | {"000003.png": b"no image"}
    for mode, name in (("w:", "a.tar"), ("w:gz", "a.tar.gz")):
        path = write_tar(tmp_path / name, files, mode=mode)
        opened = Images(str(path))
        with pytest.raises(sources.UserError, match=r"000003\.png cannot be decoded"):
            list(opened.in_order(6))
        opened.leave_out_unreadable()
        assert opened.num_images == 5


def test_a_name_that_is_not_utf8(tmp_path, images):
    name = b"caf\xe9.png".decode("utf-8", "surrogateescape")
    for mode, file in (("w:", "a.tar"), ("w:gz", "a.tar.gz")):
        files = contents(images) | {name: encoded(images[0], "PNG")}
        assert len(read(write_tar(tmp_path / file, files, mode=mode))) == 7


@pytest.mark.parametrize("mode", ["w:", "w:gz"])
def test_tarballs_that_are_not_safe(tmp_path, images, mode):
    for number, (name, kind, words) in enumerate(
        [
            ("../a.png", tarfile.REGTYPE, "member ../a.png"),
            ("/a.png", tarfile.REGTYPE, "member /a.png"),
            ("a.png", tarfile.SYMTYPE, "a link or a device"),
            ("a.png", tarfile.FIFOTYPE, "a link or a device"),
        ]
    ):
        path = tmp_path / f"{number}.tar"
        with tarfile.open(path, mode) as archive:
            member = tarfile.TarInfo(name)
            member.type = kind
            archive.addfile(member)
        refused(path, words)


@pytest.mark.parametrize("mode", ["w:", "w:gz"])
@pytest.mark.parametrize("kept", [0, 5, 600, 0.5, 0.9])
def test_a_tarball_cut_off(tmp_path, images, mode, kept):
    # With images that cannot be compressed, nine tenths of it end within one of them.
    path = write_tar(tmp_path / "a.tar", contents(images), mode=mode)
    content = path.read_bytes()
    if mode == "w:":  # a tar ends with many empty blocks, of which it needs but two
        content = content.rstrip(b"\0")
    path.write_bytes(content[: kept if isinstance(kept, int) else int(kept * len(content))])
    refused(path, "cannot be read")


def test_a_damaged_header_is_no_end(tmp_path, images):
    path = write_tar(tmp_path / "a.tar", contents(images), mode="w")
    content = bytearray(path.read_bytes())
    content[content.index(b"cifar-10-batches/000004.png")] ^= 1
    path.write_bytes(content)
    refused(path, "cannot be read")


def test_a_compressed_tarball_that_is_too_large(tmp_path, images, monkeypatch):
    plain = write_tar(tmp_path / "a.tar", contents(images), mode="w")
    (tmp_path / "a.tar.gz").write_bytes(gzip.compress(plain.read_bytes()))
    monkeypatch.setattr(tar, "MAX_GZIPPED_BYTES", 500)
    refused(tmp_path / "a.tar.gz", "is compressed", "gunzip")
    np.testing.assert_array_equal(read(plain), images)


def test_cifar10_is_still_known(tmp_path):
    digits = np.random.default_rng(0).integers(0, 256, (20, 32, 32, 3), np.uint8)
    path = write_tar(tmp_path / "cifar-10-binary.tar.gz", batches(digits, records, ".bin"))
    np.testing.assert_array_equal(read(path), digits)
    refused(write_tar(tmp_path / "x.tar", {"data_batch_1.bin": b""}, mode="w"), "data_batch_2.bin")


# Shards


@pytest.fixture
def shards(tmp_path, images):
    """Three shards as webdataset writes them: images beside labels."""
    for number in range(3):
        files = contents(images[2 * number : 2 * number + 2], 2 * number)
        labels = {name.replace(".png", ".cls"): b"7" for name in files}
        write_tar(tmp_path / f"shard-{number:03}.tar", files | labels, "", "w")
    return tmp_path / "shard-{000..002}.tar"


def test_shards_are_read_one_after_the_other(shards, images, capsys):
    np.testing.assert_array_equal(read(str(shards)), images)
    assert "left out: 6 .cls" in capsys.readouterr().err
    first_two = str(shards).replace("002", "001")
    np.testing.assert_array_equal(read(first_two), images[:4])
    assert sources.open_source(first_two).identity != sources.open_source(str(shards)).identity


def test_missing_shards_are_named(shards):
    refused(str(shards).replace("002", "104"), "names 105 shards, and 102 of them are missing")
    refused(str(shards).replace("000..002", "2..1"), "{2..1}")
    refused(str(shards).replace("000..002", "0..99999999"), "{0..99999999}")


def test_ranges_are_expanded_as_shells_do():
    assert tar._expand("", "a-{8..10}.tar") == ["a-8.tar", "a-9.tar", "a-10.tar"]
    assert tar._expand("", "{0..1}/{00..01}.tar") == [
        *("0/00.tar", "0/01.tar"),
        *("1/00.tar", "1/01.tar"),
    ]


# What is no source


def test_single_images(tmp_path):
    image = PIL.Image.new("RGB", (8, 8))
    for kind in ("png", "jpg", "webp", "gif", "bmp", "tiff"):
        image.save(tmp_path / f"one.{kind}")
        refused(tmp_path / f"one.{kind}", "is one image", "needs sets of images")


@pytest.mark.parametrize(
    "content, words",
    [
        (b"", "is empty"),
        (b"some text", "is a file of another kind"),
        (bz2.compress(b"a"), "is compressed with bzip2"),
        (lzma.compress(b"a"), "is compressed with xz"),
        (gzip.compress(b"a", mtime=0), "is compressed with gzip"),
        (b"PK\3\4", "is a zip"),
        (b"\x93NUMPY", "is an array of NumPy"),
        (b"\x89HDF\r\n", "is an HDF5 file"),
        (b"\0" * 257 + b"ustar", "is a tarball"),
    ],
)
def test_other_files(tmp_path, content, words):
    (tmp_path / "file.xyz").write_bytes(content)
    refused(tmp_path / "file.xyz", words)


def test_a_zip_in_capitals(tmp_path, folder):
    import zipfile

    with zipfile.ZipFile(tmp_path / "PHOTOS.ZIP", "w") as archive:
        archive.write(folder / "00.png", "00.png")
    assert sources.open_source(tmp_path / "PHOTOS.ZIP").num_images == 1


@pytest.mark.parametrize(
    "name, words",
    [
        ("cifar-10-batches-bin/data_batch_1.bin", "which holds CIFAR-10"),
        ("bedroom_train_lmdb/data.mdb", "which is an LMDB"),
        ("export/saved_model.pb", "which is an exported generator"),
        ("data/svhn/prepared.json", "which is a prepared folder"),
        ("data/photos.zip", "name the file"),
        ("train_32x32.mat", "name the file"),
        ("shard-000.tar", "name the file"),
    ],
)
def test_a_folder_around_a_source_says_what_to_name(tmp_path, name, words):
    path = tmp_path / "parent" / name
    path.parent.mkdir(parents=True)
    path.touch()
    holder = path if words == "name the file" else path.parent
    refused(tmp_path / "parent", "holds no images", words, str(holder))
