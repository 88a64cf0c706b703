"""LMDBs, written by the engine."""

import io
import os
import random

import lmdb
import numpy as np
import PIL.Image
import pytest

from tests.data.published import encoded, write_folder, write_lmdb
from tests.data.test_sources import refused
from tf_ttur.data import sources
from tf_ttur.data.images import Images
from tf_ttur.data.lmdb_file import LmdbFile
from tf_ttur.errors import UserError


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
    refused(tmp_path / "lmdb", "data.mdb cannot be read", "download")


def test_lmdb_cut_off_inside_of_the_last_value(tmp_path, photos):
    write_lmdb(tmp_path / "lmdb", photos)
    value = b"x" * 30_000
    file = write_lmdb(tmp_path / "lmdb", {b"last": value}) / "data.mdb"
    assert LmdbFile(file).value(25) == value
    os.truncate(file, file.read_bytes().index(value) + len(value) - 1)
    refused(tmp_path / "lmdb", "its end is missing")


def test_damaged_lmdb_is_an_error_or_harmless(tmp_path, photos):
    file = write_lmdb(tmp_path / "lmdb", photos) / "data.mdb"
    whole = file.read_bytes()
    generator = random.Random(0)
    refused_count = 0
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
            refused_count += 1
        else:
            values = [database.value(index) for index in range(len(database))]
            assert len(values) in (0, 25)  # before and after its one transaction
    assert refused_count > 50


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
