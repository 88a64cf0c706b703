"""Files in the formats in which their authors publish them, made by hand from the documentation."""

import io
import pickle
import struct
import tarfile

import lmdb
import numpy as np
import PIL.Image


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
