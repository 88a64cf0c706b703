"""Lines of text as codes of characters, from the One Billion Word benchmark or similar shards.

The shards hold one sentence per line. A line is cut after `length` characters (Unicode code points,
unchanged) and padded with back-ticks. No line is left out; an empty line becomes all back-ticks.

Lines come from a folder, a tarball or TFDS (see `shards.py`); `coding.py` turns their characters
into codes. Lines also come from a prepared folder, which `prepare` wrote. Its codes are compared
with their digest, and then read from disk as needed.

Shards without a line are left out, and `Lines.skipped` names them. A shard that is damaged, not
UTF-8, or present twice is refused.
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

from tf_ttur.data import alternatives, coding, order, shards
from tf_ttur.errors import UserError
from tf_ttur.io import paths
from tf_ttur.io.files import UNREADABLE, atomic, check_writable, version
from tf_ttur.wording import counted

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
    """The lines of a folder of shards, a tarball of shards, TFDS, or a prepared folder.

    They fulfil the protocol `data.Examples`.

    Attributes:
      codes: (n, length) uint16; memory-mapped for a prepared folder.
      vocabulary: tuple with the symbol of each code; "unk" first.
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
        """Reads all lines. The codes of a prepared folder are read only to check their digest.

        Args:
          path: a folder, a tarball, tfds:NAME/SPLIT or a prepared folder, as described at the top
            of this file.
          files: glob of the shards' names; ignored for a prepared folder and TFDS.
          max_lines: maximum number of lines to read.
          length: characters per line.
          max_symbols: maximum number of entries of the vocabulary, "unk" included; up to 65535.

        Raises:
          UserError: the path does not exist or holds no matching shard, a shard is damaged or not
            UTF-8, or the folder was prepared with other settings.
        """
        self.word = str(path)
        folder = paths.local(path, "config.data.dir")
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
        """A string that changes with the codes or the vocabulary."""
        return hashlib.sha256(
            json.dumps([self.digest, self.codes.shape, self.vocabulary]).encode()
        ).hexdigest()

    @property
    def fingerprints(self) -> dict[str, str]:
        """{"fingerprint": digest of all codes and the vocabulary}."""
        return {"fingerprint": self.identity}

    def batches(
        self,
        seed: np.ndarray,
        first: int,
        stride: int,
        batch_size: int,
        wanted: Callable[[tf.Tensor], tf.Tensor] | None = None,
    ) -> tf.data.Dataset:
        """An endless `tf.data.Dataset` of shuffled batches: int32 (batch_size, length).

        Args:
          seed, first, stride, batch_size, wanted: as in `order.batch_indices`, which says what a
            batch holds.

        Raises:
          UserError: as in `check_batches`.
        """
        self.check_batches(batch_size * stride)
        shape = (batch_size, self.codes.shape[1])

        def gather(indices: tf.Tensor) -> tf.Tensor:
            # In NumPy, because a tensor of all codes would be a second copy of them.
            codes = tf.numpy_function(
                lambda chosen: np.asarray(self.codes[chosen], np.int32),
                [indices],
                tf.int32,
                stateful=False,
            )
            return tf.ensure_shape(codes, shape)

        indices = order.batch_indices(seed, first, stride, batch_size, self.num_lines, wanted)
        return indices.map(gather).prefetch(tf.data.AUTOTUNE)

    def indices(
        self, seed: np.ndarray, first: int, stride: int, batch_size: int
    ) -> tf.data.Dataset:
        """The indices of the lines in `batches`."""
        return order.batch_indices(seed, first, stride, batch_size, self.num_lines)

    def encode(self, batch: tf.Tensor) -> tf.Tensor:
        """A batch as the discriminator takes it: one-hot, float32 (n, length, symbols)."""
        return tf.one_hot(batch, len(self.vocabulary))

    def check_batches(self, examples_per_update: int) -> None:
        """Checks that there are enough lines for one update.

        Raises:
          UserError: there are fewer.
        """
        if self.num_lines < examples_per_update:
            raise UserError(
                f"{self.word} has {counted(self.num_lines, 'line')}",
                f"at least the {examples_per_update} of one update",
                "lower config.batch_size or config.discriminator.steps, or name a larger data set",
            )

    def explain(self, error: Exception, indices: Iterable[int]) -> None:
        """Does nothing: all errors in lines are found when they are opened."""

    def decode(self, codes: np.ndarray) -> list[str]:
        """Turns codes back into strings.

        Args:
          codes: (n, length) integers.

        Returns:
          n strings. Padding is kept, and code 0 becomes "unk".
        """
        return [
            "".join(map(self.vocabulary.__getitem__, line)) for line in np.asarray(codes).tolist()
        ]


def is_prepared(path: str | pathlib.Path) -> bool:
    """Whether a path is a folder that `prepare` wrote. Only looks for the record's file."""
    return (paths.local(path, "config.data.dir") / _RECORD).is_file()


def prepare(
    path: str | pathlib.Path,
    output: str | pathlib.Path,
    files: str = FILES,
    max_lines: int = MAX_LINES,
    length: int = LENGTH,
    max_symbols: int = MAX_SYMBOLS,
) -> str:
    """Writes the lines of a folder, a tarball or TFDS into a folder that `Lines` opens quickly.

    The folder is written completely or not at all.

    Args:
      path, files, max_lines, length, max_symbols: as in `Lines`.
      output: the folder to write. If it was already made from the same files with the same
        settings, it is left unchanged.

    Returns:
      One line that describes the folder.

    Raises:
      UserError: as in `Lines`, or `output` holds something else.
    """
    path = paths.local(path, "--input")
    output = paths.local(output, "--output")
    is_tfds = shards.is_tfds(str(path))
    recipe = {
        "source": str(path if is_tfds else path.resolve()),
        "shards": shards.marks(path, str(path), files),
        "files": files,
        "max_lines": max_lines,
        "length": length,
        "max_symbols": max_symbols,
    }
    recipe = json.loads(json.dumps(recipe))  # in the form in which it will be read again
    if there := _prepared_already(output, recipe):
        return f"{_describe(there)}; already prepared: {output}"
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


def _digest(codes: np.ndarray) -> str:
    return hashlib.sha256(np.ascontiguousarray(codes).data).hexdigest()


def _describe(record: dict[str, Any]) -> str:
    recipe = record["recipe"]
    return (
        f"{counted(record['num_lines'], 'line')} of {recipe['length']} characters, "
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
        reason = "it holds images" if "num_images" in record else "unknown content"
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
    """Refuses a folder that was prepared with other settings."""
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
    place = alternatives.the_one(data.dir)
    return Lines(place, data.files, data.max_lines, data.line_length, data.max_symbols)
