"""SVHN and CIFAR-10 in the formats of their authors, written by other libraries or by hand."""

import os
import pathlib
import pickle
import tarfile

import numpy as np
import pytest
import scipy.io

from tests.data.published import (
    batches,
    python_2_pickle,
    python_3_pickle,
    records,
    write_folder,
    write_tar,
)
from tests.data.test_sources import refused
from tf_ttur.data import sources
from tf_ttur.data.images import Images
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
    refused(path, "cannot be read", "download")


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


def test_options_of_image_files_are_refused_for_an_archive_of_cifar10(tmp_path, digits):
    path = write_tar(tmp_path / "cifar-10-binary.tar.gz", batches(digits, records, ".bin"))
    for options in ({"background": "white"}, {"depth": 16}):
        with pytest.raises(UserError, match="which is CIFAR-10 as published"):
            sources.open_source(path, **options)


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
        "a tarball without images, but 1 .html",
        "CIFAR-10 as published",
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
    path = write_tar(tmp_path / "cifar.tar.gz", batches(digits, records, ".bin"))
    whole = path.read_bytes()
    random = np.random.default_rng(0)
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
