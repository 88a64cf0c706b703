"""Finds shards of text, and reads their lines as code points.

Shards come from

  a folder    searched recursively for files whose names match a glob, in the order of their paths.
              Hidden files are left out, and so are files in a folder heldout-*: the One Billion
              Word benchmark gives them the same names as the shards of its training part
  TFDS        tfds:NAME/SPLIT, a data set of TensorFlow Datasets with texts: one shard
  a tarball   .tar, .tar.gz or .tgz with such files, in the same order; only its regular files are
              shards

A shard is UTF-8, plain or gzipped. Both "\\n" and "\\r\\n" end a line. A byte order mark at the
start is not part of the text.
"""

import codecs
import fnmatch
import functools
import gzip
import pathlib
import tarfile
from collections.abc import Callable, Iterator, Sequence
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from tf_ttur.errors import UserError
from tf_ttur.io import archives
from tf_ttur.io.files import UNREADABLE, walk

if TYPE_CHECKING:
    from tf_ttur.data.sources.tfds_text import TextSplit

PADDING = "`"
BLOCK = 2**23  # maximum number of codes at a time; limits the memory needed besides the result

_TARBALLS = (".tar", ".tar.gz", ".tgz")
_NEWLINE = ord("\n")
_RETURN = ord("\r")
_MOST_NAMED = 100  # how many other members of a tarball are remembered for a message

Name = pathlib.PurePosixPath
OpenShard = Callable[[], IO[bytes]]


def find_files(path: pathlib.Path, word: str, files: str) -> list[tuple[Name, pathlib.Path]]:
    """The files to read.

    Args:
      path: a folder or a tarball.
      word: how messages call it.
      files: glob of the shards' names.

    Returns:
      [(name, path)] of the shards of a folder in their order, or of the tarball alone.

    Raises:
      UserError: the path does not exist, holds no shard, or holds a shard twice.
    """
    if path.is_file() and path.name.endswith(_TARBALLS):
        return [(Name(path.name), path)]
    if not path.is_dir():
        problem = "is a file of another kind" if path.exists() else "does not exist"
        raise UserError(
            f"{word} {problem}",
            "a folder of shards, a .tar, .tar.gz or .tgz of them, a prepared folder, or "
            "tfds:NAME/SPLIT",
            "correct config.data.dir",
        )
    shards: list[tuple[Name, pathlib.Path]] = []
    others: list[tuple[Name, pathlib.Path]] = []
    for folder, _, file_names in walk(path):
        for file_name in file_names:
            file = pathlib.Path(folder, file_name)
            name = Name(file.relative_to(path).as_posix())
            (shards if _matches(name, files) else others).append((name, file))
    if not shards:
        raise _no_shards(word, files, [str(name) for name, _ in sorted(others)])
    seen: set[Name] = set()
    for name, _ in shards:
        _check_new(word, name, seen)
    return sorted(shards)


def open_shards(path: pathlib.Path, word: str, files: str) -> Iterator[tuple[Name, OpenShard]]:
    """Yields every shard and a function that opens it.

    The shards of a tarball come in the order of the tarball. Each must be read before the next one
    is taken.

    Args:
      path, word, files: as in `find_files`.

    Yields:
      (name, function without arguments that returns the open binary file).

    Raises:
      UserError: as in `find_files`, or the tarball is damaged.
    """
    if is_tfds(word):
        split = _open_tfds(word)
        yield Name(split.name), split.open
        return
    shards = find_files(path, word, files)
    if path.is_dir():
        for name, file in shards:
            yield name, functools.partial(_open_file, file)
        return
    others: list[str] = []
    seen: set[Name] = set()
    try:
        with archives.open_tar(path) as archive:
            for member in archive:
                archives.check_member_name(word, member.name)
                name = Name(member.name)
                if _matches(name, files) and not member.isdir():
                    archives.check_tar_member(word, member, name)
                    _check_new(word, name, seen)
                    yield name, functools.partial(_open_member, archive, member)
                elif len(others) < _MOST_NAMED:
                    others.append(member.name)
    except UNREADABLE as error:
        raise UserError(
            f"{word} cannot be read ({error})", "a whole tarball", "copy or download it again"
        ) from error
    if not seen:
        raise _no_shards(word, files, others)


def is_tfds(word: str) -> bool:
    """Whether a word names a data set of TFDS, of which `files` is no glob."""
    return word.startswith("tfds:")


def marks(path: pathlib.Path, word: str, files: str) -> list[tuple[str, int, int]]:
    """Name, size and time of each file, which show whether shards have changed.

    Args:
      path, word, files: as in `find_files`. A data set of TFDS has its full name and the number of
        its texts, and no time.
    """
    if is_tfds(word):
        split = _open_tfds(word)
        return [(split.name, split.num_texts, 0)]
    found = []
    for name, file in find_files(path, word, files):
        status = file.stat()
        found.append((str(name), status.st_size, status.st_mtime_ns))
    return found


def _open_tfds(word: str) -> "TextSplit":
    from tf_ttur.data.sources.tfds_text import TextSplit  # imports TensorFlow

    return TextSplit(word)


def _open_file(path: pathlib.Path) -> IO[bytes]:
    return path.open("rb")


def _open_member(archive: tarfile.TarFile, member: tarfile.TarInfo) -> IO[bytes]:
    file = archive.extractfile(member)
    assert file is not None  # because it is a regular file
    return file


def _check_new(word: str, name: Name, seen: set[Name]) -> None:
    """Adds a shard to those seen; refuses a shard that was seen before, plain or as .gz."""
    plain = name.with_suffix("") if name.suffix == ".gz" else name
    if plain in seen:
        raise UserError(
            f"{word} holds {plain} more than once, plain or as .gz",
            "every shard once",
            "remove all but one",
        )
    seen.add(plain)


def _matches(name: Name, files: str) -> bool:
    is_hidden = any(part.startswith(".") for part in name.parts)
    is_held_out = any(part.startswith("heldout-") for part in name.parts[:-1])
    return fnmatch.fnmatchcase(name.name, files) and not is_hidden and not is_held_out


def _no_shards(word: str, files: str, others: Sequence[str]) -> UserError:
    there = first_few(others) or "no files at all"
    return UserError(
        f"{word} holds nothing whose name matches {files!r}; it holds {there}",
        "shards of lines, such as news.en-00001-of-00100",
        "correct config.data.dir, or set config.data.files to a glob of the shards",
    )


def first_few(names: Sequence[str]) -> str:
    """The first of some names, for messages."""
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return ", ".join(names[:5]) + more


def read_lines(
    open_shard: OpenShard, name: str, length: int, max_lines: int
) -> Iterator[np.ndarray]:
    """Yields the lines of a shard, cut and padded.

    Args:
      open_shard: function that opens the shard.
      name: how messages call the shard.
      length: characters per line.
      max_lines: reading ends with the block that reaches this number of lines.

    Yields:
      uint32 (n, length) code points.

    Raises:
      UserError: the shard is damaged, or not UTF-8.
    """
    rest = np.empty(0, np.uint32)
    for points in _code_points(open_shard, name, max(BLOCK // length, 2**12)):
        points = np.concatenate([rest, points])
        ends = np.flatnonzero(points == _NEWLINE)
        if len(ends):
            yield _cut(points, ends, length)
            max_lines -= len(ends)
            if max_lines <= 0:
                return
            points = points[ends[-1] + 1 :]
        # Only these characters of an unfinished line matter: the first `length`, and one more that
        # shows that the line is longer.
        rest = points[: length + 1].copy()
    if len(rest):
        yield _cut(rest, np.array([len(rest)]), length)


def _cut(points: np.ndarray, ends: np.ndarray, length: int) -> np.ndarray:
    """The lines that end before the positions `ends`: (n, length) code points."""
    starts = np.concatenate([[0], ends[:-1] + 1])
    lengths = ends - starts
    lengths -= (lengths > 0) & (points[ends - 1] == _RETURN)
    points = np.concatenate([points, np.zeros(length, points.dtype)])
    lines = np.lib.stride_tricks.sliding_window_view(points, length)[starts]
    lines[np.arange(length) >= lengths[:, None]] = ord(PADDING)
    return lines


def _code_points(open_shard: OpenShard, name: str, num_bytes: int) -> Iterator[np.ndarray]:
    """Yields the text of a shard as uint32 code points, decoded from `num_bytes` at a time."""
    decoder = codecs.getincrementaldecoder("utf-8-sig")()
    line = 1
    has_more = True
    try:
        with open_shard() as file:
            stream = _unzipped(file, name)
            while has_more:
                content = stream.read(num_bytes)
                has_more = bool(content)
                text = decoder.decode(content, final=not has_more)
                line += text.count("\n")
                yield np.frombuffer(text.encode("utf-32-le"), "<u4")
    except UnicodeDecodeError as error:
        line += error.object.count(b"\n", 0, error.start)
        raise UserError(
            f"{name} is not UTF-8: {error.reason} in line {line:,}",
            "text in UTF-8",
            "convert it, for example with iconv",
        ) from error
    except UNREADABLE as error:
        raise UserError(
            f"{name} cannot be read ({error})",
            "a whole shard, plain or gzipped",
            "copy or download it again",
        ) from error


def _unzipped(file: Any, name: str) -> IO[bytes] | gzip.GzipFile:
    is_gzipped = name.endswith(".gz") or file.peek(2).startswith(b"\x1f\x8b")
    return gzip.GzipFile(fileobj=file) if is_gzipped else file
