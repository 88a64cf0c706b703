"""A flag that has no effect is refused, also where its value is the default."""

import pytest

from tests.conftest import assert_refused
from tf_ttur.commands import flags
from tf_ttur.errors import UserError
from tf_ttur.metrics.moments import Moments
from tf_ttur.metrics.statistics import Statistics


@pytest.fixture
def call(tool, tmp_path, monkeypatch):
    """A function that runs a command line in a folder with statistics.npz."""
    monkeypatch.chdir(tmp_path)
    moments = Moments(4)
    moments.update([[0, 0, 1, 2], [1, 0, 0, 1], [0, 2, 1, 0]])
    statistics = Statistics(moments.mean, moments.covariance, {}, "statistics")
    statistics.save("statistics.npz")

    def call(line):
        door, *words = line.split()
        return tool(f"tools/{door}.py" if door != "train" else "tf_ttur/train.py", *words)

    return call


_STATISTICS = "fid statistics.npz statistics.npz"
_IMAGES = "fid digits:30 digits:30:1"


@pytest.mark.parametrize(
    "line, flag",
    [
        *[
            (f"{_STATISTICS} {flag}", flag.split()[0])
            for flag in (
                *("--count 10", "--sample 10", "--seed 0", "--skip-unreadable", "--drop-remainder"),
                *("--quantisation round", "--inception graph.pb", "--precision float32"),
                *("--batch-size 100", "--trust", "--network mine.py:features", "--cache-features"),
            )
        ],
        *[
            (f"{line} {flag}", flag.split()[0])
            for line in (_STATISTICS, _IMAGES, "fid statistics.npz digits:30")
            for flag in ("--background white", "--depth 8", "--value-range 0,1")
        ],
        (f"{_STATISTICS} --size 20", "--size"),
        ("precalc_stats digits:30 --output x.npz --depth 8", "--depth"),
        ("disturb digits:40 --output x --example digits:9 --background white", "--background"),
        ("prepare_data images --input digits:30 --output x --background white", "--background"),
        (f"{_IMAGES} --quantisation round", "--quantisation"),
        (f"{_IMAGES} --seed 0", "--seed"),
        (f"{_IMAGES} --seed 0 --metrics fid,fid_inf,is,prdc", "--seed"),
        (f"{_IMAGES} --seed 0 --compare digits:30:2", "--seed"),
        ("fid statistics.npz digits:30 --quantisation float", "--quantisation"),
        ("precalc_stats digits:30 --output x.npz --quantisation round", "--quantisation"),
        ("precalc_stats --config svhn --precision float32", "--precision"),
        ("precalc_stats --config svhn --network mine.py:features", "--network"),
        ("precalc_stats digits:30 --output x.npz --features-logits", "--features-logits"),
        ("precalc_stats --config svhn --batch-size 100", "--batch-size"),
        ("precalc_stats --config svhn --quantisation round", "--quantisation"),
        ("benchmark --config quickstart --inception graph.pb", "--inception"),
        ("benchmark --config quickstart --batch-size 100", "--batch-size"),
        ("train --config billion_word --inception graph.pb", "--inception"),
        (
            "train --config quickstart --config.evaluation.every_updates=0 --inception graph.pb",
            "--inception",
        ),
        ("theory heavy-ball --output x --runs 200", "--runs"),
        ("theory heavy-ball --output x --run run", "--run"),
        ("theory assumptions --output x --runs 200", "--runs"),
        ("theory assumptions --output x --batches 16", "--batches"),
        ("report run --output x --inception graph.pb", "--inception"),
        ("disturb digits:40 --output x --only blur --mixed-in digits:9", "--mixed-in"),
        ("disturb digits:40 --output x --only blur --swirl-radius 25", "--swirl-radius"),
        ("prepare_data svhn --input digits:30 --output x --files news*", "--files"),
        ("prepare_data billion_word --input x --output y --crop none", "--crop"),
        ("prepare_data billion_word --input x --output y --jpeg 95", "--jpeg"),
        ("prepare_data billion_word --input x --output y --trust-pickle", "--trust-pickle"),
    ],
)
@pytest.mark.filterwarnings("ignore")
def test_flags_without_effect(call, line, flag):
    assert_refused(call(line), f"error: {flag} ", "leave it out")


@pytest.mark.filterwarnings("ignore")
def test_what_is_wrong_with_a_word_comes_first(call):
    for flag in ("--quantisation round", "--seed 1"):
        assert_refused(call(f"fid nowhere digits:30 {flag}"), "nowhere does not exist")


def test_count_and_sample_exclude_each_other(call):
    assert_refused(call(f"{_IMAGES} --count 9 --sample 9"), "--sample", "not allowed with")


def test_given_flags_are_told_from_defaults():
    parser = flags.parser("Measures.", "fid")
    parser.add_argument("words", nargs="*")
    parser.add_argument("-n", "--number", type=int, default=3)
    parser.add_argument("--fast", action="store_true")
    parser.add_argument("--name")
    flags.add_config(parser)
    arguments = parser.parse_args(["a"])
    assert arguments.given == frozenset()
    assert (arguments.words, arguments.number, arguments.fast) == (["a"], 3, False)
    assert "given" not in vars(arguments)
    arguments = parser.parse_args(["-n", "3", "--name=", "--config.seed=1"])
    assert arguments.given == {"--number", "--name"}
    assert flags.overrides(arguments) == {"seed": 1}
    flags.refuse_unused(arguments, ["--fast"], "here", "there")
    with pytest.raises(UserError, match=r"--name here\n.*there\n.*leave it out"):
        flags.refuse_unused(arguments, ["--fast", "--name"], "here", "there")


def test_permissions_may_be_given_without_need(call, graph):
    process = call(f"fid digits:30 digits:30 --inception {graph} --trust --allow-mixed")
    assert process.returncode == 0, process.stderr
