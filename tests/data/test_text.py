import collections
import gzip
import io
import json
import tarfile
import tracemalloc

import numpy as np
import pytest

from tf_ttur.data import shards, text
from tf_ttur.data.text import Lines, prepare
from tf_ttur.errors import UserError

SEED = np.array([1, 2], np.int32)
SHARDS = {
    "news.en-00001-of-00100": (
        "The first line .\nAnd a second one , which is longer than thirty-two characters .\n\nÄ é\n"
    ),
    "news.en-00002-of-00100": "b a ` c\nno newline at the end",
    "deeper/news.en-00000-of-00100": "c 'c' c\n",
}
ORDER = sorted(SHARDS)  # "deeper" comes before "news"


@pytest.fixture
def write(tmp_path):
    """A function that writes {name: str or bytes} into a folder, and gives the folder."""

    def write(shards, name="shards"):
        for file, content in shards.items():
            path = tmp_path / name / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        return tmp_path / name

    return write


def tarball(path, members):
    """A tarball of (name, str, bytes or a member type with a link's target) in this order."""
    with tarfile.open(path, "w:gz" if path.name.endswith("gz") else "w") as archive:
        for name, content in members:
            member = tarfile.TarInfo(name)
            if isinstance(content, tuple):
                member.type, member.linkname = content
                archive.addfile(member)
            else:
                content = content.encode() if isinstance(content, str) else content
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
    return path


def split(content):
    """The lines of a text by Python's means."""
    lines = content.split("\n")
    return [line.removesuffix("\r") for line in (lines if lines[-1] else lines[:-1])]


def expected(texts, length=32, max_symbols=2048):
    """(codes, vocabulary) of texts, made character by character."""
    lines = [line[:length].ljust(length, "`") for content in texts for line in split(content)]
    counts = collections.Counter("".join(lines))
    vocabulary = (
        "unk",
        *sorted(counts, key=lambda symbol: (-counts[symbol], symbol))[: max_symbols - 1],
    )
    codes = {symbol: code for code, symbol in enumerate(vocabulary)}
    return [[codes.get(symbol, 0) for symbol in line] for line in lines], vocabulary


def check(lines, texts, **settings):
    codes, vocabulary = expected(texts, **settings)
    assert lines.vocabulary == vocabulary
    assert lines.codes.dtype == np.uint16
    np.testing.assert_array_equal(lines.codes, codes)
    assert lines.num_lines == lines.num_examples == len(codes)


def test_lines_and_vocabulary(write):
    lines = Lines(write(SHARDS))
    check(lines, [SHARDS[name] for name in ORDER])
    assert lines.decode(lines.codes)[:2] == [
        "c 'c' c".ljust(32, "`"),
        "The first line .".ljust(32, "`"),
    ]
    assert lines.vocabulary[:2] == ("unk", "`")
    assert lines.decode([[0, 1]]) == ["unk`"]


@pytest.mark.parametrize("length, max_symbols", [(1, 2), (7, 5), (32, 10), (200, 3)])
def test_settings(write, length, max_symbols):
    lines = Lines(write(SHARDS), length=length, max_symbols=max_symbols)
    check(lines, [SHARDS[name] for name in ORDER], length=length, max_symbols=max_symbols)
    assert (lines.codes == 0).any()


@pytest.mark.parametrize(
    "content",
    [
        "\n",
        "one",
        "\n\n\nx\n\n",
        "windows\r\n\r\nlone \r inside\r\r\nlast\r\n",
        "x" * 31 + "\r\n" + "x" * 32 + "\r\n" + "x" * 33 + "\r\n" + "x" * 32 + "\ry\r\n",
        "nul \0 in the \0\0 middle\n\0\n",
        "combining e\u0301 and \u00e9\n" + "e\u0301" * 20 + "\n",
        "\U0001f600 beyond \U0010ffff the first plane \ue000\n",
        "other ends \u2028 \u2029 \x85 \x0b \x0c \x1c of no meaning here\n",
        "`` back-ticks `\n``\n",
        "not at the start \ufeff\n\ufeff\n",
    ],
)
def test_what_a_text_may_hold(write, content):
    check(Lines(write({"news.en-1": content})), [content])


def test_a_byte_order_mark_is_no_text(write):
    check(Lines(write({"news.en-1": "\ufeffone\n"})), ["one\n"])


def test_blocks_leave_no_seams(write, monkeypatch):
    monkeypatch.setattr(shards, "BLOCK", 1)  # 4096 bytes are read at a time
    random = np.random.default_rng(0)
    symbols = np.array([*"abcdef`\r\n\n", "\r\n", "é", "\u20ac", "\U0001f600"], object)
    contents = ["".join(random.choice(symbols, 30_000)) for _ in range(2)]
    # Lines around the length, so that each of its characters once lies at the end of a block.
    contents += [
        "".join("x" * (shift % 35) + ("\r\n" if shift % 2 else "\n") for shift in range(5000))
    ]
    contents += [f"{'y' * 9000}\r\n{'z' * 5000}\r{'z' * 4000}\nend"]
    # A block that ends one character after the last "\r" that counts, which the next block must not
    # take for a line end.
    contents += [f"{'y' * (4096 - 34)}\n{'x' * 31}\ry\nend"]
    folder = write({f"news.en-{number}": content for number, content in enumerate(contents)})
    check(Lines(folder), contents)
    check(Lines(folder, length=5), contents, length=5)


def test_a_line_without_end_takes_no_memory(write):
    folder = write({"news.en-1": gzip.compress(b"x" * 2**25 + b"\nnext\n")})
    tracemalloc.start()
    lines = Lines(folder)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    check(lines, ["x" * 40 + "\nnext\n"])
    assert peak < 2**24


def test_memory_is_that_of_the_codes(write):
    """So that ten million lines of 32 characters, 610 MiB of codes, fit into 1.5 GiB."""
    random = np.random.default_rng(0)
    shards = {}
    for number in range(4):
        letters = random.integers(97, 123, (50_000, 50), np.uint8)
        letters[:, -1] = ord("\n")
        shards[f"news.en-{number}"] = letters.tobytes()
    folder = write(shards)
    peaks = []
    for max_lines in (50_000, 200_000):
        tracemalloc.start()
        Lines(folder, max_lines=max_lines)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] - peaks[0] < 1.5 * 150_000 * 32 * 2


def test_gzipped_shards(write):
    contents = [SHARDS[name] for name in ORDER]
    named = {
        f"news.en-{number}.gz": gzip.compress(content.encode())
        for number, content in enumerate(contents)
    }
    check(Lines(write(named)), contents)
    by_content = {name.removesuffix(".gz"): content for name, content in named.items()}
    check(Lines(write(by_content, "unnamed")), contents)
    with pytest.raises(UserError, match=r"news.en-0 more than once"):
        Lines(write(by_content))


def test_reading_ends_within_a_shard(write):
    folder = write(SHARDS | {"news.en-00003-of-00100": b"\xff is never read"})
    every = [line for name in ORDER for line in split(SHARDS[name])]
    for max_lines in (1, 2, 4, 5, 7):
        check(
            Lines(folder, max_lines=max_lines), ["".join(f"{line}\n" for line in every[:max_lines])]
        )
    with pytest.raises(UserError, match=r"news.en-00003-of-00100 is not UTF-8"):
        Lines(folder, max_lines=8)


def test_tarball_equals_folder(write, tmp_path):
    folder = write(SHARDS)
    links = [
        ("top/link", (tarfile.SYMTYPE, "news.en-00001-of-00100")),
        ("top/news.en-dir", (tarfile.DIRTYPE, "")),
    ]
    others = [
        ("top/README", "no shard"),
        ("top/._news.en-hidden", "none either"),
        (".hidden/news.en-1", "nor this"),
    ]
    for order in (ORDER, ORDER[::-1], [ORDER[1], ORDER[2], ORDER[0]]):
        members = [*links, *((f"./top/{name}", SHARDS[name]) for name in order), *others]
        for name in ("a.tar", "a.tar.gz", "a.tgz"):
            path = tarball(tmp_path / name, members)
            for max_lines in (1, 3, 5, 6, 100):
                assert (
                    Lines(path, max_lines=max_lines).identity
                    == Lines(folder, max_lines=max_lines).identity
                )


@pytest.mark.parametrize(
    ("member", "words"),
    [
        (("../news.en-1", "x\n"), "has the member ../news.en-1"),
        (("/news.en-1", "x\n"), "has the member /news.en-1"),
        (("a/../../b", "x\n"), "has the member a/../../b"),
        (("top/news.en-1", (tarfile.SYMTYPE, "/etc/passwd")), "that is a link"),
        (("top/news.en-1", (tarfile.LNKTYPE, "top/x")), "that is a link"),
    ],
)
def test_a_tarball_that_leaves_its_folder(tmp_path, member, words):
    path = tarball(tmp_path / "a.tar.gz", [member, ("top/news.en-2", "one\ntwo\n")])
    with pytest.raises(UserError, match=words):
        Lines(path)


def test_tarballs_that_are_not_whole(write, tmp_path):
    random = "".join(map(chr, np.random.default_rng(0).integers(32, 127, 300_000)))
    for name in ("a.tar", "a.tar.gz"):
        path = tarball(tmp_path / name, [("news.en-1", "x\n"), ("news.en-2", random)])
        path.write_bytes(path.read_bytes()[:100_000])
        with pytest.raises(UserError, match="cannot be read"):
            Lines(path)
    (tmp_path / "b.tar").write_bytes(b"no tarball" * 100)
    with pytest.raises(UserError, match="cannot be read"):
        Lines(tmp_path / "b.tar")
    with pytest.raises(UserError, match=r"news.en-2/x is not UTF-8"):
        Lines(tarball(tmp_path / "c.tar", [("news.en-2/x", b"\xff")]), "x")


def test_a_tarball_with_a_flipped_bit(tmp_path):
    random = np.random.default_rng(0)
    members = [
        (f"news.en-{number}", "".join(map(chr, random.integers(32, 127, 3000))) + "\n")
        for number in range(4)
    ]
    whole = tarball(tmp_path / "whole.tar.gz", members).read_bytes()
    for position in random.integers(10, len(whole), 20):
        damaged = bytearray(whole)
        damaged[position] ^= 1 << random.integers(8)
        (tmp_path / "damaged.tar.gz").write_bytes(damaged)
        with pytest.raises(UserError, match=r"cannot be read|is not UTF-8"):
            Lines(tmp_path / "damaged.tar.gz")
    with_bad_header = bytearray(gzip.decompress(whole))
    with_bad_header[2 * (512 + 3072) + 3] ^= (
        1  # in the third member's name, without a checksum but the header's
    )
    (tmp_path / "damaged.tar").write_bytes(with_bad_header)
    with pytest.raises(UserError, match="a member is damaged"):
        Lines(tmp_path / "damaged.tar")
    for end in (
        3 * (512 + 3072),
        3 * (512 + 3072) + 100,
    ):  # after a member, and within the header of the next
        (tmp_path / "cut.tar").write_bytes(gzip.decompress(whole)[:end])
        with pytest.raises(UserError, match="its end is missing"):
            Lines(tmp_path / "cut.tar")


def test_a_shard_that_is_twice_in_a_tarball(tmp_path):
    for other in ("news.en-1", "news.en-1.gz"):
        path = tarball(
            tmp_path / "a.tar.gz",
            [("news.en-1", "one\n"), ("news.en-2", "x\n"), (other, gzip.compress(b"two\n"))],
        )
        with pytest.raises(UserError, match=r"holds news.en-1 more than once"):
            Lines(path)


@pytest.mark.parametrize(
    "content, line",
    [
        (b"one\ntwo \xff\n", 2),
        ("lone surrogate \ud800".encode("utf-8", "surrogatepass"), 1),
        (b"ends in a character\n\n\xe2\x82", 3),
        (b"a\n" * 5000 + b"\xc0\x80\n", 5001),
        ("sixteen bits".encode("utf-16"), 1),
        (b"\xef\xbb\xbfone\n\xfe", 2),
    ],
)
def test_what_is_not_utf8(write, monkeypatch, content, line):
    monkeypatch.setattr(shards, "BLOCK", 1)
    with pytest.raises(UserError, match=rf"news.en-2 is not UTF-8: .* in line {line:,}\n"):
        Lines(write({"news.en-1": "fine", "news.en-2": content}))


def test_damaged_shards(write):
    whole = gzip.compress(
        np.random.default_rng(0).integers(32, 127, 10_000).astype(np.uint8).tobytes()
    )
    for content in (
        whole[:5000],
        whole[:5],
        whole[:-1],
        b"no gzip",
        whole[:4000] + b"\0" * 50 + whole[4050:],
        whole + b"more",
    ):
        with pytest.raises(UserError, match=r"news.en-1.gz cannot be read"):
            Lines(write({"news.en-1.gz": content}))
    folder = write({"news.en-0": "x\n"}, "links")
    (folder / "news.en-1").symlink_to(folder / "nowhere")
    with pytest.raises(UserError, match=r"news.en-1 cannot be read"):
        Lines(folder)


def test_empty_shards_are_left_out_and_named(write):
    empty = {"news.en-0": "", "news.en-2.gz": gzip.compress(b""), "news.en-3": "\ufeff"}
    with pytest.warns(
        UserWarning, match="3 of 4 shards are empty .* news.en-0, news.en-2.gz, news.en-3"
    ):
        lines = Lines(write(empty | {"news.en-1": "x\n"}))
    check(lines, ["x\n"])
    assert lines.skipped == sorted(empty)
    with pytest.warns(UserWarning), pytest.raises(UserError, match=r"all shards of .* are empty"):
        Lines(write(empty, "all"))


def test_nothing_that_matches(write, tmp_path):
    folder = write({"heldout-a.txt": "x\n", ".hidden/news.en-1": "x\n"})
    with pytest.raises(
        UserError, match=r"'news.en-\*'; it holds heldout-a.txt\n(.*\n)*.*config.data.files"
    ):
        Lines(folder)
    with pytest.raises(UserError, match="holds nothing"):
        Lines(folder, "")
    with pytest.raises(UserError, match=r"holds nothing .* README"):
        Lines(tarball(tmp_path / "a.tar", [("README", "x")]))
    with pytest.raises(UserError, match="does not exist"):
        Lines(tmp_path / "missing")
    with pytest.raises(UserError, match="another kind"):
        Lines(folder / "heldout-a.txt")


def test_more_characters_than_codes(write):
    points = [point for point in range(2**16 + 3000) if not 0xD800 <= point < 0xE000]
    with pytest.raises(UserError, match="more than 65535 different characters"):
        Lines(write({"news.en-1": "\n".join(map(chr, points))}))


def test_identity(write):
    folder = write(SHARDS)
    same = Lines(folder, files="news*")
    changed = {"news.en-00002-of-00100": "b a ` d\nno newline at the end"}
    other = write(SHARDS | changed, "other")
    assert same.identity == Lines(folder).identity
    different = [
        Lines(other),
        Lines(folder, length=31),
        Lines(folder, max_symbols=5),
        Lines(folder, max_lines=6),
    ]
    renamed = {
        name: content.replace("é", "ê") for name, content in SHARDS.items()
    }  # the same codes
    different.append(Lines(write(renamed, "renamed")))
    assert len({lines.identity for lines in (same, *different)}) == 6


def take(lines, batches, first=0, stride=1, batch_size=4):
    return np.stack(
        list(lines.batches(SEED, first, stride, batch_size).take(batches).as_numpy_iterator())
    )


@pytest.fixture(params=["read", "prepared"])
def numbered(request, write, tmp_path):
    """23 different lines, read from their shard or prepared."""
    folder = write({"news.en-1": "".join(f"{chr(97 + number)}\n" for number in range(23))})
    if request.param == "prepared":
        prepare(folder, tmp_path / "prepared", length=6)
        folder = tmp_path / "prepared"
    return Lines(folder, length=6)


def test_batches(numbered):
    batches = take(numbered, 10)
    assert batches.dtype == np.int32 and batches.shape == (10, 4, 6)
    assert numbered.batches(SEED, 0, 1, 4).element_spec.shape == (4, 6)
    for epoch in batches.reshape(2, 20, 6):  # 5 batches an epoch; 3 of the 23 lines are left out
        assert len({*map(tuple, epoch)}) == 20 and {*map(tuple, epoch)} < {
            *map(tuple, numbered.codes.tolist())
        }
    assert batches[:5].tolist() != batches[5:].tolist()
    np.testing.assert_array_equal(take(numbered, 5, first=7), take(numbered, 12)[7:])
    np.testing.assert_array_equal(
        take(numbered, 20, stride=2, batch_size=2).reshape(10, 4, 6), batches
    )


def test_too_few_lines(numbered):
    numbered.check_batches(23)
    with pytest.raises(UserError, match=r"has 23 lines\n.*24"):
        numbered.check_batches(24)
    with pytest.raises(UserError, match="has 23 lines"):
        numbered.batches(SEED, 0, 2, 12)


def test_prepared_folder(write, tmp_path):
    folder = write(SHARDS | {"news.en-9": ""})
    output = tmp_path / "new/prepared"
    with pytest.warns(UserWarning, match="news.en-9"):
        said = prepare(folder, output)
    symbols = len(Lines(output).vocabulary)
    assert said == f"7 lines of 32 characters, {symbols} symbols, from {folder}: {output}"
    assert sorted(path.name for path in output.parent.iterdir()) == ["prepared"]
    assert sorted(path.name for path in output.iterdir()) == ["lines.npy", "prepared.json"]
    lines = Lines(output, files="of no meaning")
    assert isinstance(lines.codes, np.memmap) and lines.skipped == ["news.en-9"]
    check(lines, [SHARDS[name] for name in ORDER])
    with pytest.warns(UserWarning):
        assert lines.identity == Lines(folder).identity


def test_prepared_again(write, tmp_path):
    folder = write(SHARDS)
    output = tmp_path / "prepared"
    output.mkdir()  # an empty one is no obstacle
    prepare(folder, output)
    before = {path: path.stat().st_mtime_ns for path in output.iterdir()}
    assert "already prepared" in prepare(folder, output)
    for settings in ({"length": 16}, {"max_symbols": 9}, {"max_lines": 7}, {"files": "news*"}):
        with pytest.raises(UserError, match=f"prepared with other {next(iter(settings))}"):
            prepare(folder, output, **settings)
    with pytest.raises(UserError, match="prepared with other source"):
        prepare(write(SHARDS, "copy"), output)
    write({"news.en-00003-of-00100": "more"})
    with pytest.raises(UserError, match="prepared with other shards"):
        prepare(folder, output)
    assert {path: path.stat().st_mtime_ns for path in output.iterdir()} == before
    with pytest.raises(UserError, match="holds something else"):
        prepare(folder, folder)


def test_prepare_a_tarball(write, tmp_path):
    path = tarball(tmp_path / "a.tar.gz", [*SHARDS.items()])
    prepare(path, tmp_path / "prepared", max_lines=5)
    assert (
        Lines(tmp_path / "prepared", max_lines=5).identity
        == Lines(write(SHARDS), max_lines=5).identity
    )
    assert "already prepared" in prepare(path, tmp_path / "prepared", max_lines=5)


def test_an_interrupted_preparation_leaves_nothing(write, tmp_path, monkeypatch):
    monkeypatch.setattr(json, "dump", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
    folder = write(SHARDS)
    with pytest.raises(KeyboardInterrupt):
        prepare(folder, tmp_path / "prepared")
    assert [path.name for path in tmp_path.iterdir()] == ["shards"]


def test_other_settings_than_those_of_the_prepared_folder(write, tmp_path):
    prepare(write(SHARDS), tmp_path / "prepared", length=16, max_lines=7)
    words = r"max_lines 7, length 16\n.*line_length = 32\n.*config.data.max_lines = 7"
    with pytest.raises(UserError, match=f"prepared with {words}"):
        Lines(tmp_path / "prepared")
    with pytest.raises(UserError, match="prepared with max_symbols 2048\n"):
        Lines(tmp_path / "prepared", max_lines=7, length=16, max_symbols=100)


@pytest.mark.parametrize(
    "file, content",
    [
        ("prepared.json", b""),
        ("prepared.json", b"[]"),
        ("prepared.json", b'{"num_lines": 7}'),
        ("prepared.json", b"\xff"),
        ("lines.npy", b""),
        ("lines.npy", None),
        ("lines.npy", np.zeros((7, 32), np.int32)),
        ("lines.npy", np.zeros((6, 32), np.uint16)),
        ("lines.npy", 500),
        ("lines.npy", np.zeros((7, 32), np.uint16)),
        ("prepared.json", {"vocabulary": ["unk", "a"]}),
        ("prepared.json", {"vocabulary": [1, 2] * 50}),
    ],
)
def test_damaged_prepared_folder(write, tmp_path, file, content):
    prepare(write(SHARDS), tmp_path / "prepared")
    path = tmp_path / "prepared" / file
    if content is None:
        path.unlink()
    elif isinstance(content, int):
        path.write_bytes(path.read_bytes()[:content])
    elif isinstance(content, bytes):
        path.write_bytes(content)
    elif isinstance(content, dict):
        record = json.loads(path.read_text(encoding="utf-8"))
        path.write_text(json.dumps(record | content), encoding="utf-8")
    else:
        np.save(path, content)
    with pytest.raises(
        UserError,
        match=f"prepared/{file} (cannot be read|holds|is not what was written|has a vocabulary)",
    ):
        Lines(tmp_path / "prepared")


def test_real_lines(shared):
    folder = shared / "data/lm1b"
    lines = Lines(folder, "heldout-*.txt")
    check(lines, [path.read_bytes().decode() for path in sorted(folder.glob("heldout-*.txt"))])
    assert lines.num_lines == 24_321 and len(lines.vocabulary) == 108


def test_the_held_out_part_is_no_training_text(tmp_path):
    """Shards of the benchmark's two parts have the same names."""
    for part in (
        "heldout-monolingual.tokenized.shuffled",
        "training-monolingual.tokenized.shuffled",
    ):
        (tmp_path / "benchmark" / part).mkdir(parents=True)
        (tmp_path / "benchmark" / part / "news.en-00001-of-00100").write_text(
            part[0] + "\n", encoding="utf-8"
        )
    with tarfile.open(tmp_path / "benchmark.tar", "w") as archive:
        archive.add(tmp_path / "benchmark", "benchmark")
    for path in (tmp_path / "benchmark", tmp_path / "benchmark.tar"):
        assert text.Lines(path, length=1).vocabulary == ("unk", "t")
