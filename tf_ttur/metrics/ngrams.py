"""Jensen-Shannon divergence between the n-grams of generated and of real lines.

The n-gram model of lines is the relative frequency of each window of n symbols in them, padding
included. With M = (P + Q) / 2

  JSD(P, Q) = 1/2 sum P log2(P / M) + 1/2 sum Q log2(Q / M)

lies between 0 (equal models) and 1 (no n-gram in common). Where P is 0 the second sum adds Q log2 2
= Q. So of the reference Q only the frequencies of those n-grams count that the generated lines
have: all others together add half of what they make up.

An n-gram is a 64-bit key: its codes as digits in base V, the number of symbols, where V^n <= 2^64.
Where it is more (six-grams of more than 1625 symbols), the base is an odd 64-bit constant and all
is modulo 2^64: a hash, under which any two of N different n-grams share a key with a probability of
about N^2 / 2^65, 3e-6 for ten million.
"""

import json
import pathlib

import numpy as np
import scipy.special

from tf_ttur.errors import UserError
from tf_ttur.io import console
from tf_ttur.io.files import UNREADABLE, atomic, check_writable

MAX_N = 6

_HASH_BASE = 0x9E3779B97F4A7C15
_BLOCK = 2**17  # lines that are counted at a time; bounds the memory
_RECORD = "reference.json"


class Reference:
    """The n-gram models of real lines, n = 1 ... 6 or the length of a line.

    Attributes:
      models: {n: ((m,) uint64 sorted keys, (m,) int64 counts)}.
      num_lines, length, num_symbols: of the lines.
      identity: what the lines were, as a string; None for a reference that was not saved.
    """

    def __init__(self, models, num_lines, length, num_symbols, identity=None):
        self.models, self.identity = models, identity
        self.num_lines, self.length, self.num_symbols = num_lines, length, num_symbols

    @classmethod
    def of(cls, lines, num_symbols, block=_BLOCK):
        """Counts the n-grams of all lines, with a progress bar.

        Args:
          lines: (num_lines, length) array of codes below `num_symbols`, which may be memory-mapped.
          num_symbols: V.
          block: lines that are counted at a time. The result does not depend on it; memory grows
            with it and with the number of different n-grams.
        """
        num_lines, length = lines.shape
        models = {}
        for n in range(1, min(MAX_N, length) + 1):
            blocks = (lines[first : first + block] for first in range(0, num_lines, block))
            models[n] = _merged(
                count(some, n, num_symbols)
                for some in console.track(blocks, f"counting {n}-grams", num_lines)
            )
        return cls(models, num_lines, length, num_symbols)

    def divergence(self, lines, n):
        """JSD of the n-gram models of lines, (k, length) codes, and of this reference: a float in 0
        ... 1.
        """
        keys, counts = count(lines, n, self.num_symbols)
        known_keys, known_counts = self.models[n]
        places = np.minimum(np.searchsorted(known_keys, keys), len(known_keys) - 1)
        matches = np.where(known_keys[places] == keys, known_counts[places], 0)
        total = self.num_lines * (self.length - n + 1)
        p, q = counts / counts.sum(), matches / total
        m = (p + q) / 2
        elsewhere = (total - matches.sum()) / total
        nats = scipy.special.rel_entr(p, m).sum() + scipy.special.rel_entr(q, m).sum()
        return float(
            np.clip((nats / np.log(2) + elsewhere) / 2, 0, 1)
        )  # rounding may leave the range by 1e-16

    def floor(self, lines, count):
        """{n: divergence} of `count` real lines, evenly spaced: what a perfect generator of that
        many lines can expect.

        Args:
          lines: (num_lines, length) codes of which this reference was made.
          count: how many; more than there are repeat lines.
        """
        chosen = lines[np.arange(count) * len(lines) // count]
        return {n: self.divergence(chosen, n) for n in self.models}

    def save(self, folder, identity):
        """Writes a folder of .npy files; it counts as written when the record in it is.

        Args:
          folder: where.
          identity: a string that says which lines these are.
        """
        folder = pathlib.Path(folder)
        for n, arrays in self.models.items():
            for name, array in zip(("keys", "counts"), arrays, strict=True):
                with atomic(folder / f"{name}-{n}.npy") as file:
                    np.save(file, array)
        record = {
            "identity": identity,
            "num_lines": self.num_lines,
            "length": self.length,
            "num_symbols": self.num_symbols,
        }
        with atomic(folder / _RECORD, "w") as file:
            json.dump(record | {"orders": list(self.models)}, file)


def count(lines, n, num_symbols):
    """The n-grams of lines: sorted keys, (m,) uint64, and how often each is there, (m,) int64.

    Args:
      lines: (k, length) array of codes.
      n: 1 ... length.
      num_symbols: V, above all codes.

    Raises:
      ValueError: codes out of range, or no n-grams in such lines.
    """
    lines = np.asarray(lines)
    if lines.ndim != 2 or not len(lines) or not 1 <= n <= lines.shape[1]:
        raise ValueError(
            f"{n}-grams of lines of shape {lines.shape}; expected (1 or more, {n} or more)"
        )
    if lines.min() < 0 or lines.max() >= num_symbols:
        raise ValueError(f"codes {lines.min()} ... {lines.max()}; expected 0 ... {num_symbols - 1}")
    base = np.uint64(num_symbols if num_symbols**n <= 2**64 else _HASH_BASE)
    lines, windows = lines.astype(np.uint64), lines.shape[1] - n + 1
    keys = np.zeros((len(lines), windows), np.uint64)
    for place in range(n):
        keys *= base
        keys += lines[:, place : place + windows]
    return np.unique(keys, return_counts=True)


def load(folder):
    """The `Reference` that was saved in a folder, memory-mapped.

    Raises:
      UserError: missing or damaged.
    """
    folder = pathlib.Path(folder)
    try:
        record = json.loads((folder / _RECORD).read_text())
        orders = record.pop("orders")
        models = {
            n: [
                np.load(folder / f"{name}-{n}.npy", "r", allow_pickle=False)
                for name in ("keys", "counts")
            ]
            for n in orders
        }
        reference = Reference(models, **record)
        for n, (keys, counts) in models.items():
            if keys.shape != counts.shape or counts.sum() != reference.num_lines * (
                reference.length - n + 1
            ):
                raise ValueError(f"the {n}-grams are not those of {reference.num_lines} lines")
    except (*UNREADABLE, KeyError) as error:
        cure = "remove it; it is made anew when it is needed"
        raise UserError(
            f"{folder} cannot be read ({error})", "the n-grams of real lines", cure
        ) from error
    return reference


def cached(folder, identity, make):
    """The reference in a folder, memory-mapped; produced there on first use.

    Args:
      folder: where.
      identity: of the lines that it must have been made of.
      make: function without arguments giving the `Reference`.

    Raises:
      UserError: the folder is damaged, or of other lines.
    """
    record = pathlib.Path(folder) / _RECORD
    if not record.exists():
        check_writable(record)
        make().save(folder, identity)
    reference = load(folder)
    if reference.identity != identity:
        raise UserError(
            f"{folder} holds the n-grams of lines {reference.identity}",
            f"lines {identity}",
            "remove the folder",
        )
    return reference


def _merged(runs):
    """Merges (keys, counts) as they come, small ones first: a run waits until there is as much as
    has been merged.
    """
    merged, waiting, size = next(runs), [], 0
    for run in runs:
        waiting.append(run)
        size += len(run[0])
        if size >= len(merged[0]):
            merged, waiting, size = _merge([merged, *waiting]), [], 0
    return _merge([merged, *waiting])


def _merge(runs):
    keys, counts = (np.concatenate(arrays) for arrays in zip(*runs, strict=True))
    ranked = np.argsort(keys, kind="stable")  # which merges runs that are sorted
    keys, counts = keys[ranked], counts[ranked]
    firsts = np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]]))
    return keys[firsts], np.add.reduceat(counts, firsts)
