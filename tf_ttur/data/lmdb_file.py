"""LMDB's file, read without its engine.

The engine touches every value to list the keys, and a file that was cut off ends its process with a
bus error. Here only the tree of keys is read at the start, so that millions of images open in
seconds, and damage is an error.

The file is a row of pages; all numbers are little-endian. Pages 0 and 1 are meta pages, of which
the one with the larger transaction number names the root of the tree. A page begins with its number
(8 bytes), 2 unused bytes, its kind (2) and the end of its list of node positions (2); the list
begins at byte 16. A node is four 16-bit numbers and the key. In a branch the first three are the
number of the page below it. In a leaf they are the length of the value (two of them) and a flag: 0
where the value follows the key, 1 where the number of the page follows that holds it after 16
bytes. The fourth is the key's length.
"""

import os
import struct

import numpy as np

_META = struct.Struct(
    "<16x II 16x I 48x 2x H 24x Q Q 8x Q"
)  # magic, version, page size; depth, entries, root; transaction
_MAGIC, _VERSION = 0xBEEFC0DE, 1
_PAGE_SIZES = [2**power for power in range(8, 17)]
_BRANCH, _LEAF = 1, 2
_HEADER, _NODE = 16, 8  # bytes of a page and of a node before what they hold


class LmdbFile:
    """The records of a database without named parts and duplicates, in the order of their keys.

    Args:
      path: the file data.mdb, of LMDB 0.9 on a 64-bit little-endian machine.

    Raises:
      OSError, ValueError: it cannot be read, is of another kind, or is damaged. Damage inside of
        values is not seen.
    """

    def __init__(self, path):
        self._file = open(path, "rb", buffering=0)
        self._num_bytes = os.fstat(self._file.fileno()).st_size
        self._read_pages = set()
        try:
            self._page_size = self._meta(0)[2]
            *_, depth, entries, root, _ = max(
                self._meta(0), self._meta(self._page_size), key=lambda meta: meta[-1]
            )
            found = [self._records(number) for number in self._leaves(root, depth)] if depth else []
        except (IndexError, OverflowError, struct.error) as error:
            raise ValueError("a page is damaged or its end is missing") from error
        self._keys, self._starts, self._sizes = (
            np.concatenate(found, axis=1) if found else np.empty((3, 0), np.int64)
        )
        if len(self) != entries:
            raise ValueError(f"{len(self)} records, and its beginning says {entries}")

    def __len__(self):
        return len(self._keys)

    def key(self, index):
        """The key of record `index`, bytes."""
        start = int(self._keys[index])
        return self._read(start, int.from_bytes(self._read(start - 2, 2), "little"))

    def value(self, index):
        """The value of record `index`, bytes."""
        return self._read(int(self._starts[index]), int(self._sizes[index]))

    def _read(self, start, size):
        return os.pread(self._file.fileno(), size, start)

    def _meta(self, position):
        meta = _META.unpack(self._read(position, _META.size))
        if meta[0] != _MAGIC:
            raise ValueError("not an LMDB file of a 64-bit little-endian machine")
        if meta[1] != _VERSION or meta[2] not in _PAGE_SIZES:
            raise ValueError(
                f"version {meta[1]} of LMDB's format with pages of {meta[2]} bytes, not version {_VERSION}"
            )
        return meta

    def _page(self, number, kind):
        """The bytes of a page of this kind, and the positions of its nodes."""
        page = np.frombuffer(self._read(number * self._page_size, self._page_size), np.uint8)
        words = page.view("<u2")
        if (
            page[:8].view("<u8")[0] != number or words[5] != kind or number in self._read_pages
        ):  # a page that comes twice: a tree without end
            raise ValueError(f"page {number} is damaged")
        self._read_pages.add(number)
        return page, page[_HEADER : words[6]].view("<u2").astype(np.int64)

    def _leaves(self, number, depth):
        """Numbers of the leaf pages, `depth` levels down with that of the page itself, in the order
        of the keys.
        """
        if depth <= 1:
            yield number
            return
        page, nodes = self._page(number, _BRANCH)
        for low, middle, high in page.view("<u2")[nodes[:, None] // 2 + np.arange(3)].tolist():
            yield from self._leaves(low | middle << 16 | high << 32, depth - 1)

    def _records(self, number):
        """int64 (3, n): where the keys of a leaf page are, where the values are, and how long these
        are.
        """
        page, nodes = self._page(number, _LEAF)
        low, high, flags, key_sizes = page.view("<u2")[nodes // 2 + np.arange(4)[:, None]].astype(
            np.int64
        )
        if (flags > 1).any():
            raise ValueError("named databases or duplicate keys")
        sizes, values = low | high << 16, nodes + _NODE + key_sizes
        starts, apart = number * self._page_size + values, flags == 1
        pages = page[values[apart, None] + np.arange(8)].view("<u8")[:, 0]
        starts[apart] = (
            np.minimum(pages, self._num_bytes).astype(np.int64) * self._page_size + _HEADER
        )
        if (starts + sizes > self._num_bytes).any():
            raise ValueError("its end is missing")
        return np.stack([number * self._page_size + nodes + _NODE, starts, sizes])
