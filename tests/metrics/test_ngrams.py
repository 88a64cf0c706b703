import collections
import json
import math

import numpy as np
import pytest

from tf_ttur.errors import UserError
from tf_ttur.metrics import ngrams
from tf_ttur.metrics.ngrams import Reference

# Of the lines {abac, aabb} and {abbb, cabb}, computed outside this project.
GOLDEN = {1: 0.053422060767, 2: 0.39624062518, 3: 0.65563906223, 4: 1.0}


def codes(*lines):
    return np.array([[ord(symbol) - ord("a") for symbol in line] for line in lines])


def frequencies(lines, n):
    """{n-gram: relative frequency} of strings or tuples."""
    counts = collections.Counter(
        line[start : start + n] for line in lines for start in range(len(line) - n + 1)
    )
    total = counts.total()
    return {ngram: number / total for ngram, number in counts.items()}


def divergence(p, q):
    """The divergence of two such models by its definition, n-gram by n-gram."""
    pairs = [
        (mine[ngram], other.get(ngram, 0)) for mine, other in ((p, q), (q, p)) for ngram in mine
    ]
    return math.fsum(x / 2 * math.log2(2 * x / (x + y)) for x, y in pairs)


def random_lines(seed, count, num_symbols, length=12, used=8):
    """Lines of a few of the symbols, so that n-grams recur; a line is ended by padding, as real
    ones are.
    """
    random = np.random.default_rng(seed)
    symbols = np.linspace(1, num_symbols - 1, used).astype(np.uint16)
    lines = symbols[random.geometric(0.4, (count, length)).clip(max=used) - 1]
    lines[np.arange(length) >= random.integers(0, 2 * length, (count, 1))] = 0
    return lines


def test_golden_values():
    first, second = codes("abac", "aabb"), codes("abbb", "cabb")
    for n, value in GOLDEN.items():
        assert Reference.of(first, 3).divergence(second, n) == pytest.approx(value, abs=1e-10)
        assert Reference.of(second, 3).divergence(first, n) == pytest.approx(value, abs=1e-10)


def test_equal_and_disjoint_lines():
    lines = random_lines(0, 100, 50)
    reference = Reference.of(lines, 100)
    assert [reference.divergence(lines, n) for n in range(1, 7)] == [0] * 6
    assert [
        reference.divergence(np.tile(lines[::-1], (3, 1)), n) for n in range(1, 7)
    ] == pytest.approx([0] * 6, abs=1e-15)
    assert [reference.divergence(lines + 50, n) for n in range(1, 7)] == pytest.approx(
        [1] * 6, abs=1e-15
    )


# Keys are exact for all n; hashed for n = 6; hashed for n = 5 and 6.
@pytest.mark.parametrize("num_symbols", [108, 2048, 65535])
def test_divergence_equals_the_definition(num_symbols):
    real, generated = random_lines(1, 1000, num_symbols), random_lines(2, 100, num_symbols)
    reference = Reference.of(real, num_symbols, block=300)
    for n in range(1, 7):
        p, q = (frequencies(map(tuple, lines.tolist()), n) for lines in (generated, real))
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
    whole, split = Reference.of(lines, 2048), Reference.of(lines, 2048, block)
    for n, arrays in whole.models.items():
        for found, wanted in zip(split.models[n], arrays, strict=True):
            assert found.dtype == wanted.dtype
            np.testing.assert_array_equal(found, wanted)


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
    assert reference.floor(lines, 10) == {
        n: reference.divergence(lines[::100], n) for n in range(1, 7)
    }
    assert (
        reference.floor(lines, 1000)
        == reference.floor(lines, 2000)
        == dict.fromkeys(range(1, 7), 0)
    )
    few, many = reference.floor(lines, 30), reference.floor(lines, 300)
    assert all(0 < many[n] < few[n] < 1 for n in range(1, 7))


def test_saved_and_loaded(tmp_path):
    lines = random_lines(5, 300, 2048)
    reference = Reference.of(lines, 2048)
    reference.save(tmp_path / "new/reference", "these lines")
    again = ngrams.load(tmp_path / "new/reference")
    assert (again.identity, again.num_lines, again.length, again.num_symbols) == (
        "these lines",
        300,
        12,
        2048,
    )
    assert all(isinstance(array, np.memmap) for arrays in again.models.values() for array in arrays)
    generated = random_lines(6, 50, 2048)
    assert [again.divergence(generated, n) for n in again.models] == [
        reference.divergence(generated, n) for n in range(1, 7)
    ]


def test_cached(tmp_path):
    lines, made = random_lines(5, 300, 50), []

    def make():
        made.append(Reference.of(lines, 50))
        return made[-1]

    first = ngrams.cached(tmp_path / "a/b", "these", make)
    assert first.identity == "these" and isinstance(first.models[1][0], np.memmap)
    assert ngrams.cached(tmp_path / "a/b", "these", make).floor(lines, 20) == made[0].floor(
        lines, 20
    )
    assert len(made) == 1
    with pytest.raises(UserError, match="of lines these\n.*others"):
        ngrams.cached(tmp_path / "a/b", "others", make)


def test_an_interrupted_reference_is_made_anew(tmp_path, monkeypatch):
    lines = random_lines(5, 300, 50)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(json, "dump", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
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
    text = "".join(
        path.read_text("utf-8") for path in sorted(shared.glob("data/lm1b/heldout-*.txt"))
    )
    lines = [line[:32].ljust(32, "`") for line in text.removesuffix("\n").split("\n")]
    symbols = sorted({*"".join(lines)})
    real = np.array([[symbols.index(symbol) for symbol in line] for line in lines])
    reference = Reference.of(real, len(symbols), block=5000)
    real_lines, out_of_order = lines[:640], [line[16:] + line[:16] for line in lines[:640]]
    for n in range(1, 7):
        q = frequencies(lines, n)
        assert len(reference.models[n][0]) == len(q)
        assert reference.divergence(real[:640], n) == pytest.approx(
            divergence(frequencies(real_lines, n), q), abs=1e-12
        )
        assert reference.divergence(np.roll(real[:640], 16, 1), n) == pytest.approx(
            divergence(frequencies(out_of_order, n), q), abs=1e-12
        )
