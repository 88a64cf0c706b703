"""Encoded images in files: a folder, a zip, or an LMDB."""

import dataclasses
import functools
import hashlib
import json
import os
import pathlib
import zipfile
from collections.abc import Callable, Iterable

import tensorflow as tf

from tf_ttur.data.decoding import SUFFIXES, decode
from tf_ttur.data.lmdb_file import LmdbFile
from tf_ttur.data.sources.source import Options, Source, identity_of_files
from tf_ttur.errors import UserError
from tf_ttur.io import archives, files

MAX_FILE_BYTES = 2**28  # of an image's file inside a zip, unpacked


def open_folder(word: str, path: pathlib.Path, options: Options) -> Source:
    """The image files of a folder and the folders below it. Raises `UserError`."""
    names = []
    for folder, _, file_names in files.walk(path):
        names += [
            os.path.join(folder, name)
            for name in file_names
            if name.lower().endswith(SUFFIXES) and not name.startswith(".")
        ]
    names.sort(key=lambda name: name.replace(os.sep, "\0"))  # by folder, then by name
    if not names:
        raise UserError(
            f"{word} holds no images",
            f"files that end in {', '.join(SUFFIXES)}",
            "name the folder of the images",
        )
    name_tensor = tf.constant(names)
    return Source(
        word,
        len(names),
        _identity_of_folder(path, names),
        lambda index: decode(tf.io.read_file(name_tensor[index])),
        contents=lambda index: (names[index], pathlib.Path(names[index]).read_bytes),
        formats=_endings(names),
    )


def _identity_of_folder(path: pathlib.Path, names: list[str]) -> str:
    identity = hashlib.sha256(str(path.resolve()).encode())
    for name in names:  # one by one, as there may be millions
        status = os.stat(name)
        mark = [name.removeprefix(str(path)), status.st_size, status.st_mtime_ns]
        identity.update(json.dumps(mark).encode())
    return identity.hexdigest()


def open_zip(word: str, path: pathlib.Path, options: Options) -> Source:
    """The image files of a zip, in the order of a folder. Raises `UserError`."""
    try:
        archive = zipfile.ZipFile(path)
    except files.UNREADABLE as error:
        raise UserError(
            f"{word} is not a readable zip ({error})", "a zip of images", "make or fetch it again"
        ) from error
    for member in archive.infolist():
        is_image = member.filename.lower().endswith(SUFFIXES)
        archives.check_zip_member(word, member, MAX_FILE_BYTES if is_image else None)
    names = [
        name
        for name in archive.namelist()
        if name.lower().endswith(SUFFIXES) and not _is_hidden(name)
    ]
    names.sort(key=lambda name: name.split("/"))  # the order of a folder
    if not names:
        is_database = any(name.endswith("data.mdb") for name in archive.namelist())
        cure = "unpack it, and name the folder of its data.mdb"
        raise UserError(
            f"{word} holds no images",
            f"members that end in {', '.join(SUFFIXES)}",
            cure if is_database else "name the zip of the images",
        )

    def fetch(index: int) -> bytes:
        with archive.open(names[index]) as file:
            # No more than the directory says, whatever is packed there.
            return file.read(archive.getinfo(names[index]).file_size)

    source = _open_files_inside(word, path, len(names), lambda index: names[index], fetch)
    return dataclasses.replace(source, formats=_endings(names))


def _is_hidden(name: str) -> bool:
    return any(part.startswith((".", "__MACOSX")) for part in name.split("/"))


def _endings(names: Iterable[str]) -> list[str]:
    return sorted({os.path.splitext(name)[1].lower() for name in names})


def open_lmdb(word: str, path: pathlib.Path, options: Options) -> Source:
    """The image files that are the values of an LMDB, in the order of its keys. Raises `UserError`.

    Args:
      word: as the user gave it.
      path: the folder of data.mdb.
      options: of no meaning here.
    """
    path = path / "data.mdb"
    try:
        database = LmdbFile(path)
    except files.UNREADABLE as error:
        raise UserError(
            f"{path} cannot be read ({error})",
            "an LMDB as LSUN publishes them, whole",
            "fetch it again",
        ) from error
    if not len(database):
        raise UserError(
            f"{path} holds no images", "an LMDB of images", "name the folder of another data.mdb"
        )

    def name(index: int) -> str:
        return database.key(index).decode(errors="replace")

    return _open_files_inside(word, path, len(database), name, database.value)


def _open_files_inside(
    word: str,
    path: pathlib.Path,
    num_images: int,
    name: Callable[[int], str],
    fetch: Callable[[int], bytes],
) -> Source:
    """A source of encoded images inside of one file.

    Args:
      word: as the user gave it.
      path: the file.
      num_images: how many there are.
      name, fetch: give an image's name and bytes by its index.
    """

    def read(index: tf.Tensor) -> tf.Tensor:
        encoded = tf.numpy_function(fetch, [index], tf.string, stateful=False)
        return decode(tf.ensure_shape(encoded, ()))

    def contents(index: int) -> tuple[str, Callable[[], bytes]]:
        return f"{word}:{name(index)}", functools.partial(fetch, index)

    return Source(word, num_images, identity_of_files(path), read, contents=contents)
