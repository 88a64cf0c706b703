"""Turns shards into codes: characters are numbered by decreasing frequency.

Code 0 is the token "unk". The characters follow by decreasing frequency in the cut and padded
lines; ties are ordered by code point. Characters for which the vocabulary has no room become
code 0.
"""

import pathlib
import warnings
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np

from tf_ttur.data import shards
from tf_ttur.errors import UserError
from tf_ttur.io import console

UNKNOWN = "unk"

_MOST_CHARACTERS = 2**16 - 1  # code 0 is not a character


class Coded(NamedTuple):
    """Lines as codes.

    Attributes:
      codes: (n, length) uint16.
      vocabulary: the symbol of each code; "unk" first.
      empty: names of the shards without a line.
    """

    codes: np.ndarray
    vocabulary: tuple[str, ...]
    empty: list[str]


def read(
    path: pathlib.Path, word: str, files: str, max_lines: int, length: int, max_symbols: int
) -> Coded:
    """Reads the lines of all shards.

    Args:
      path, word, files: as in `shards.find_files`.
      max_lines: maximum number of lines: the first ones in the order of the shards' names.
      length: characters per line.
      max_symbols: maximum number of entries of the vocabulary, "unk" included.

    Raises:
      UserError: as in `shards.open_shards` and `shards.read_lines`; or there are no lines, or more
        different characters than codes.
    """
    alphabet = Alphabet(word)
    blocks_by_name: dict[shards.Name, list[np.ndarray]] = {}
    empty = []
    with console.bar() as display:
        task = display.add_task(f"reading {word}", total=max_lines)
        for name, open_shard in shards.open_shards(path, word, files):
            # A tarball may hold its shards in any order. Therefore a shard whose name comes earlier
            # may displace lines that were read before it.
            before = (blocks for other, blocks in blocks_by_name.items() if other < name)
            left = max_lines - sum(map(_count, before))
            if left <= 0:
                continue
            lines = shards.read_lines(open_shard, f"{word}/{name}", length, left)
            blocks = blocks_by_name[name] = []
            for block in _joined(map(alphabet.encode, lines)):
                blocks.append(block)
                display.advance(task, len(block))
            if not blocks:
                empty.append(str(name))
            _trim(blocks_by_name, max_lines)
    if empty:
        warnings.warn(
            f"{word}: {len(empty)} of {len(blocks_by_name)} shards are empty and left out: "
            f"{shards.first_few(empty)}",
            stacklevel=3,
        )
    blocks = [block for name in sorted(blocks_by_name) for block in blocks_by_name.pop(name)]
    if not blocks:
        raise UserError(
            f"all shards of {word} are empty", "lines of text", "name the folder of the text"
        )
    vocabulary, final = alphabet.vocabulary(blocks, max_symbols)
    return Coded(_recode(blocks, final, length), vocabulary, empty)


def _recode(blocks: list[np.ndarray], final: np.ndarray, length: int) -> np.ndarray:
    """Replaces provisional codes by final ones.

    Args:
      blocks: provisional codes, each (k, length). The list is emptied: each block is freed as soon
        as it is copied.
      final: the final code of each provisional code.
      length: characters per line.

    Returns:
      (n, length) uint16.
    """
    codes = np.empty((_count(blocks), length), np.uint16)
    end = len(codes)
    while blocks:
        block = blocks.pop()
        codes[end - len(block) : end] = final[block]
        end -= len(block)
    return codes


def _joined(blocks: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    """Joins small blocks into large ones.

    The C library does not return the memory of small arrays to the system when they are deleted.
    """
    waiting: list[np.ndarray] = []
    for block in blocks:
        waiting.append(block)
        if sum(block.size for block in waiting) >= shards.BLOCK:
            yield np.concatenate(waiting)
            waiting = []
    if waiting:
        yield np.concatenate(waiting)


def _count(blocks: Iterable[np.ndarray]) -> int:
    return sum(map(len, blocks))


def _trim(blocks_by_name: dict[shards.Name, list[np.ndarray]], max_lines: int) -> None:
    """Keeps only the first `max_lines` lines in the order of the names, in place."""
    left = max_lines
    for name in sorted(blocks_by_name):
        kept = []
        for block in blocks_by_name[name]:
            if left > 0:
                kept.append(block[:left])
            left -= len(block)
        blocks_by_name[name] = kept


class Alphabet:
    """Gives characters provisional codes, from 1 on, in the order in which they are first seen.

    The final codes are known only when all lines have been read.

    Args:
      word: how messages call the text.
    """

    def __init__(self, word: str) -> None:
        self._word = word
        self._codes = np.zeros(0x110000, np.uint16)  # one for every code point
        self._points: list[int] = []

    def encode(self, points: np.ndarray) -> np.ndarray:
        """The provisional codes of code points: uint16 of the same shape.

        Raises:
          UserError: there are more different characters than codes.
        """
        codes = self._codes[points]
        if not codes.all():
            new = np.unique(points[codes == 0])
            first = len(self._points) + 1
            if first + len(new) > _MOST_CHARACTERS + 1:
                raise UserError(
                    f"{self._word} has more than {_MOST_CHARACTERS} different characters",
                    "text",
                    "name a folder of text",
                )
            self._codes[new] = np.arange(first, first + len(new))
            self._points.extend(new.tolist())
            codes = self._codes[points]
        return codes

    def vocabulary(
        self, blocks: Iterable[np.ndarray], max_symbols: int
    ) -> tuple[tuple[str, ...], np.ndarray]:
        """Numbers the characters by their frequency.

        Args:
          blocks: provisional codes of all lines.
          max_symbols: maximum number of entries of the vocabulary.

        Returns:
          (vocabulary, uint16 array of the final code of each provisional code).
        """
        counts = np.zeros(len(self._points) + 1, np.int64)
        for block in blocks:
            counts += np.bincount(block.ravel(), minlength=len(counts))
        # By decreasing count, then by increasing code point.
        ranked = np.lexsort((np.array([0, *self._points]), -counts))
        ranked = ranked[counts[ranked] > 0][: max_symbols - 1]
        final = np.zeros(len(counts), np.uint16)
        final[ranked] = np.arange(1, len(ranked) + 1)
        return (UNKNOWN, *(chr(self._points[code - 1]) for code in ranked)), final
