import collections
import itertools
import json
import math

import numpy as np
import pytest

from tf_ttur.errors import UserError
from tf_ttur.metrics import ngrams
from tf_ttur.metrics.ngrams import Reference

# {n: JSD of the lines abac, aabb and abbb, cabb}, computed outside this project.
GOLDEN = {1: 0.053422060767, 2: 0.39624062518, 3: 0.65563906223, 4: 1.0}


def codes(*lines):
    """(k, length) codes of lines of letters."""
    return np.array([[ord(symbol) - ord("a") for symbol in line] for line in lines])


def frequencies(lines, n):
    """{n-gram: relative frequency} of strings or tuples."""
    counts = collections.Counter(
        line[start : start + n] for line in lines for start in range(len(line) - n + 1)
    )
    total = counts.total()
    return {ngram: number / total for ngram, number in counts.items()}


def divergence(p, q):
    """The divergence of two such models by its definition, one n-gram at a time."""
    terms = []
    for first, second in ((p, q), (q, p)):
        for ngram, x in first.items():
            y = second.get(ngram, 0)
            terms.append(x / 2 * math.log2(2 * x / (x + y)))
    return math.fsum(terms)


def random_lines(seed, count, num_symbols, length=12, used=8):
    """Lines of a few of the symbols, so that n-grams recur. As real lines, they end in padding."""
    random = np.random.default_rng(seed)
    symbols = np.linspace(1, num_symbols - 1, used).astype(np.uint16)
    lines = symbols[random.geometric(0.4, (count, length)).clip(max=used) - 1]
    lines[np.arange(length) >= random.integers(0, 2 * length, (count, 1))] = 0
    return lines


def test_golden_values():
    first = codes("abac", "aabb")
    second = codes("abbb", "cabb")
    for n, value in GOLDEN.items():
        assert Reference.of(first, 3).divergence(second, n) == pytest.approx(value, abs=1e-10)
        assert Reference.of(second, 3).divergence(first, n) == pytest.approx(value, abs=1e-10)


def test_equal_and_disjoint_lines():
    lines = random_lines(0, 100, 50)
    repeated = np.tile(lines[::-1], (3, 1))
    reference = Reference.of(lines, 100)
    for n in range(1, 7):
        assert reference.divergence(lines, n) == 0
        assert reference.divergence(repeated, n) == pytest.approx(0, abs=1e-15)
        assert reference.divergence(lines + 50, n) == pytest.approx(1, abs=1e-15)


# The keys are exact for all n; hashed for n = 6; hashed for n = 5 and 6.
@pytest.mark.parametrize("num_symbols", [108, 2048, 65535])
def test_divergence_equals_the_definition(num_symbols):
    real = random_lines(1, 1000, num_symbols)
    generated = random_lines(2, 100, num_symbols)
    reference = Reference.of(real, num_symbols, block=300)
    for n in range(1, 7):
        p = frequencies(map(tuple, generated.tolist()), n)
        q = frequencies(map(tuple, real.tolist()), n)
        assert reference.divergence(generated, n) == pytest.approx(divergence(p, q), abs=1e-13)
        assert len(reference.models[n][0]) == len(q)


def test_keys_are_the_digits():
    keys, counts = ngrams.count(np.array([[3, 1, 2, 1, 2]]), 2, 10)
    assert dict(zip(keys.tolist(), counts.tolist(), strict=True)) == {31: 1, 12: 2, 21: 1}
    [key], _ = ngrams.count(np.full((1, 4), 65535), 4, 65536)
    assert key == 2**64 - 1


@pytest.mark.parametrize("block", [1, 7, 64, 499, 500, 10_000])
def test_blocks_do_not_matter(block):
    lines = random_lines(3, 500, 2048)
    in_one_block = Reference.of(lines, 2048)
    in_blocks = Reference.of(lines, 2048, block)
    for n, expected_arrays in in_one_block.models.items():
        for array, expected in zip(in_blocks.models[n], expected_arrays, strict=True):
            assert array.dtype == expected.dtype
            np.testing.assert_array_equal(array, expected)


def test_short_lines():
    assert [*Reference.of(codes("abac"), 3).models] == [1, 2, 3, 4]
    with pytest.raises(ValueError, match="5-grams"):
        ngrams.count(codes("abac"), 5, 3)


@pytest.mark.parametrize("lines", [[[0, 3]], [[0, -1]], [0, 1], np.zeros((0, 4), int)])
def test_what_cannot_be_counted(lines):
    with pytest.raises(ValueError, match="expected"):
        ngrams.count(np.array(lines), 1, 3)


def test_floor():
    lines = random_lines(4, 1000, 108)
    reference = Reference.of(lines, 108)
    every_hundredth = {n: reference.divergence(lines[::100], n) for n in range(1, 7)}
    assert reference.floor(lines, 10) == every_hundredth
    zeros = dict.fromkeys(range(1, 7), 0)
    assert reference.floor(lines, 1000) == reference.floor(lines, 2000) == zeros
    few = reference.floor(lines, 30)
    many = reference.floor(lines, 300)
    assert all(0 < many[n] < few[n] < 1 for n in range(1, 7))


def test_saved_and_loaded(tmp_path):
    lines = random_lines(5, 300, 2048)
    reference = Reference.of(lines, 2048)
    reference.save(tmp_path / "new/reference", "these lines")
    loaded = ngrams.load(tmp_path / "new/reference")
    assert loaded.identity == "these lines"
    assert (loaded.num_lines, loaded.length, loaded.num_symbols) == (300, 12, 2048)
    arrays = itertools.chain.from_iterable(loaded.models.values())
    assert all(isinstance(array, np.memmap) for array in arrays)
    generated = random_lines(6, 50, 2048)
    expected = [reference.divergence(generated, n) for n in range(1, 7)]
    assert [loaded.divergence(generated, n) for n in loaded.models] == expected


def test_cached(tmp_path):
    lines = random_lines(5, 300, 50)
    references = []

    def make():
        references.append(Reference.of(lines, 50))
        return references[-1]

    first = ngrams.cached(tmp_path / "a/b", "these", make)
    assert first.identity == "these"
    assert isinstance(first.models[1][0], np.memmap)
    second = ngrams.cached(tmp_path / "a/b", "these", make)
    assert second.floor(lines, 20) == references[0].floor(lines, 20)
    assert len(references) == 1
    with pytest.raises(UserError, match=r"of lines these\n.*others"):
        ngrams.cached(tmp_path / "a/b", "others", make)


def test_an_interrupted_reference_is_computed_again(tmp_path, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    lines = random_lines(5, 300, 50)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(json, "dump", interrupt)
        ngrams.cached(tmp_path / "a", "these", lambda: Reference.of(lines[:10], 50))
    assert (tmp_path / "a/keys-6.npy").exists()
    assert ngrams.cached(tmp_path / "a", "these", lambda: Reference.of(lines, 50)).num_lines == 300


@pytest.mark.parametrize(
    "file, content",
    [
        ("reference.json", b"{}"),
        ("reference.json", b'{"orders": [1], "more": 2}'),
        ("keys-3.npy", b""),
        ("keys-3.npy", None),
        ("counts-2.npy", np.ones(5, np.int64)),
        ("counts-1.npy", np.zeros(9, np.int64)),
        ("counts-6.npy", 1000),
    ],
)
def test_damaged_reference(tmp_path, file, content):
    Reference.of(random_lines(5, 300, 50), 50).save(tmp_path, "these")
    path = tmp_path / file
    if content is None:
        path.unlink()
    elif isinstance(content, int):
        path.write_bytes(path.read_bytes()[:content])
    elif isinstance(content, bytes):
        path.write_bytes(content)
    else:
        np.save(path, content)
    with pytest.raises(UserError, match="cannot be read"):
        ngrams.cached(tmp_path, "these", None)


def test_real_lines(shared):
    paths = sorted(shared.glob("data/lm1b/heldout-*.txt"))
    text = "".join(path.read_text("utf-8") for path in paths)
    lines = [line[:32].ljust(32, "`") for line in text.removesuffix("\n").split("\n")]
    symbols = sorted({*"".join(lines)})
    real = np.array([[symbols.index(symbol) for symbol in line] for line in lines])
    reference = Reference.of(real, len(symbols), block=5000)
    some = lines[:640]
    out_of_order = [line[16:] + line[:16] for line in some]
    for n in range(1, 7):
        q = frequencies(lines, n)
        assert len(reference.models[n][0]) == len(q)
        expected = divergence(frequencies(some, n), q)
        assert reference.divergence(real[:640], n) == pytest.approx(expected, abs=1e-12)
        expected = divergence(frequencies(out_of_order, n), q)
        rolled = np.roll(real[:640], 16, 1)
        assert reference.divergence(rolled, n) == pytest.approx(expected, abs=1e-12)
