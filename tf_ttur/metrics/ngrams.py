"""Jensen-Shannon divergence between the n-grams of generated and of real lines.

The n-gram model of lines is the relative frequency of each window of n symbols in them, padding
included. With M = (P + Q) / 2,

    JSD(P, Q) = 1/2 sum P log2(P / M) + 1/2 sum Q log2(Q / M)

lies between 0 (equal models) and 1 (no n-gram in common). Where P is 0, a term of the second sum is
Q log2 2 = Q. Only those n-grams of the reference Q that the generated lines have need to be looked
up: the remaining reference mass contributes half its probability.

An n-gram is a 64-bit key. Its codes are the digits of the key in base V, the number of symbols,
where V^n <= 2^64. Where V^n is larger (six-grams of more than 1625 symbols), the base is an odd
64-bit constant and the arithmetic is modulo 2^64. The key is then a hash: any two of N different
n-grams share a key with a probability of about N^2 / 2^65, which is 3e-6 for ten million.
"""

import json
import pathlib
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple, Self

import numpy as np
import scipy.special
from numpy.typing import ArrayLike

from tf_ttur.errors import UserError
from tf_ttur.io import cache, console
from tf_ttur.io.files import UNREADABLE, atomic

MAX_N = 6

_HASH_BASE = 0x9E3779B97F4A7C15
_BLOCK = 2**17  # lines that are counted at a time; bounds the memory
_RECORD = "reference.json"
_DAMAGED: tuple[type[BaseException], ...] = (*UNREADABLE, KeyError)  # what reading may raise


class Counts(NamedTuple):
    """How often each n-gram occurs.

    Attributes:
      keys: (m,) uint64, ascending.
      counts: (m,) int64, above 0.
    """

    keys: np.ndarray
    counts: np.ndarray


class Reference:
    """The n-gram models of real lines, for n = 1 ... 6 or the length of a line.

    Attributes:
      models: {n: `Counts`}.
      num_lines, length, num_symbols: of the lines.
      identity: a string that says which lines these are; None for a reference that was not saved.
    """

    def __init__(
        self,
        models: dict[int, Counts],
        num_lines: int,
        length: int,
        num_symbols: int,
        identity: str | None = None,
    ) -> None:
        self.models = models
        self.num_lines = num_lines
        self.length = length
        self.num_symbols = num_symbols
        self.identity = identity

    @classmethod
    def of(cls, lines: np.ndarray, num_symbols: int, block: int = _BLOCK) -> Self:
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
            tracked = console.track(blocks, f"counting {n}-grams", num_lines)
            models[n] = _merge_all(count(some_lines, n, num_symbols) for some_lines in tracked)
        return cls(models, num_lines, length, num_symbols)

    def divergence(self, lines: ArrayLike, n: int) -> float:
        """JSD between the n-gram models of lines and of this reference, in 0 ... 1.

        Args:
          lines: (k, length) codes.
          n: a key of `models`.
        """
        generated = count(lines, n, self.num_symbols)
        real = self.models[n]
        places = np.minimum(np.searchsorted(real.keys, generated.keys), len(real.keys) - 1)
        shared = np.where(real.keys[places] == generated.keys, real.counts[places], 0)
        total = self.num_lines * (self.length - n + 1)
        p = generated.counts / generated.counts.sum()
        q = shared / total
        m = (p + q) / 2
        remaining = (total - shared.sum()) / total
        nats = scipy.special.rel_entr(p, m).sum() + scipy.special.rel_entr(q, m).sum()
        # Rounding may leave the range by 1e-16.
        return float(np.clip((nats / np.log(2) + remaining) / 2, 0, 1))

    def floor(self, lines: np.ndarray, count: int) -> dict[int, float]:
        """{n: divergence} of evenly spaced real lines: the best that generated ones can expect.

        Args:
          lines: (num_lines, length) codes that this reference was made of.
          count: how many of them to take; some are repeated where there are fewer.
        """
        chosen = lines[np.arange(count) * len(lines) // count]
        return {n: self.divergence(chosen, n) for n in self.models}

    def save(self, folder: str | pathlib.Path, identity: str) -> None:
        """Writes a folder of .npy files. It counts as written once the record in it is.

        Args:
          folder: where.
          identity: a string that says which lines these are.
        """
        folder = pathlib.Path(folder)
        for n, model in self.models.items():
            for name, array in model._asdict().items():
                with atomic(folder / f"{name}-{n}.npy") as file:
                    np.save(file, array)
        record = {
            "identity": identity,
            "num_lines": self.num_lines,
            "length": self.length,
            "num_symbols": self.num_symbols,
            "orders": list(self.models),
        }
        with atomic(folder / _RECORD, "w") as file:
            json.dump(record, file)


def count(lines: ArrayLike, n: int, num_symbols: int) -> Counts:
    """The n-grams of lines.

    Args:
      lines: (k, length) array of codes.
      n: 1 ... length.
      num_symbols: V, above all codes.

    Raises:
      ValueError: a code is out of range, or such lines have no n-grams.
    """
    lines = np.asarray(lines)
    if lines.ndim != 2 or not len(lines) or not 1 <= n <= lines.shape[1]:
        raise ValueError(
            f"{n}-grams of lines of shape {lines.shape}; expected (1 or more, {n} or more)"
        )
    if lines.min() < 0 or lines.max() >= num_symbols:
        raise ValueError(f"codes {lines.min()} ... {lines.max()}; expected 0 ... {num_symbols - 1}")
    base = np.uint64(num_symbols if num_symbols**n <= 2**64 else _HASH_BASE)
    digits = lines.astype(np.uint64)
    windows = lines.shape[1] - n + 1
    keys = np.zeros((len(lines), windows), np.uint64)
    for place in range(n):
        keys *= base
        keys += digits[:, place : place + windows]
    return Counts(*np.unique(keys, return_counts=True))


def load(folder: str | pathlib.Path) -> Reference:
    """The `Reference` that was saved in a folder, memory-mapped.

    Raises:
      UserError: it is missing or damaged.
    """
    folder = pathlib.Path(folder)
    try:
        record = json.loads((folder / _RECORD).read_text(encoding="utf-8"))
        models = {n: _load_counts(folder, n) for n in record.pop("orders")}
        reference = Reference(models, **record)
        for n, model in models.items():
            total = reference.num_lines * (reference.length - n + 1)
            if model.keys.shape != model.counts.shape or model.counts.sum() != total:
                raise ValueError(f"the {n}-grams are not those of {reference.num_lines} lines")
    except _DAMAGED as error:
        cure = "remove it; it is computed again when it is needed"
        raise UserError(
            f"{folder} cannot be read ({error})", "the n-grams of real lines", cure
        ) from error
    return reference


def cached(folder: str | pathlib.Path, identity: str, make: Callable[[], Reference]) -> Reference:
    """The reference in a folder, memory-mapped; computed and saved there on first use.

    Args:
      folder: where.
      identity: of the lines that it must have been made of.
      make: function without arguments that gives the `Reference`.

    Raises:
      UserError: the folder is damaged, or of other lines.
    """
    cache.once(pathlib.Path(folder) / _RECORD, lambda: make().save(folder, identity))
    reference = load(folder)
    if reference.identity != identity:
        raise UserError(
            f"{folder} holds the n-grams of lines {reference.identity}",
            f"lines {identity}",
            "remove the folder",
        )
    return reference


def _load_counts(folder: pathlib.Path, n: int) -> Counts:
    return Counts(
        *(np.load(folder / f"{name}-{n}.npy", "r", allow_pickle=False) for name in Counts._fields)
    )


def _merge_all(runs: Iterator[Counts]) -> Counts:
    """Merges runs as they come, small ones first.

    Runs wait until they are together as large as what has been merged so far.
    """
    merged = next(runs)
    waiting: list[Counts] = []
    size = 0
    for run in runs:
        waiting.append(run)
        size += len(run.keys)
        if size >= len(merged.keys):
            merged = _merge([merged, *waiting])
            waiting = []
            size = 0
    return _merge([merged, *waiting])


def _merge(runs: Iterable[Counts]) -> Counts:
    keys, counts = (np.concatenate(arrays) for arrays in zip(*runs, strict=True))
    ranked = np.argsort(keys, kind="stable")  # which merges sorted runs
    keys = keys[ranked]
    counts = counts[ranked]
    firsts = np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]]))
    return Counts(keys[firsts], np.add.reduceat(counts, firsts))
