"""Everything in `studies.published` that the fact sheet has in tables, read from there."""

import re

import pytest

from tf_ttur.studies import published

# Experiments in the order of table 1 and of the table of best scores: (experiment, metric).
EXPERIMENTS = [
    ("celeba", "fid"),
    ("cifar10", "fid"),
    ("svhn", "fid"),
    ("lsun", "fid"),
    ("wgan_gp_cifar10", "fid"),
    ("wgan_gp_lsun", "fid"),
    ("billion_word", "jsd_4"),
    ("billion_word", "jsd_6"),
]
SCORE = re.compile(r"([\d.]+)(?:@(\d+)(?:k|min)?)?")  # and where in the training


@pytest.fixture
def sheet(shared):
    """Its lines."""
    return (shared / "reference_facts.md").read_text(encoding="utf-8").splitlines()


def table(sheet, title):
    """The rows of the table below the line that starts with a title, as lists of cells.

    The first row is its head.
    """
    [start] = [number for number, line in enumerate(sheet) if line.startswith(title)]
    end = next(
        number for number in range(start + 1, len(sheet)) if not sheet[number].startswith("|")
    )
    head, _, *rows = [
        [cell.strip() for cell in line.split("|")[1:-1]] for line in sheet[start + 1 : end]
    ]
    return [head, *rows]


def numbers(text):
    return [float(found) for found in re.findall(r"\d*\.?\d+(?:e-\d+)?", text)]


def rates(text):
    """(discriminator, generator) of "orig 1e-4", "TTUR 3e-4/1e-4" and the like."""
    found = [float(rate) for rate in re.findall(r"\de-\d", text)]
    return found[0], found[-1]


def table_1(sheet):
    """{(experiment, metric): ((rates, score) of TTUR, (rates, score) of one rate for both)}.

    All are as printed.
    """
    rows = table(sheet, "### 8.1")[1:]
    pairs = [
        ((rates(ttur), float(best)), (2 * rates(orig)[:1], float(other)))
        for _, _, ttur, _, best, orig, _, other in rows
    ]
    return dict(zip(EXPERIMENTS, pairs, strict=True))


def test_curves(sheet):
    count = 0
    for title, experiment in (
        ("DCGAN CelebA (k mini-batches)", "celeba"),
        ("DCGAN CIFAR-10", "cifar10"),
        ("DCGAN SVHN", "svhn"),
        ("DCGAN LSUN", "lsun"),
        ("WGAN-GP CIFAR-10 (minutes)", "wgan_gp_cifar10"),
        ("WGAN-GP LSUN (minutes)", "wgan_gp_lsun"),
    ):
        (_, *head), *rows = table(sheet, title)
        if experiment in published.CURVES:
            unit = 1000
            found = published.CURVES[experiment]
        else:
            unit = 1
            timed = published.TIMED_CURVES[experiment, "fid"]
            found = {pair: points for pair, (_, points) in timed.items()}
        assert found == {
            rates(name): [(unit * int(row[0]), *numbers(row[column])) for row in rows]
            for column, name in enumerate(head, start=1)
        }
        count += len(head) * len(rows)
    (_, *head), *rows = table(sheet, "JSD (minutes)")
    for column, name in enumerate(head, start=1):
        key = "billion_word", f"jsd_{name[0]}"
        (ttur, _), (orig, _) = table_1(sheet)[key]
        _, points = published.TIMED_CURVES[key][ttur if "TTUR" in name else orig]
        assert points == [(int(row[0]), *numbers(row[column])) for row in rows]
        count += len(rows)
    assert count == 180  # 36 + 3 * 24 of DCGAN, 24 + 28 of WGAN-GP, 20 of the JSD
    assert set(published.CURVES) | {name for name, _ in published.TIMED_CURVES} == {
        name for name, _ in EXPERIMENTS
    }


def test_duration_of_an_iteration(sheet):
    [line] = [line for line in sheet if line.startswith("Wall-clock ratios")]
    found = re.findall(r"(TTUR|orig) ≈?([\d.]+)(?: min)?(?: per (\d+))?", line)
    assert [name for name, *_ in found] == ["TTUR", "orig"] * 2
    per_1000 = [1000 * float(minutes) / int(updates or 100) for _, minutes, updates in found]
    lsun, language = per_1000[:2], per_1000[2:]
    durations = {
        ("wgan_gp_lsun", "fid"): lsun,
        EXPERIMENTS[-2]: language,
        EXPERIMENTS[-1]: language,
        # The best evaluations of CIFAR-10 are number 42 of TTUR and 40 of orig, 4000 and 1333
        # updates from one to the next.
        ("wgan_gp_cifar10", "fid"): [719 / (42 * 4), 826 / (40 * 1.333)],
    }
    for key, (ttur, orig) in durations.items():
        for pair, (minutes, _) in published.TIMED_CURVES[key].items():
            expected = orig if pair.discriminator == pair.generator else ttur
            assert minutes == pytest.approx(expected, rel=1e-3)


def test_best_scores(sheet):
    # The erratum says where the best of language are, TTUR first.
    [erratum] = [line for line in sheet if line.startswith("| E6 |")]
    found = re.search(r"figure minima at ([\d/]+) min", erratum)[1]
    ttur_4, orig_4, ttur_6, orig_6 = found.split("/")
    minutes = {"jsd_4": (orig_4, ttur_4), "jsd_6": (orig_6, ttur_6)}
    count = 0
    for key, (names, *cells) in zip(EXPERIMENTS, table(sheet, "Best single run")[1:], strict=True):
        (ttur, _), (orig, _) = table_1(sheet)[key]
        pairs = [*((rate, rate) for rate in numbers(names.partition("orig")[2]) or orig[:1]), ttur]
        best, mean = (
            [SCORE.fullmatch(end.strip(" *")).groups("") for end in cell.split(",")]
            for cell in cells
        )
        if key[1] in minutes:
            best = [(score, at) for (score, _), at in zip(best, minutes[key[1]], strict=True)]
        unit = "k" if key[0] in published.CURVES else " min"
        expected = {
            pair: (float(score), at + unit, (float(lowest), where and where + unit))
            for pair, (score, at), (lowest, where) in zip(pairs, best, mean, strict=True)
        }
        scores = published.SCORES[key]
        assert {pair: (score.best, score.at, score.mean) for pair, score in scores.items()} == (
            expected
        )
        count += len(expected)
    assert count == 28


def test_scores_of_table_1(sheet):
    for key, cells in table_1(sheet).items():
        scores = published.SCORES[key]
        found = {pair: score.table for pair, score in scores.items() if score.table is not None}
        assert found == dict(cells)
    # As printed, erratum or not.
    assert published.SCORES["wgan_gp_lsun", "fid"][1e-4, 1e-4].table == 20.5


def test_scores_of_began(sheet):
    [line] = [line for line in sheet if line.startswith("- Curves (deleted files")]
    names, _, scores = line.partition("Digitised")
    pairs = [rates(found) for found in re.findall(r"\de-\d(?:/\de-\d)?", names)]
    ends = [
        published.Score(float(best), "", (float(mean), ""))
        for best, mean in re.findall(r"([\d.]+)/([\d.]+) \(", scores)
    ]
    expected = list(zip(pairs, ends, strict=True))
    for name, rows in {"began_celeba": expected[:3], "began_lsun": expected[3:]}.items():
        assert published.SCORES[name, "fid"] == dict(rows)
    assert len(expected) == 5 and set(published.SCORES) == {
        *EXPERIMENTS,
        ("began_celeba", "fid"),
        ("began_lsun", "fid"),
    }


def test_disturbances(sheet):
    rows = table(sheet, "### 6.4")[1:]
    assert [row[0] for row in rows] == [
        "Gaussian noise",
        "blur",
        "rectangles",
        "swirl",
        "salt & pepper",
        "ImageNet",
    ]
    for (_, *cells), found in zip(rows, published.DISTURBED.values(), strict=True):
        fid, score, ind = map(numbers, cells)
        assert len(fid) == 4
        assert list(found["fid"]) == fid
        assert list(found["inception_score"]) == score
        # Scores are printed with three digits.
        assert [found["ind_limit"] - value for value in score] == pytest.approx(ind, abs=0.05)
