"""Lines of text as codes of characters: the One Billion Word benchmark, or other shards with a
sentence a line.

A line is cut after `length` characters (Unicode code points, as they are) and filled up with
back-ticks; no line is left out, and an empty one is all back-ticks. Code 0 is the token "unk"; the
characters follow by falling frequency in the lines so made, ties by code point, and those that find
no room in the vocabulary become code 0.

Lines come from

  a folder    searched recursively for shards whose names match a glob, in the order of their paths; hidden ones are left out,
              and those in a folder heldout-*, which the benchmark names like the shards of its
              training part
  a tarball   .tar, .tar.gz or .tgz with such shards, in the same order; what is no regular file in it is no shard
  a prepared folder, which `prepare` made of either: its codes are compared with their digest, and
  then read from disk as they are
              needed

A shard is UTF-8, plain or gzipped. Both "\\n" and "\\r\\n" end a line; a byte order mark at the
start is no part of the text. Shards without a line are left out, and `Lines.skipped` names them;
one that is damaged, not UTF-8, or there twice is refused.
"""

import codecs
import fnmatch
import functools
import gzip
import hashlib
import json
import pathlib
import tempfile
import warnings
from typing import Any

import numpy as np
import tensorflow as tf

from tf_ttur.data import archives, order
from tf_ttur.errors import UserError
from tf_ttur.io import console
from tf_ttur.io.files import UNREADABLE, atomic, check_writable, version, walk

FILES, MAX_LINES, LENGTH, MAX_SYMBOLS = "news.en-*", 10_000_000, 32, 2048
UNKNOWN, PADDING = "unk", "`"

_TARBALLS = (".tar", ".tar.gz", ".tgz")
_CODES, _RECORD = "lines.npy", "prepared.json"
_BLOCK = 2**23  # codes at a time, at most; bounds the memory that reading takes beside the result
_NEWLINE, _RETURN = ord("\n"), ord("\r")


class Lines:
    """The lines of a folder of shards, a tarball of shards, or a prepared folder.

    Attributes:
      codes: (n, length) uint16; of a prepared folder memory-mapped.
      vocabulary: tuple of what the codes stand for; "unk" first.
      num_lines, num_examples: n.
      word: the path as it was given.
      skipped: names of the shards that were empty.
    """

    def __init__(
        self, path, files=FILES, max_lines=MAX_LINES, length=LENGTH, max_symbols=MAX_SYMBOLS
    ):
        """Reads all lines; those of a prepared folder only to see that they are whole.

        Args:
          path: see the top of this file.
          files: glob of the shards' names; of no meaning for a prepared folder.
          max_lines: where reading ends.
          length: characters of a line.
          max_symbols: entries of the vocabulary at most, "unk" included; up to 65535.

        Raises:
          UserError: nothing there, nothing that matches, a shard that is damaged or not UTF-8, or a
            folder that was prepared with other settings.
        """
        self.word = str(path)
        settings = {"max_lines": max_lines, "length": length, "max_symbols": max_symbols}
        folder = pathlib.Path(path).expanduser()
        if is_prepared(folder):
            self.codes, self.vocabulary, self.skipped, self.digest = _open_prepared(
                folder, self.word, settings
            )
        else:
            self.codes, self.vocabulary, self.skipped = _read(folder, self.word, files, **settings)
        self.num_lines = self.num_examples = len(self.codes)

    @functools.cached_property
    def digest(self):
        """Hex of the SHA-256 of the codes."""
        return _digest(self.codes)

    @property
    def identity(self):
        """A string that changes with the codes or what they stand for."""
        return hashlib.sha256(
            json.dumps([self.digest, self.codes.shape, self.vocabulary]).encode()
        ).hexdigest()

    def batches(self, seed, first, stride, batch_size, wanted=None):
        """A `tf.data.Dataset` of shuffled batches without end: int32 (batch_size, length).

        Args:
          seed, first, stride, batch_size, wanted: as in `order.batch_indices`, which says what a
            batch holds.
        """
        self.check_batches(batch_size * stride)
        shape = batch_size, self.codes.shape[1]

        def gather(indices):  # in NumPy, as a tensor of the codes would be a second copy
            codes = tf.numpy_function(
                lambda chosen: np.asarray(self.codes[chosen], np.int32),
                [indices],
                tf.int32,
                stateful=False,
            )
            return tf.ensure_shape(codes, shape)

        indices = order.batch_indices(seed, first, stride, batch_size, self.num_lines, wanted)
        return indices.map(gather).prefetch(tf.data.AUTOTUNE)

    def encode(self, batch):
        """A batch as the discriminator takes it: one-hot, float32 (n, length, symbols)."""
        return tf.one_hot(batch, len(self.vocabulary))

    def check_batches(self, lines_per_update):
        """Makes sure that `batches` can give that many lines for each update.

        Raises:
          UserError: there are fewer.
        """
        if self.num_lines < lines_per_update:
            raise UserError(
                f"{self.word} has {self.num_lines} lines",
                f"at least the {lines_per_update} of one update",
                "lower config.batch_size or config.discriminator.steps, or name a larger data set",
            )

    def explain(self, error, indices):
        """Does nothing: whatever can be wrong with lines was found when they were opened."""

    def decode(self, codes):
        """The strings of (n, length) codes; padding stays, and code 0 gives "unk"."""
        return [
            "".join(map(self.vocabulary.__getitem__, line)) for line in np.asarray(codes).tolist()
        ]


def is_prepared(path):
    """Whether a path is a folder that `prepare` wrote, as far as can be told without reading."""
    return (pathlib.Path(path).expanduser() / _RECORD).is_file()


def prepare(path, output, files=FILES, max_lines=MAX_LINES, length=LENGTH, max_symbols=MAX_SYMBOLS):
    """Writes the lines of a folder or tarball into a folder that `Lines` opens without reading the
    shards again; as a whole or not at all.

    Args:
      path, files, max_lines, length, max_symbols: as in `Lines`.
      output: the folder to write. If it is there and was made of the same files with the same
        settings, it is left.

    Returns:
      What is in the folder, in one line.

    Raises:
      UserError: as `Lines`, or `output` holds something else.
    """
    path, output = pathlib.Path(path).expanduser(), pathlib.Path(output).expanduser()
    marks = [
        (str(name), (stat := file.stat()).st_size, stat.st_mtime_ns)
        for name, file in _find(path, str(path), files)
    ]
    recipe = {"source": str(path.resolve()), "shards": marks, "files": files}
    recipe |= {"max_lines": max_lines, "length": length, "max_symbols": max_symbols}
    recipe = json.loads(json.dumps(recipe))  # as it will be read
    if found := _prepared_already(output, recipe):
        return f"{_describe(found)}; was there already: {output}"
    check_writable(output)
    lines = Lines(path, files, max_lines, length, max_symbols)
    record = {
        "num_lines": lines.num_lines,
        "digest": lines.digest,
        "skipped": lines.skipped,
        "versions": {"tf_ttur": version(), "numpy": np.__version__},
        "recipe": recipe,
        "vocabulary": lines.vocabulary,
    }
    with tempfile.TemporaryDirectory(dir=output.parent, prefix=f".{output.name}.") as temporary:
        whole = pathlib.Path(temporary) / "whole"
        with atomic(whole / _CODES) as file:
            np.save(file, lines.codes)
        with atomic(whole / _RECORD, "w") as file:
            json.dump(record, file, indent=1)
        whole.rename(output)
    return f"{_describe(record)}: {output}"


def _digest(codes):
    return hashlib.sha256(codes).hexdigest()


def _describe(record):
    recipe = record["recipe"]
    return f"{record['num_lines']:,} lines of {recipe['length']} characters, {len(record['vocabulary'])} symbols, from {recipe['source']}"


def _prepared_already(output, recipe):
    """The record of `output` if it was made by this recipe; None if nothing is there."""
    if not output.exists() or output.is_dir() and not any(output.iterdir()):
        return None
    expected, cure = (
        "a new folder, or one prepared from the same files with the same settings",
        "choose another folder, or remove this one",
    )
    if not (output / _RECORD).is_file():
        raise UserError(f"{output} holds something else", expected, cure)
    record = _read_record(output, str(output))
    differing = [key for key in recipe if record["recipe"].get(key) != recipe[key]]
    if differing:
        raise UserError(f"{output} was prepared with other {', '.join(differing)}", expected, cure)
    return record


def _read_record(folder, word):
    try:
        record = json.loads((folder / _RECORD).read_text())
        kinds = {
            "num_lines": int,
            "digest": str,
            "skipped": list,
            "recipe": dict,
            "vocabulary": list,
        }
        if all(isinstance(record.get(key), kind) for key, kind in kinds.items()):
            return record
        reason = "it is of images" if "num_images" in record else "unknown content"
    except (*UNREADABLE, KeyError) as error:
        reason = error
    raise UserError(
        f"{word}/{_RECORD} cannot be read ({reason})",
        "lines that tf-ttur prepare wrote",
        "name another folder, or prepare it anew",
    )


def _open_prepared(folder, word, settings):
    record = _read_record(folder, word)
    made = {key: record["recipe"].get(key) for key in settings}
    if made != settings:
        keys = {"max_lines": "max_lines", "length": "line_length", "max_symbols": "max_symbols"}
        differing = [key for key in settings if made[key] != settings[key]]
        raise UserError(
            f"{word} was prepared with {', '.join(f'{key} {made[key]}' for key in differing)}",
            ", ".join(f"config.data.{keys[key]} = {settings[key]}" for key in differing),
            f"set {', '.join(f'config.data.{keys[key]} = {made[key]}' for key in differing)}, or name the shards themselves",
        )
    vocabulary = tuple(record["vocabulary"])
    expected, cure = (
        f"{record['num_lines']} lines of {settings['length']} codes",
        "remove the folder and prepare it anew",
    )
    try:
        codes = np.load(folder / _CODES, mmap_mode="r", allow_pickle=False)
    except UNREADABLE as error:
        raise UserError(f"{word}/{_CODES} cannot be read ({error})", expected, cure) from error
    if codes.dtype != np.uint16 or codes.shape != (record["num_lines"], settings["length"]):
        raise UserError(
            f"{word}/{_CODES} holds {codes.dtype} of shape {codes.shape}", expected, cure
        )
    if _digest(codes) != record["digest"]:
        raise UserError(f"{word}/{_CODES} is not what was written there", expected, cure)
    if not all(isinstance(symbol, str) for symbol in vocabulary) or codes.max() >= len(vocabulary):
        raise UserError(
            f"{word}/{_RECORD} has a vocabulary of {len(vocabulary)} symbols",
            f"a string for each code up to {codes.max()}",
            cure,
        )
    return codes, vocabulary, record["skipped"], record["digest"]


def _read(path, word, files, max_lines, length, max_symbols):
    """Reads shards. Returns the codes, the vocabulary, and the names of empty shards."""
    alphabet, parts, empty = _Alphabet(word), {}, []
    with console.bar() as display:
        task = display.add_task(f"reading {word}", total=max_lines)
        for name, open_shard in _shards(path, word, files):
            # A tarball has its shards in any order, so those that come first by path may push out
            # what was read before.
            wanted = max_lines - sum(
                _count(blocks) for other, blocks in parts.items() if other < name
            )
            if wanted <= 0:
                continue
            parts[name] = []
            for block in _joined(
                map(alphabet.encode, _read_shard(open_shard, f"{word}/{name}", length, wanted))
            ):
                parts[name].append(block)
                display.advance(task, len(block))
            if not parts[name]:
                empty.append(str(name))
            _trim(parts, max_lines)
    if empty:
        warnings.warn(
            f"{word}: {len(empty)} of {len(parts)} shards are empty and left out: {_some(empty)}",
            stacklevel=3,
        )
    blocks = [block for name in sorted(parts) for block in parts.pop(name)]
    if not blocks:
        raise UserError(
            f"all shards of {word} are empty", "lines of text", "name the folder of the text"
        )
    vocabulary, final = alphabet.vocabulary(blocks, max_symbols)
    codes = np.empty((_count(blocks), length), np.uint16)
    end = len(codes)
    while blocks:  # from the last one on, each given back to the system when it is copied
        block = blocks.pop()
        codes[end - len(block) : end] = final[block]
        end -= len(block)
    return codes, vocabulary, empty


def _joined(blocks):
    """Joins small blocks, as the C library keeps the space of small arrays for itself when they are
    deleted.
    """
    waiting = []
    for block in blocks:
        waiting.append(block)
        if sum(block.size for block in waiting) >= _BLOCK:
            yield np.concatenate(waiting)
            waiting = []
    if waiting:
        yield np.concatenate(waiting)


def _count(blocks):
    return sum(map(len, blocks))


def _trim(parts, max_lines):
    """Drops, in place, all but the first lines in the order of the names."""
    left = max_lines
    for name in sorted(parts):
        kept = []
        for block in parts[name]:
            if left > 0:
                kept.append(block[:left])
            left -= len(block)
        parts[name] = kept


class _Alphabet:
    """Provisional codes of characters, from 1 on as they are met; the final ones need all lines to
    be known.
    """

    def __init__(self, word):
        self._word = word
        self._codes = np.zeros(0x110000, np.uint16)  # of every code point
        self._points = []

    def encode(self, points):
        codes = self._codes[points]
        if not codes.all():
            new = np.unique(points[codes == 0])
            first = len(self._points) + 1
            if first + len(new) > 2**16:
                raise UserError(
                    f"{self._word} has more than {2**16 - 1} different characters",
                    "text",
                    "name a folder of text",
                )
            self._codes[new] = np.arange(first, first + len(new))
            self._points.extend(new.tolist())
            codes = self._codes[points]
        return codes

    def vocabulary(self, blocks, max_symbols):
        """(vocabulary of the provisional codes in blocks, final code of each provisional one)."""
        counts = np.zeros(len(self._points) + 1, np.int64)
        for block in blocks:
            counts += np.bincount(block.ravel(), minlength=len(counts))
        ranked = np.lexsort(
            ([0, *self._points], -counts)
        )  # falling counts, then rising code points
        ranked = ranked[counts[ranked] > 0][: max_symbols - 1]
        final = np.zeros(len(counts), np.uint16)
        final[ranked] = np.arange(1, len(ranked) + 1)
        return (UNKNOWN, *(chr(self._points[code - 1]) for code in ranked)), final


def _find(path, word, files):
    """The files to read: [(name, path)], the shards of a folder in order, or the one tarball."""
    if path.is_file() and path.name.endswith(_TARBALLS):
        return [(pathlib.PurePosixPath(path.name), path)]
    if not path.is_dir():
        found = f"{word} is a file of another kind" if path.exists() else f"{word} does not exist"
        raise UserError(
            found,
            "a folder of shards, a .tar, .tar.gz or .tgz of them, or a prepared folder",
            "correct config.data.dir",
        )
    found, others = [], []
    for folder, _, names in walk(path):
        for file in (pathlib.Path(folder, name) for name in names):
            name = pathlib.PurePosixPath(file.relative_to(path).as_posix())
            (found if _matches(name, files) else others).append((name, file))
    if not found:
        raise _no_shards(word, files, [str(name) for name, _ in sorted(others)])
    known = set()
    for name, _ in found:
        _check_new(word, name, known)
    return sorted(found)


def _check_new(word, name, known):
    """Adds a shard to the known ones; refuses one that is there already, plain or as .gz."""
    plain = name.with_suffix("") if name.suffix == ".gz" else name
    if plain in known:
        raise UserError(
            f"{word} holds {plain} more than once, plain or as .gz",
            "every shard once",
            "remove all but one",
        )
    known.add(plain)


def _matches(name, files):
    left_out = any(part.startswith(".") for part in name.parts) or any(
        part.startswith("heldout-") for part in name.parts[:-1]
    )
    return fnmatch.fnmatchcase(name.name, files) and not left_out


def _no_shards(word, files, others):
    found = f"{word} holds nothing whose name matches {files!r}; it holds {_some(others) or 'no files at all'}"
    cure = "correct config.data.dir, or set config.data.files to a glob of the shards"
    return UserError(found, "shards of lines, such as news.en-00001-of-00100", cure)


def _some(names):
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def _shards(path, word, files):
    """Yields (name, function that opens it) of every shard; of a tarball in its own order, and to
    be opened at once.
    """
    found = _find(path, word, files)
    if path.is_dir():
        for name, file in found:
            yield name, functools.partial(open, file, "rb")
        return
    others, known = [], set()
    try:
        with archives.whole_tar(path) as archive:
            for member in archive:
                archives.check_member(word, member.name)
                name = pathlib.PurePosixPath(member.name)
                if _matches(name, files) and not member.isdir():
                    archives.check_plain(word, member, name)
                    _check_new(word, name, known)
                    yield name, functools.partial(archive.extractfile, member)
                elif len(others) < 100:
                    others.append(member.name)
    except UNREADABLE as error:
        raise UserError(
            f"{word} cannot be read ({error})", "a whole tarball", "copy or download it anew"
        ) from error
    if not known:
        raise _no_shards(word, files, others)


def _read_shard(open_shard, name, length, wanted):
    """Yields the lines of a shard, cut and filled up, until there are as many as wanted: uint32 (n,
    length) code points.
    """
    rest = np.empty(0, np.uint32)
    for points in _code_points(open_shard, name, max(_BLOCK // length, 2**12)):
        points = np.concatenate([rest, points])
        ends = np.flatnonzero(points == _NEWLINE)
        if len(ends):
            yield _cut(points, ends, length)
            wanted -= len(ends)
            if wanted <= 0:
                return
            points = points[ends[-1] + 1 :]
        # Of an unfinished line no more can count than these: `length` characters, and one that
        # tells that it is longer.
        rest = points[: length + 1].copy()
    if len(rest):
        yield _cut(rest, np.array([len(rest)]), length)


def _cut(points, ends, length):
    """(n, length) code points of the lines that end before the positions `ends`."""
    starts = np.concatenate([[0], ends[:-1] + 1])
    lengths = ends - starts
    lengths -= (lengths > 0) & (points[ends - 1] == _RETURN)
    points = np.concatenate([points, np.zeros(length, points.dtype)])
    lines = np.lib.stride_tricks.sliding_window_view(points, length)[starts]
    lines[np.arange(length) >= lengths[:, None]] = ord(PADDING)
    return lines


def _code_points(open_shard, name, size):
    """Yields the text of a shard as uint32 code points, decoded from `size` bytes at a time."""
    decoder, line, more = codecs.getincrementaldecoder("utf-8-sig")(), 1, True
    try:
        with open_shard() as stream:
            zipped = name.endswith(".gz") or stream.peek(2).startswith(b"\x1f\x8b")
            stream = gzip.GzipFile(fileobj=stream) if zipped else stream
            while more:
                content = stream.read(size)
                more = bool(content)
                text = decoder.decode(content, final=not more)
                line += text.count("\n")
                yield np.frombuffer(text.encode("utf-32-le"), "<u4")
    except UnicodeDecodeError as error:
        line += error.object.count(b"\n", 0, error.start)
        found = f"{name} is not UTF-8: {error.reason} in line {line:,}"
        raise UserError(found, "text in UTF-8", "convert it, for example with iconv") from error
    except UNREADABLE as error:
        raise UserError(
            f"{name} cannot be read ({error})",
            "a whole shard, plain or gzipped",
            "copy or download it anew",
        ) from error


def open_for_training(data: Any) -> Lines:
    """The lines that `config.data` names. Raises `UserError` if there are none."""
    return Lines(data.dir, data.files, data.max_lines, data.line_length, data.max_symbols)
