"""Encoded images on disk: a folder, a zip, or an LMDB."""

import collections
import dataclasses
import functools
import hashlib
import json
import os
import pathlib
import zipfile
from collections.abc import Callable, Iterable

import tensorflow as tf

from tf_ttur.data import pillow
from tf_ttur.data.decoding import Decoder
from tf_ttur.data.formats import FIRST_SUFFIXES, SUFFIXES
from tf_ttur.data.lmdb_file import LmdbFile
from tf_ttur.data.sources import unknown
from tf_ttur.data.sources.source import Options, Source, identity_of, identity_of_files, say_once
from tf_ttur.errors import UserError
from tf_ttur.io import archives, files

MAX_FILE_BYTES = 2**28  # of an image file inside a zip, unpacked
_MAX_ENDINGS = 8  # that a message names


def open_folder(word: str, path: pathlib.Path, options: Options) -> Source:
    """The image files of a folder and the folders below it. Raises `UserError`."""
    names = []
    others = []
    for folder, _, file_names in files.walk(path):
        visible = [name for name in file_names if not name.startswith(".")]
        names += [os.path.join(folder, name) for name in visible if is_image(name)]
        others += [name for name in visible if not is_image(name)]
    names.sort(key=lambda name: name.replace(os.sep, "\0"))  # by folder, then by name
    left_out = count_endings(others)
    if not names:
        raise UserError(
            f"{word} holds no images{but(left_out)}",
            f"files that end in {', '.join(SUFFIXES)}",
            unknown.source_inside(path) or "name the folder of the images",
        )
    say_left_out(word, left_out)
    name_tensor = tf.constant([os.fsencode(name) for name in names])  # names need not be UTF-8
    decoder = Decoder(pillow.conversion(options.background, options.depth))
    return Source(
        word,
        len(names),
        _identity_of_folder(path, names),
        lambda index: decoder.decode(tf.io.read_file(name_tensor[index]), index),
        contents=lambda index: (names[index], functools.partial(_read_file, names[index])),
        formats=endings(names),
        decoder=decoder,
        left_out=left_out,
        num_subfolders=len({os.path.dirname(name) for name in names} - {str(path)}),
    )


def is_image(name: str) -> bool:
    """Whether a file is an image by its ending."""
    return name.lower().endswith(SUFFIXES)


def _read_file(name: str) -> bytes:
    path = pathlib.Path(name)
    if path.is_symlink() and not path.exists():
        raise FileNotFoundError("a link to a file that does not exist")
    return path.read_bytes()


def _identity_of_folder(path: pathlib.Path, names: list[str]) -> str:
    identity = hashlib.sha256(os.fsencode(path.resolve()))
    for name in names:  # one by one, as there may be millions
        try:
            status = os.stat(name)
        except FileNotFoundError:  # a link that leads nowhere; reading it says so
            status = os.lstat(name)
        mark = [name.removeprefix(str(path)), status.st_size, status.st_mtime_ns]
        identity.update(json.dumps(mark).encode())
    return identity.hexdigest()


def open_zip(word: str, path: pathlib.Path, options: Options) -> Source:
    """The image files of a zip, in the order of a folder. Raises `UserError`."""
    try:
        archive = zipfile.ZipFile(path)
    except files.UNREADABLE as error:
        raise UserError(
            f"{word} is not a readable zip ({error})",
            "a zip of images",
            "create or download it again",
        ) from error
    for member in archive.infolist():
        most_bytes = MAX_FILE_BYTES if is_image(member.filename) else None
        archives.check_zip_member(word, member, most_bytes)
    members = [name for name in archive.namelist() if not is_hidden(name)]
    names = [name for name in members if is_image(name)]
    others = [name for name in members if not is_image(name) and not name.endswith("/")]
    left_out = count_endings(others)
    names.sort(key=lambda name: name.split("/"))  # the order of a folder
    if not names:
        raise without_images(
            f"{word} holds no images{but(left_out)}",
            f"members that end in {', '.join(SUFFIXES)}",
            archive.namelist(),
            "name the zip of the images",
        )

    def fetch(index: int) -> bytes:
        with archive.open(names[index]) as file:
            # Read no more bytes than the zip's directory declares.
            return file.read(archive.getinfo(names[index]).file_size)

    say_left_out(word, left_out)
    source = open_files_inside(word, path, len(names), lambda index: names[index], fetch, options)
    if not all(name.lower().endswith(FIRST_SUFFIXES) for name in names):
        # Version 0.1.0 left these images out, and may have cached statistics without them.
        identity = identity_of(source.identity, endings(names))
        source = dataclasses.replace(source, identity=identity)
    subfolders = {os.path.dirname(name) for name in names} - {""}
    return dataclasses.replace(
        source, formats=endings(names), left_out=left_out, num_subfolders=len(subfolders)
    )


def without_images(found: str, expected: str, names: Iterable[str], cure: str) -> UserError:
    """The error for an archive without images.

    Args:
      found, expected, cure: of the error, unless the archive holds an LMDB, which has its own cure.
      names: of the files in it.
    """
    if any(name.endswith("data.mdb") for name in names):
        cure = "unpack it, and name the folder of its data.mdb"
    return UserError(found, expected, cure)


def is_hidden(name: str) -> bool:
    """Whether a member of an archive is hidden, or is in a hidden folder."""
    return any(part.startswith((".", "__MACOSX")) for part in name.split("/"))


def endings(names: Iterable[str]) -> list[str]:
    """The endings of files, in lower case and sorted, each once."""
    return sorted({os.path.splitext(name)[1].lower() for name in names})


def count_endings(names: Iterable[str]) -> dict[str, int]:
    """{ending: number of files}, the most frequent first; "" stands for none."""
    counts = collections.Counter(os.path.splitext(name)[1].lower() for name in sorted(names))
    return dict(counts.most_common())


def but(left_out: dict[str, int]) -> str:
    """What a message adds that says that there are no images: what there is."""
    return f", but {_shown(left_out)}" if left_out else ""


def _shown(counts: dict[str, int]) -> str:
    """The counts in words, such as "3 .txt, 1 .heic"."""
    shown = list(counts.items())[:_MAX_ENDINGS]
    words = [f"{count:,} {ending or 'without an ending'}" for ending, count in shown]
    if len(counts) > len(shown):
        words.append(f"{sum(counts.values()) - sum(count for _, count in shown):,} others")
    return ", ".join(words)


def say_left_out(word: str, left_out: dict[str, int]) -> None:
    """Says once which files of a source are no images."""
    if left_out:
        say_once(f"{word}: left out: {_shown(left_out)}")


def open_lmdb(word: str, path: pathlib.Path, options: Options) -> Source:
    """The image files that are the values of an LMDB, in the order of its keys. Raises `UserError`.

    Args:
      word: as the user gave it.
      path: the folder of data.mdb.
      options: of the command line.
    """
    path = path / "data.mdb"
    try:
        database = LmdbFile(path)
    except files.UNREADABLE as error:
        raise UserError(
            f"{path} cannot be read ({error})",
            "a complete LMDB, as LSUN publishes them",
            "download it again",
        ) from error
    if not len(database):
        raise UserError(
            f"{path} holds no images", "an LMDB of images", "name the folder of another data.mdb"
        )

    def name(index: int) -> str:
        return database.key(index).decode(errors="replace")

    return open_files_inside(word, path, len(database), name, database.value, options)


def open_files_inside(
    word: str,
    path: pathlib.Path,
    num_images: int,
    name: Callable[[int], str],
    fetch: Callable[[int], bytes],
    options: Options,
) -> Source:
    """The `Source` of encoded images inside one file, which gives it its identity.

    Args:
      word, num_images, name, fetch, options: as in `of_encoded`.
      path: the file.
    """
    return of_encoded(word, identity_of_files(path), num_images, name, fetch, options)


def of_encoded(
    word: str,
    identity: str,
    num_images: int,
    name: Callable[[int], str],
    fetch: Callable[[int], bytes],
    options: Options,
) -> Source:
    """The `Source` of encoded images.

    Args:
      word: as the user gave it.
      identity: of the `Source`.
      num_images: number of images.
      name: function of an index that returns the image's name.
      fetch: function of an index that returns the image's encoded bytes.
      options: of the command line.
    """
    decoder = Decoder(pillow.conversion(options.background, options.depth))

    def read(index: tf.Tensor) -> tf.Tensor:
        encoded = tf.numpy_function(fetch, [index], tf.string, stateful=False)
        return decoder.decode(tf.ensure_shape(encoded, ()), index)

    def contents(index: int) -> tuple[str, Callable[[], bytes]]:
        return f"{word}:{name(index)}", functools.partial(fetch, index)

    return Source(word, num_images, identity, read, contents=contents, decoder=decoder)
