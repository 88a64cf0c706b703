"""Reads LMDB's file format without LMDB's engine.

The engine reads every value to list the keys, and a truncated file ends its process with a bus
error. This module reads only the tree of keys at the start. Millions of images open in seconds, and
a damaged file is an error.

The file is a sequence of pages; all numbers are little-endian. Pages 0 and 1 are meta pages. The
one with the larger transaction number names the root of the tree. A page begins with its number (8
bytes), 2 unused bytes, its kind (2) and the end of its list of node positions (2); the list begins
at byte 16. A node consists of four 16-bit numbers and the key. In a branch, the first three numbers
are the number of the page below. In a leaf, the first two are the length of the value, and the
third is a flag. If the flag is 0, the value follows the key. If it is 1, a page number follows the
key; the value is in that page, after its first 16 bytes. The fourth number is the length of the
key.
"""

import os
import pathlib
import struct
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

_META = struct.Struct("<16x II 16x I 48x 2x H 24x Q Q 8x Q")  # the fields of `_Meta`
_MAGIC = 0xBEEFC0DE
_VERSION = 1
_PAGE_SIZES = [2**power for power in range(8, 17)]
_BRANCH = 1
_LEAF = 2
_HEADER_BYTES = 16  # of a page, before its content
_NODE_BYTES = 8  # of a node, before its key


class _Meta(NamedTuple):
    """The fields of a meta page."""

    magic: int
    version: int
    page_size: int
    depth: int
    entries: int
    root: int
    transaction: int


class LmdbFile:
    """The records of a database without named databases or duplicate keys, sorted by key.

    Args:
      path: the file data.mdb, of LMDB 0.9 on a 64-bit little-endian machine.

    Raises:
      OSError, ValueError: it cannot be read, has another format, or is damaged. Damage inside
        values is not noticed.
    """

    def __init__(self, path: pathlib.Path) -> None:
        self._file = open(path, "rb", buffering=0)  # noqa: SIM115  because values are read later
        self._num_bytes = os.fstat(self._file.fileno()).st_size
        self._read_pages: set[int] = set()
        records = [np.empty((3, 0), np.int64)]
        try:
            first = self._meta(0)
            self._page_size = first.page_size
            second = self._meta(self._page_size)
            meta = max(first, second, key=lambda page: page.transaction)
            if meta.depth:
                records += [self._records(page) for page in self._leaves(meta.root, meta.depth)]
        except (IndexError, OverflowError, struct.error) as error:
            raise ValueError("a page is damaged or its end is missing") from error
        self._keys, self._starts, self._sizes = np.concatenate(records, axis=1)
        if len(self) != meta.entries:
            raise ValueError(f"{len(self)} records, and its beginning says {meta.entries}")

    def __len__(self) -> int:
        return len(self._keys)

    def key(self, index: int) -> bytes:
        """The key of record `index`."""
        start = int(self._keys[index])
        return self._read(start, int.from_bytes(self._read(start - 2, 2), "little"))

    def value(self, index: int) -> bytes:
        """The value of record `index`."""
        return self._read(int(self._starts[index]), int(self._sizes[index]))

    def _read(self, start: int, size: int) -> bytes:
        return os.pread(self._file.fileno(), size, start)

    def _meta(self, position: int) -> _Meta:
        meta = _Meta(*_META.unpack(self._read(position, _META.size)))
        if meta.magic != _MAGIC:
            raise ValueError("not an LMDB file of a 64-bit little-endian machine")
        if meta.version != _VERSION or meta.page_size not in _PAGE_SIZES:
            raise ValueError(
                f"version {meta.version} of LMDB's format with pages of {meta.page_size} bytes, "
                f"not version {_VERSION}"
            )
        return meta

    def _page(self, number: int, kind: int) -> tuple[np.ndarray, np.ndarray]:
        """The bytes of a page of this kind, and the positions of its nodes."""
        page = np.frombuffer(self._read(number * self._page_size, self._page_size), np.uint8)
        words = page.view("<u2")
        is_this = page[:8].view("<u8")[0] == number and words[5] == kind
        if not is_this or number in self._read_pages:  # a page read twice: a tree without end
            raise ValueError(f"page {number} is damaged")
        self._read_pages.add(number)
        return page, page[_HEADER_BYTES : words[6]].view("<u2").astype(np.int64)

    def _leaves(self, number: int, depth: int) -> Iterator[int]:
        """Yields the numbers of the leaf pages below a page, in the order of the keys.

        Args:
          number: of the page.
          depth: levels from the page to the leaves, both included.
        """
        if depth <= 1:
            yield number
            return
        page, nodes = self._page(number, _BRANCH)
        for low, middle, high in page.view("<u2")[nodes[:, None] // 2 + np.arange(3)].tolist():
            yield from self._leaves(low | middle << 16 | high << 32, depth - 1)

    def _records(self, number: int) -> np.ndarray:
        """The records of a leaf page.

        Returns:
          int64 (3, n): positions of the keys, positions of the values, lengths of the values.
        """
        page, nodes = self._page(number, _LEAF)
        fields = page.view("<u2")[nodes // 2 + np.arange(4)[:, None]].astype(np.int64)
        low, high, flags, key_sizes = fields
        if (flags > 1).any():
            raise ValueError("named databases or duplicate keys")
        sizes = low | high << 16
        values = nodes + _NODE_BYTES + key_sizes
        starts = number * self._page_size + values
        is_apart = flags == 1
        pages = page[values[is_apart, None] + np.arange(8)].view("<u8")[:, 0]
        pages = np.minimum(pages, self._num_bytes).astype(np.int64)
        starts[is_apart] = pages * self._page_size + _HEADER_BYTES
        if (starts + sizes > self._num_bytes).any():
            raise ValueError("its end is missing")
        return np.stack([number * self._page_size + nodes + _NODE_BYTES, starts, sizes])
