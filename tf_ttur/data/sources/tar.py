"""Encoded images in tarballs: one tarball, or shards as webdataset writes them."""

import dataclasses
import functools
import os
import pathlib
import re
import tarfile
from collections.abc import Callable, Iterator
from typing import BinaryIO, NamedTuple

from tf_ttur.data import published_archives
from tf_ttur.data.formats import SUFFIXES
from tf_ttur.data.sources import SOURCES, on_disk, refuse_unused
from tf_ttur.data.sources.arrays import open_cifar10
from tf_ttur.data.sources.source import Options, Source, identity_of_files
from tf_ttur.errors import UserError
from tf_ttur.io import archives, files

MAX_GZIPPED_BYTES = archives.FREE_BYTES  # of image files of compressed tarballs, kept in memory
MAX_SHARDS = 100_000

_RANGE = re.compile(r"\{(\d+)\.\.(\d+)\}")


class _IsCifar10(Exception):
    """A tarball is CIFAR-10 as published."""


class _File(NamedTuple):
    """A file in a tarball.

    Attributes:
      name: of the file.
      read: function without arguments that returns the bytes of an image file; None for others.
      num_bytes: that it takes in memory.
    """

    name: str
    read: Callable[[], bytes] | None = None
    num_bytes: int = 0


def open_tar(word: str, path: pathlib.Path, options: Options) -> Source:
    """The image files of a tarball, in the order of a folder; or CIFAR-10 as published.

    A plain tarball is read where its files lie in it. Of a compressed one the image files are kept
    in memory, up to `MAX_GZIPPED_BYTES`.

    Raises:
      UserError: it cannot be read, is not safe, is too large, or holds no images; or it is
        CIFAR-10, and an option is for image files.
    """
    try:
        return _open_tars(word, [path], options)
    except _IsCifar10:
        given = {name: name for name in sorted(SOURCES["tar"].uses) if getattr(options, name)}
        called = f"{word}, which is CIFAR-10 as published"
        refuse_unused(given, [(called, SOURCES["cifar10"].uses)])
        return open_cifar10(word, path, options)


def open_shards(word: str, path: pathlib.Path, options: Options) -> Source:
    """The image files of numbered tarballs such as shard-{000..009}.tar, one after the other.

    Raises:
      UserError: as in `open_tar`, or a shard is missing.
    """
    shards = [pathlib.Path(name) for name in _expand(word, str(path))]
    missing = [str(shard) for shard in shards if not shard.is_file()]
    if missing:
        listed = ", ".join(missing[:3]) + (", ..." if len(missing) > 3 else "")
        raise UserError(
            f"{word} names {len(shards)} shards, and {len(missing)} of them are missing: {listed}",
            "all of them",
            "correct the range, or put the shards there",
        )
    try:
        return _open_tars(word, shards, options)
    except _IsCifar10 as error:
        raise UserError(
            f"{word} names CIFAR-10 as published",
            "tarballs of image files",
            "name its one archive",
        ) from error


def _expand(word: str, text: str) -> list[str]:
    """The names that a shell makes of a word with {000..009}."""
    matched = _RANGE.search(text)
    if not matched:
        return [text]
    first = int(matched[1])
    last = int(matched[2])
    if not first <= last < first + MAX_SHARDS:
        raise UserError(
            f"{word} has the range {matched[0]}",
            f"FIRST..LAST, with at most {MAX_SHARDS:,} numbers",
            "correct it",
        )
    width = len(matched[1]) if matched[1].startswith("0") else 0
    before = text[: matched.start()]
    after = text[matched.end() :]
    return [
        name
        for number in range(first, last + 1)
        for name in _expand(word, f"{before}{number:0{width}d}{after}")
    ]


def _open_tars(word: str, paths: list[pathlib.Path], options: Options) -> Source:
    images: list[_File] = []
    others: list[str] = []
    num_bytes = 0
    for path in paths:
        of_path: dict[str, _File] = {}  # as for tar, the last file of a name counts
        for file in _files(word, path):
            num_bytes += file.num_bytes
            if num_bytes > MAX_GZIPPED_BYTES:
                raise _too_large(word)
            if file.read:
                of_path[file.name] = file
            elif not on_disk.is_hidden(file.name):
                others.append(file.name)
        images += [of_path[name] for name in sorted(of_path, key=lambda name: name.split("/"))]

    def fetch(index: int) -> bytes:
        read = images[index].read
        assert read is not None  # as of every image
        return read()

    left_out = on_disk.count_endings(others)
    if not images:
        raise on_disk.without_images(
            f"{word} is a tarball without images{on_disk.but(left_out)}",
            f"members that end in {', '.join(SUFFIXES)}; or CIFAR-10 as published",
            others,
            "name the tarball of the images",
        )
    on_disk.say_left_out(word, left_out)
    source = on_disk.open_files_inside(
        word,
        paths[0],
        len(images),
        lambda index: images[index].name,
        fetch,
        options,
    )
    return dataclasses.replace(
        source,
        identity=identity_of_files(*paths),
        formats=on_disk.endings(image.name for image in images),
        left_out=left_out,
    )


def _too_large(word: str) -> UserError:
    gib = MAX_GZIPPED_BYTES / 2**30
    return UserError(
        f"{word} is compressed, and its images take more than {gib:g} GiB",
        "a plain tarball, whose images can be read one by one",
        "decompress it: gunzip FILE.tar.gz",
    )


def _files(word: str, path: pathlib.Path) -> Iterator[_File]:
    """The files of a tarball. Raises `UserError` if it cannot be read or is not safe."""
    try:
        yield from (
            _of_compressed(word, path) if archives.is_gzipped(path) else _of_plain(word, path)
        )
    except files.UNREADABLE as error:
        raise UserError(
            f"{word} cannot be read ({error})",
            "a whole tarball of images, plain or compressed with gzip; or CIFAR-10 as published",
            "download or create it again",
        ) from error


def _of_plain(word: str, path: pathlib.Path) -> Iterator[_File]:
    # It stays open, because the images are read later.
    file = open(path, "rb")  # noqa: SIM115
    for member in archives.members_of_plain_tar(path):
        if _is_image(word, member):
            read = functools.partial(os.pread, file.fileno(), member.size, member.offset_data)
            yield _File(member.name, read=functools.partial(_read, file, read))
        elif member.isfile():
            yield _File(member.name)


def _read(file: BinaryIO, read: Callable[[], bytes]) -> bytes:
    """Reads from a file, which it keeps from being closed."""
    return read()


def _of_compressed(word: str, path: pathlib.Path) -> Iterator[_File]:
    with archives.open_tar(path) as archive:
        for member in archive:
            if _is_image(word, member):
                stream = archive.extractfile(member)
                assert stream is not None  # because it is a regular file
                content = stream.read()
                yield _File(member.name, functools.partial(bytes, content), len(content))
            elif member.isfile():
                yield _File(member.name)


def _is_image(word: str, member: tarfile.TarInfo) -> bool:
    """Whether a member is an image file to be read.

    Raises:
      UserError: it is not safe.
      _IsCifar10: it is a batch of CIFAR-10.
    """
    archives.check_member_name(word, member.name)
    if published_archives.is_batch(member.name):
        raise _IsCifar10
    if not on_disk.is_image(member.name) or on_disk.is_hidden(member.name) or member.isdir():
        return False
    if member.issparse():
        raise UserError(
            f"{word} has the sparse file {member.name}", "plain files", "create the tarball again"
        )
    archives.check_tar_member(word, member, member.name, on_disk.MAX_FILE_BYTES)
    return True
