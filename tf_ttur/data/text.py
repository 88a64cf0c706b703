"""Lines of text as codes of characters: the One Billion Word benchmark, or other shards with one
sentence per line.

A line is cut after `length` characters (Unicode code points, as they are) and padded with
back-ticks. No line is left out; an empty one is all back-ticks. `coding.py` says how characters
become codes, and `shards.py` where lines come from: a folder or a tarball. They also come from a
prepared folder, which `prepare` wrote: its codes are compared with their digest, and then read from
disk as needed.

Shards without a line are left out, and `Lines.skipped` names them; one that is damaged, not UTF-8,
or there twice is refused.
"""

import functools
import hashlib
import json
import pathlib
import tempfile
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import tensorflow as tf

from tf_ttur.data import coding, order, shards
from tf_ttur.errors import UserError
from tf_ttur.io.files import UNREADABLE, atomic, check_writable, version

FILES = "news.en-*"
MAX_LINES = 10_000_000
LENGTH = 32
MAX_SYMBOLS = 2048

_CODES = "lines.npy"
_RECORD = "prepared.json"
_RECORD_TYPES = {
    "num_lines": int,
    "digest": str,
    "skipped": list,
    "recipe": dict,
    "vocabulary": list,
}
# {setting: its config key below `data`}
_CONFIG_KEYS = {"max_lines": "max_lines", "length": "line_length", "max_symbols": "max_symbols"}


class Lines:
    """The lines of a folder of shards, a tarball of shards, or a prepared folder; they fulfil the
    protocol `data.Examples`.

    Attributes:
      codes: (n, length) uint16; of a prepared folder memory-mapped.
      vocabulary: tuple of what the codes stand for; "unk" first.
      num_lines, num_examples: n.
      word: the path as it was given.
      skipped: names of the shards that were empty.
    """

    def __init__(
        self,
        path: str | pathlib.Path,
        files: str = FILES,
        max_lines: int = MAX_LINES,
        length: int = LENGTH,
        max_symbols: int = MAX_SYMBOLS,
    ) -> None:
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
        folder = pathlib.Path(path).expanduser()
        if is_prepared(folder):
            settings = {"max_lines": max_lines, "length": length, "max_symbols": max_symbols}
            coded, self.digest = _open_prepared(folder, self.word, settings)
        else:
            coded = coding.read(folder, self.word, files, max_lines, length, max_symbols)
        self.codes = coded.codes
        self.vocabulary = coded.vocabulary
        self.skipped = coded.empty
        self.num_lines = len(self.codes)
        self.num_examples = self.num_lines

    @functools.cached_property
    def digest(self) -> str:
        """Hex of the SHA-256 of the codes."""
        return _digest(self.codes)

    @property
    def identity(self) -> str:
        """A string that changes with the codes or what they stand for."""
        return hashlib.sha256(
            json.dumps([self.digest, self.codes.shape, self.vocabulary]).encode()
        ).hexdigest()

    def batches(
        self,
        seed: np.ndarray,
        first: int,
        stride: int,
        batch_size: int,
        wanted: Callable[[tf.Tensor], tf.Tensor] | None = None,
    ) -> tf.data.Dataset:
        """A `tf.data.Dataset` of shuffled batches without end: int32 (batch_size, length).

        Args:
          seed, first, stride, batch_size, wanted: as in `order.batch_indices`, which says what a
            batch holds.
        """
        self.check_batches(batch_size * stride)
        shape = (batch_size, self.codes.shape[1])

        def gather(indices: tf.Tensor) -> tf.Tensor:
            # In NumPy, as a tensor of the codes would be a second copy.
            codes = tf.numpy_function(
                lambda chosen: np.asarray(self.codes[chosen], np.int32),
                [indices],
                tf.int32,
                stateful=False,
            )
            return tf.ensure_shape(codes, shape)

        indices = order.batch_indices(seed, first, stride, batch_size, self.num_lines, wanted)
        return indices.map(gather).prefetch(tf.data.AUTOTUNE)

    def encode(self, batch: tf.Tensor) -> tf.Tensor:
        """A batch as the discriminator takes it: one-hot, float32 (n, length, symbols)."""
        return tf.one_hot(batch, len(self.vocabulary))

    def check_batches(self, examples_per_update: int) -> None:
        """Makes sure that `batches` can give so many lines for each update.

        Raises:
          UserError: there are fewer.
        """
        if self.num_lines < examples_per_update:
            raise UserError(
                f"{self.word} has {self.num_lines} lines",
                f"at least the {examples_per_update} of one update",
                "lower config.batch_size or config.discriminator.steps, or name a larger data set",
            )

    def explain(self, error: Exception, indices: Iterable[int]) -> None:
        """Does nothing: whatever can be wrong with lines was found when they were opened."""

    def decode(self, codes: np.ndarray) -> list[str]:
        """The strings of (n, length) codes; padding stays, and code 0 gives "unk"."""
        return [
            "".join(map(self.vocabulary.__getitem__, line)) for line in np.asarray(codes).tolist()
        ]


def is_prepared(path: str | pathlib.Path) -> bool:
    """Whether a path is a folder that `prepare` wrote, as far as can be told without reading."""
    return (pathlib.Path(path).expanduser() / _RECORD).is_file()


def prepare(
    path: str | pathlib.Path,
    output: str | pathlib.Path,
    files: str = FILES,
    max_lines: int = MAX_LINES,
    length: int = LENGTH,
    max_symbols: int = MAX_SYMBOLS,
) -> str:
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
    path = pathlib.Path(path).expanduser()
    output = pathlib.Path(output).expanduser()
    recipe = {
        "source": str(path.resolve()),
        "shards": _marks(path, files),
        "files": files,
        "max_lines": max_lines,
        "length": length,
        "max_symbols": max_symbols,
    }
    recipe = json.loads(json.dumps(recipe))  # as it will be read
    if there := _prepared_already(output, recipe):
        return f"{_describe(there)}; was there already: {output}"
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
        folder = pathlib.Path(temporary) / "whole"
        with atomic(folder / _CODES) as file:
            np.save(file, lines.codes)
        with atomic(folder / _RECORD, "w") as file:
            json.dump(record, file, indent=1)
        folder.rename(output)
    return f"{_describe(record)}: {output}"


def _marks(path: pathlib.Path, files: str) -> list[tuple[str, int, int]]:
    """What tells that shards have changed: name, size and time of each file."""
    marks = []
    for name, file in shards.find_files(path, str(path), files):
        status = file.stat()
        marks.append((str(name), status.st_size, status.st_mtime_ns))
    return marks


def _digest(codes: np.ndarray) -> str:
    return hashlib.sha256(np.ascontiguousarray(codes).data).hexdigest()


def _describe(record: dict[str, Any]) -> str:
    recipe = record["recipe"]
    return (
        f"{record['num_lines']:,} lines of {recipe['length']} characters, "
        f"{len(record['vocabulary'])} symbols, from {recipe['source']}"
    )


def _prepared_already(output: pathlib.Path, recipe: dict[str, Any]) -> dict[str, Any] | None:
    """The record of `output` if it was made by this recipe; None if nothing is there."""
    if not output.exists() or (output.is_dir() and not any(output.iterdir())):
        return None
    expected = "a new folder, or one prepared from the same files with the same settings"
    cure = "choose another folder, or remove this one"
    if not (output / _RECORD).is_file():
        raise UserError(f"{output} holds something else", expected, cure)
    record = _read_record(output, str(output))
    differing = [key for key in recipe if record["recipe"].get(key) != recipe[key]]
    if differing:
        raise UserError(f"{output} was prepared with other {', '.join(differing)}", expected, cure)
    return record


def _read_record(folder: pathlib.Path, word: str) -> dict[str, Any]:
    try:
        record = json.loads((folder / _RECORD).read_text(encoding="utf-8"))
        if all(isinstance(record.get(key), kind) for key, kind in _RECORD_TYPES.items()):
            return record
        reason = "it is of images" if "num_images" in record else "unknown content"
    except (*UNREADABLE, KeyError) as error:
        reason = str(error)
    raise UserError(
        f"{word}/{_RECORD} cannot be read ({reason})",
        "lines that tf-ttur prepare wrote",
        "name another folder, or prepare it again",
    )


def _open_prepared(
    folder: pathlib.Path, word: str, settings: dict[str, int]
) -> tuple[coding.Coded, str]:
    """The lines of a prepared folder and their digest. Raises `UserError`."""
    record = _read_record(folder, word)
    _check_settings(word, record, settings)
    vocabulary = tuple(record["vocabulary"])
    expected = f"{record['num_lines']} lines of {settings['length']} codes"
    cure = "remove the folder and prepare it again"
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
    return coding.Coded(codes, vocabulary, record["skipped"]), record["digest"]


def _check_settings(word: str, record: dict[str, Any], settings: dict[str, int]) -> None:
    """Refuses a prepared folder of other settings."""
    prepared = {key: record["recipe"].get(key) for key in settings}
    differing = [key for key in settings if prepared[key] != settings[key]]
    if differing:
        keys = {key: f"config.data.{_CONFIG_KEYS[key]}" for key in differing}
        set_to_prepared = ", ".join(f"{keys[key]} = {prepared[key]}" for key in differing)
        raise UserError(
            f"{word} was prepared with {', '.join(f'{key} {prepared[key]}' for key in differing)}",
            ", ".join(f"{keys[key]} = {settings[key]}" for key in differing),
            f"set {set_to_prepared}, or name the shards themselves",
        )


def open_for_training(data: Any) -> Lines:
    """The lines that `config.data` names. Raises `UserError` if there are none."""
    return Lines(data.dir, data.files, data.max_lines, data.line_length, data.max_symbols)
