"""Archives in the formats of their authors, written by other libraries or by hand from the
documentation.
"""

import io
import os
import pathlib
import pickle
import random
import struct
import tarfile
import zipfile

import lmdb
import numpy as np
import PIL.Image
import pytest
import scipy.io

from tf_ttur.data import sources
from tf_ttur.data.images import Images
from tf_ttur.data.lmdb_file import LmdbFile
from tf_ttur.errors import UserError


@pytest.fixture
def digits():
    """20 images as they shall be read."""
    return np.random.default_rng(0).integers(0, 256, (20, 32, 32, 3), np.uint8)


def read_all(word, **options):
    source = sources.open_source(word, **options)
    images = np.stack(list(source.in_order().as_numpy_iterator()))
    assert len(images) == source.num_images
    np.testing.assert_array_equal(source.read(3), images[3])
    return images


def refused(word, *words, **options):
    with pytest.raises(UserError) as refusal:
        sources.open_source(word, **options)
    for wanted in (str(word), *words):
        assert wanted in str(refusal.value)


# SVHN


@pytest.mark.parametrize("compressed", [False, True])
def test_svhn(tmp_path, digits, compressed):
    columns = {"X": digits.transpose(1, 2, 3, 0), "y": np.arange(20, dtype=np.uint8)[:, None]}
    scipy.io.savemat(tmp_path / "train_32x32.mat", columns, do_compression=compressed)
    np.testing.assert_array_equal(read_all(tmp_path / "train_32x32.mat"), digits)
    assert next(Images(str(tmp_path / "train_32x32.mat"), 32).in_order(20)).shape == (20, 32, 32, 3)


@pytest.mark.parametrize("kept", [0, 50, 130, 0.01, 0.5, 0.9])
@pytest.mark.parametrize("compressed", [False, True])
def test_svhn_cut_off(tmp_path, digits, compressed, kept):
    path = tmp_path / "train_32x32.mat"
    scipy.io.savemat(path, {"X": digits.transpose(1, 2, 3, 0)}, do_compression=compressed)
    content = path.read_bytes()
    path.write_bytes(content[: kept if isinstance(kept, int) else int(kept * len(content))])
    refused(path, "cannot be read", "fetch")


def test_svhn_with_a_flipped_bit(tmp_path, digits):
    path = tmp_path / "train_32x32.mat"
    scipy.io.savemat(path, {"X": digits.transpose(1, 2, 3, 0)}, do_compression=True)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    refused(path, "cannot be read")


def test_other_mat_files(tmp_path):
    for content, word in [
        ({"images": np.zeros((32, 32, 3, 2), np.uint8)}, "holds images"),
        ({"X": np.zeros((32, 32, 3, 2))}, "holds X as float64 of shape (32, 32, 3, 2)"),
        ({"X": np.zeros((2, 32, 32, 3), np.uint8)}, "of shape (2, 32, 32, 3)"),
        ({"X": "text"}, "holds an array of kind 'char'"),
        (
            {"X": np.zeros((32, 32, 3, 2), np.uint8), "more": np.array([np.zeros(1000)], object)},
            "holds an array of kind 'cell'",
        ),
        ({}, "holds nothing"),
    ]:
        scipy.io.savemat(tmp_path / "x.mat", content)
        refused(tmp_path / "x.mat", word)
    (tmp_path / "new.mat").write_bytes(
        b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM" + bytes(400)
    )
    refused(tmp_path / "new.mat", "7.3 (HDF5)", "version 5")


# CIFAR-10


def records(images):
    """The binary version: a label, then 1,024 bytes of each colour, row by row."""
    content = b""
    for number, image in enumerate(images):
        content += bytes([number % 10]) + b"".join(
            bytes(image[row, :, colour]) for colour in range(3) for row in range(32)
        )
    return content


def planes(images):
    return np.stack(
        [np.concatenate([image[:, :, colour].ravel() for colour in range(3)]) for image in images]
    )


def python_2_pickle(images):
    """A batch as the authors pickled it with Python 2, whose strings are bytes."""

    def string(text):
        return b"T" + struct.pack("<i", len(text)) + text

    dtype = (
        b"cnumpy\ndtype\n"
        + string(b"u1")
        + b"K\x00K\x01\x87R(K\x03"
        + string(b"|")
        + b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
    )
    array = (
        b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85"
        + string(b"b")
        + b"\x87R"
    )
    state = (
        b"(K\x01M"
        + struct.pack("<H", len(images))
        + b"M\x00\x0c\x86"
        + dtype
        + b"\x89"
        + string(planes(images).tobytes())
        + b"tb"
    )
    labels = b"](" + b"K\x07" * len(images) + b"e"
    return b"\x80\x02}(" + string(b"data") + array + state + string(b"labels") + labels + b"u."


def python_3_pickle(images, protocol=2):
    return pickle.dumps({b"data": planes(images), b"labels": [7] * len(images)}, protocol)


def batches(images, write, ending):
    """{name: content} of the five training batches and of the test batch."""
    contents = {
        f"data_batch_{number + 1}{ending}": write(images[4 * number : 4 * number + 4])
        for number in range(5)
    }
    return (
        {f"test_batch{ending}": write(255 - images[:4])}
        | dict(reversed(contents.items()))
        | {"readme.html": b"<html>"}
    )


def write_folder(path, contents):
    path.mkdir()
    for name, content in contents.items():
        (path / name).write_bytes(content)
    return path


def write_tar(path, contents, prefix="cifar-10-batches/", mode="w:gz"):
    with tarfile.open(path, mode) as archive:
        for name, content in contents.items():
            member = tarfile.TarInfo(prefix + name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


def test_cifar10_binary(tmp_path, digits):
    contents = batches(digits, records, ".bin")
    np.testing.assert_array_equal(
        read_all(write_folder(tmp_path / "cifar-10-batches-bin", contents)), digits
    )
    np.testing.assert_array_equal(
        read_all(write_tar(tmp_path / "cifar-10-binary.tar.gz", contents)), digits
    )
    np.testing.assert_array_equal(
        read_all(write_tar(tmp_path / "cifar-10-binary.tar", contents, mode="w:")), digits
    )


@pytest.mark.parametrize(
    "write", [python_2_pickle, python_3_pickle, lambda images: python_3_pickle(images, 4)]
)
def test_cifar10_pickles_only_where_they_are_trusted(tmp_path, digits, write):
    contents = batches(digits, write, "")
    for word in (
        write_folder(tmp_path / "cifar-10-batches-py", contents),
        write_tar(tmp_path / "cifar-10-python.tar.gz", contents),
    ):
        refused(word, "pickles", "--trust-pickle", "cifar-10-binary.tar.gz")
        np.testing.assert_array_equal(read_all(word, trust_pickle=True), digits)


def test_the_binary_version_is_taken_where_both_are(tmp_path, digits):
    contents = batches(digits, records, ".bin") | batches(255 - digits, python_2_pickle, "")
    np.testing.assert_array_equal(read_all(write_folder(tmp_path / "both", contents)), digits)


class Evil:
    def __init__(self, function, *arguments):
        self._call = (function, arguments)

    def __reduce__(self):
        return self._call


@pytest.mark.parametrize("function", [os.mkdir, eval, pathlib.Path.mkdir])
def test_a_malicious_pickle_does_not_run(tmp_path, digits, function):
    mark = tmp_path / "was here"
    arguments = (
        [f"__import__('os').mkdir({str(mark)!r})"]
        if function is eval
        else [mark if function is pathlib.Path.mkdir else str(mark)]
    )
    contents = batches(digits, python_2_pickle, "") | {
        "data_batch_3": pickle.dumps({b"data": Evil(function, *arguments)}, 2)
    }
    pickle.loads(contents["data_batch_3"])
    mark.rmdir()  # it would have worked
    refused(
        write_folder(tmp_path / "evil", contents), "data_batch_3", "asks for", trust_pickle=True
    )
    assert not mark.exists()


@pytest.mark.parametrize(
    "content, word",
    [
        (b"", "EOFError"),
        (python_2_pickle(np.zeros((4, 32, 32, 3), np.uint8))[:5000], "cannot be read"),
        (pickle.dumps({b"labels": []}), "KeyError"),
        (pickle.dumps({b"data": [1, 2]}), "cannot be read"),
        (pickle.dumps({b"data": np.zeros((4, 3072))}, 2), "holds float64 of shape (4, 3072)"),
        (
            pickle.dumps({b"data": np.zeros((4, 3073), np.uint8)}, 2),
            "holds uint8 of shape (4, 3073)",
        ),
    ],
)
def test_damaged_pickles(tmp_path, digits, content, word):
    contents = batches(digits, python_2_pickle, "") | {"data_batch_2": content}
    refused(write_folder(tmp_path / "damaged", contents), "data_batch_2", word, trust_pickle=True)


def test_damaged_cifar10(tmp_path, digits):
    contents = batches(digits, records, ".bin")
    whole = contents["data_batch_4.bin"]
    for number, content in enumerate([b"", whole[:-1], b"\x0a" + whole[1:]]):
        refused(
            write_folder(tmp_path / str(number), contents | {"data_batch_4.bin": content}),
            "data_batch_4.bin",
        )
    del contents["data_batch_4.bin"]
    refused(write_folder(tmp_path / "four", contents), "has no data_batch_4.bin")
    refused(
        write_tar(tmp_path / "other.tar.gz", {"readme.html": b""}),
        "has no data_batch_1.bin, data_batch_2.bin",
    )
    (tmp_path / "no.tar.gz").write_bytes(b"no tar")
    refused(tmp_path / "no.tar.gz", "cannot be read")


@pytest.mark.parametrize("mode", ["w:gz", "w:"])
@pytest.mark.parametrize("kept", [0, 5, 0.3, 0.8, 0.99])
def test_cifar10_cut_off(tmp_path, digits, mode, kept):
    path = write_tar(
        tmp_path / "cifar.tar.gz", dict(sorted(batches(digits, records, ".bin").items())), mode=mode
    )
    content = path.read_bytes()
    content = (
        content[: content.rindex(b"<html>")] if mode == "w:" else content
    )  # of the empty blocks at its end a tar needs but two
    path.write_bytes(content[: kept if isinstance(kept, int) else int(kept * len(content))])
    refused(path)


def test_cifar10_with_a_flipped_bit(tmp_path, digits):
    whole, random = (
        write_tar(tmp_path / "cifar.tar.gz", batches(digits, records, ".bin")).read_bytes(),
        np.random.default_rng(0),
    )
    for position in random.integers(10, len(whole), 20):
        damaged = bytearray(whole)
        damaged[position] ^= 1 << random.integers(8)
        (tmp_path / "damaged.tar.gz").write_bytes(damaged)
        refused(tmp_path / "damaged.tar.gz")


@pytest.mark.parametrize(
    "name", ["../data_batch_1.bin", "/tmp/data_batch_1.bin", "a/../../b", "..\\b", "C:\\b"]
)
def test_a_tar_that_leaves_its_folder(tmp_path, digits, name):
    contents = {
        f"cifar/{key}": value for key, value in batches(digits, records, ".bin").items()
    } | {name: b"x"}
    refused(write_tar(tmp_path / "evil.tar.gz", contents, prefix=""), f"member {name}")


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE])
def test_a_tar_with_a_link(tmp_path, digits, kind):
    contents = batches(digits, records, ".bin")
    with tarfile.open(write_tar(tmp_path / "x.tar", contents, mode="w:"), "a") as archive:
        member = tarfile.TarInfo("cifar-10-batches/data_batch_2.bin")
        member.type, member.linkname = kind, "/etc/passwd"
        archive.addfile(member)
    refused(tmp_path / "x.tar", "data_batch_2.bin", "plain file")


# LSUN


def encoded(image, kind="WEBP"):
    content = io.BytesIO()
    PIL.Image.fromarray(image).save(content, kind)
    return content.getvalue()


def write_lmdb(path, contents):
    """A folder of data.mdb and lock.mdb, as LSUN's export has it."""
    with (
        lmdb.open(str(path), map_size=2**26) as database,
        database.begin(write=True) as transaction,
    ):
        for key, value in contents.items():
            transaction.put(key, value)
    return path


@pytest.fixture
def photos():
    """{key: encoded image}, of different sizes and formats, keys not in order."""
    images = np.random.default_rng(0).integers(0, 256, (25, 40, 70, 3), np.uint8)
    numbers = np.random.default_rng(1).permutation(25)
    return {
        f"{number:040x}".encode(): encoded(
            images[number, :, : 40 + number], ("WEBP", "JPEG", "PNG")[number % 3]
        )
        for number in numbers
    }


def test_lmdb(tmp_path, photos):
    source = sources.open_source(write_lmdb(tmp_path / "bedroom_train_lmdb", photos))
    assert source.num_images == 25
    wanted = [np.asarray(PIL.Image.open(io.BytesIO(photos[key]))) for key in sorted(photos)]
    for found, image in zip(source.in_order().as_numpy_iterator(), wanted, strict=True):
        np.testing.assert_array_equal(found, image)
    for index in (24, 0, 7):
        np.testing.assert_array_equal(source.read(index), wanted[index])
    assert next(Images(source, 32, "square").in_order(25)).shape == (25, 32, 32, 3)


def test_lmdb_file_equals_the_engine(tmp_path):
    """Trees of several levels, values inside of pages and apart, keys of all lengths, pages that
    were used before.
    """
    generator = random.Random(0)
    with lmdb.open(str(tmp_path), map_size=2**26) as database:
        assert len(LmdbFile(tmp_path / "data.mdb")) == 0
        for _ in range(3):
            with database.begin(write=True) as transaction:
                for _ in range(1500):
                    size = generator.choice([0, 3, 1500, 3000, 9000])
                    transaction.put(
                        generator.randbytes(generator.randint(1, 500)), generator.randbytes(size)
                    )
                for key in generator.sample(list(transaction.cursor().iternext(values=False)), 400):
                    transaction.delete(key)
            with database.begin() as transaction:
                wanted = list(transaction.cursor())
            file = LmdbFile(tmp_path / "data.mdb")
            assert [(file.key(index), file.value(index)) for index in range(len(file))] == wanted
        assert database.stat()["depth"] >= 3


@pytest.mark.parametrize("kept", [0, 100, 4096, 0.5, 0.97])
def test_lmdb_cut_off(tmp_path, photos, kept):
    file = write_lmdb(tmp_path / "lmdb", photos) / "data.mdb"
    content = file.read_bytes()
    file.write_bytes(content[: kept if isinstance(kept, int) else int(kept * len(content))])
    refused(tmp_path / "lmdb", "data.mdb cannot be read", "fetch")


def test_lmdb_cut_off_inside_of_the_last_value(tmp_path, photos):
    write_lmdb(tmp_path / "lmdb", photos)
    value = b"x" * 30_000
    file = write_lmdb(tmp_path / "lmdb", {b"last": value}) / "data.mdb"
    assert LmdbFile(file).value(25) == value
    os.truncate(file, file.read_bytes().index(value) + len(value) - 1)
    refused(tmp_path / "lmdb", "its end is missing")


def test_damaged_lmdb_is_an_error_or_harmless(tmp_path, photos):
    file = write_lmdb(tmp_path / "lmdb", photos) / "data.mdb"
    whole, generator, found = file.read_bytes(), random.Random(0), 0
    leaf = whole.index(min(photos)) // 4096 * 4096
    for _ in range(300):
        content = bytearray(whole)
        for _ in range(40):
            content[generator.randrange(4096) + generator.choice([0, 4096, leaf])] = (
                generator.randrange(256)
            )
        file.write_bytes(content)
        try:
            database = LmdbFile(file)
        except ValueError:
            found += 1
        else:
            values = [database.value(index) for index in range(len(database))]
            assert len(values) in (0, 25)  # before and after its one transaction
    assert found > 50


def test_an_lmdb_without_end_is_refused(tmp_path, photos):
    """A tree that is 60,000 levels deep, as each of its branches leads back to itself twice."""
    file = (
        write_lmdb(
            tmp_path / "lmdb", photos | {b"%040d" % number: b"x" * 500 for number in range(500)}
        )
        / "data.mdb"
    )
    content = bytearray(file.read_bytes())
    meta = 4096 * max((0, 1), key=lambda page: content[4096 * page + 144 :][:8][::-1])
    root = int.from_bytes(content[meta + 128 : meta + 136], "little") * 4096
    assert content[root + 10] == 1  # a branch
    for node in np.frombuffer(content[root + 16 : root + 20], "<u2").tolist():
        content[root + node : root + node + 6] = (root // 4096).to_bytes(6, "little")
    content[meta + 94 : meta + 96] = (60_000).to_bytes(2, "little")
    file.write_bytes(content)
    refused(tmp_path / "lmdb", "is damaged")


def test_what_is_no_lmdb_of_images(tmp_path):
    write_folder(tmp_path / "text", {"data.mdb": b"x" * 10_000})
    refused(tmp_path / "text", "not an LMDB")
    refused(write_lmdb(tmp_path / "empty", {}), "holds no images")
    with (
        lmdb.open(str(tmp_path / "named"), map_size=2**20, max_dbs=1) as database,
        database.begin(write=True) as transaction,
    ):
        transaction.put(b"key", b"value", db=database.open_db(b"part", transaction))
    refused(tmp_path / "named", "named databases")


def test_a_corrupt_record_is_named(tmp_path, photos):
    key = sorted(photos)[17]
    photos[key] = photos[key][: len(photos[key]) // 2]
    images = Images(str(write_lmdb(tmp_path / "lmdb", photos)), 32, "square")
    assert len(next(images.in_order(17))) == 17
    with pytest.raises(UserError, match=f"lmdb:{key.decode()} cannot be decoded"):
        list(images.in_order(5))


# Zips


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


def test_a_zip_of_an_lmdb_is_to_be_unpacked(tmp_path, photos):
    with zipfile.ZipFile(tmp_path / "bedroom_train_lmdb.zip", "w") as archive:
        archive.write(
            write_lmdb(tmp_path / "lmdb", photos) / "data.mdb", "bedroom_train_lmdb/data.mdb"
        )
    refused(tmp_path / "bedroom_train_lmdb.zip", "holds no images", "unpack it")
