"""The extraction by workers of Apache Beam.

All tests but the last need Apache Beam, which nothing else needs: pip install -e .[beam]
"""

import dataclasses
import functools
import importlib
import sys

import numpy as np
import PIL.Image
import pytest

from tests.commands.processes import run
from tests.conftest import assert_refused
from tests.metrics.mini_inception import graph_bytes
from tf_ttur.commands import stats
from tf_ttur.data import sources
from tf_ttur.errors import UserError
from tf_ttur.metrics import extraction, statistics
from tf_ttur.metrics.inception import Inception

IN_THIS_PROCESS = [
    "--runner=DirectRunner",
    "--direct_running_mode=in_memory",
    "--direct_num_workers=3",
]
pytestmark = pytest.mark.filterwarnings("ignore:.*images for [0-9]+ features")


@pytest.fixture
def beam():
    """The module, where Apache Beam is installed."""
    pytest.importorskip("apache_beam", reason="needs the extra beam: pip install -e .[beam]")
    return importlib.import_module("tf_ttur.metrics.beam")


@pytest.fixture
def graph(tmp_path):
    path = tmp_path / "mini.pb"
    path.write_bytes(graph_bytes())
    return str(path)


def opener(word, graph):
    """What `beam.Workers` takes as `open_both`."""
    return functools.partial(stats.open_source, str(word), {}, graph, "float32")


def assert_same(computed, expected):
    for array, expected_array in (
        (computed.mu, expected.mu),
        (computed.sigma, expected.sigma),
    ):
        tolerance = 1e-10 * np.abs(expected_array).max()
        np.testing.assert_allclose(array, expected_array, rtol=1e-10, atol=tolerance)
    assert computed.provenance == expected.provenance


@pytest.mark.parametrize(
    "word, batch_size, options",
    [
        ("folder", 2, {}),
        ("digits:250", 4, {}),
        ("digits:250:7", 7, {"shard": (2, 3)}),
        ("digits:99", 8, {"limit": 50}),
    ],
)
def test_workers_give_the_statistics_of_one_process(word, batch_size, options, folder, graph, beam):
    open_both = opener(folder if word == "folder" else word, graph)
    images, network = open_both()
    workers = beam.Workers(open_both, IN_THIS_PROCESS)
    by_workers = extraction.image_statistics(
        images, network, batch_size, workers=workers, **options
    )
    assert_same(by_workers, extraction.image_statistics(images, network, batch_size, **options))


def test_images_that_can_only_be_read_in_order(graph, beam, monkeypatch):
    """Every worker has one part: to read a part, it reads all images before it."""
    digits = sources.open_source("digits:100")
    streamed = dataclasses.replace(digits, read=None, stream=digits.in_order)
    reads = []

    def in_order(self, first, count):
        reads.append((first, count))
        return self.stream().skip(first).take(count)

    monkeypatch.setattr(sources, "open_source", lambda *_, **__: streamed)
    monkeypatch.setattr(sources.Source, "in_order", in_order)
    open_both = opener("digits:100", graph)
    images, network = open_both()
    expected = extraction.image_statistics(images, network, 2)
    reads.clear()
    workers = beam.Workers(open_both, IN_THIS_PROCESS)
    assert_same(extraction.image_statistics(images, network, 2, workers=workers), expected)
    assert sorted(reads) == [(0, 32), (32, 34), (66, 34)]
    elsewhere = beam.Workers(open_both, ["--runner=PortableRunner", "--temp_location=/tmp"])
    with pytest.raises(UserError, match="only be read from its start"):
        elsewhere.extract(images, network, 2, 0, 100)


def test_an_error_of_a_worker_is_a_message(folder, graph, beam):
    open_both = opener(folder, graph)
    workers = beam.Workers(open_both, IN_THIS_PROCESS)
    images, network = open_both()
    with pytest.raises(UserError, match="other network"):
        workers.extract(images, Inception(graph_bytes(seed=1)), 2, 0, 12)
    for number in range(5, 9):  # files of the second of three parts
        PIL.Image.new("RGB", (16, 16)).save(folder / f"{number:02}.png")
    images, _ = open_both()
    message = r"images of shapes \[.*\] and \[.*\] in one set|pixels, those before it"
    with pytest.raises(UserError, match=message):
        workers.extract(images, network, 2, 0, 12)
    (folder / "05.png").write_bytes(b"nonsense")
    images, _ = open_both()
    message = (
        r"05.png cannot be decoded.*\n"
        r"  expected: a whole image\n"
        r"  to do:    replace or remove this file, or leave out .*--skip-unreadable$"
    )
    with pytest.raises(UserError, match=message):
        workers.extract(images, network, 2, 0, 12)


@pytest.mark.parametrize(
    "flags, message",
    [
        (["--runner=DirectRunner", "--direct_num_worker=2"], "--direct_num_worker after"),
        (["--runner=DirectRunner", "--direct_num_workers=two"], "invalid int value: 'two'"),
        (["--runner=DirectRunner", "--direct_num_workers=-1"], "--direct_num_workers=-1"),
        (["--runner=NoRunner"], "Unexpected pipeline runner"),
        (["--runner=FlinkRunner"], "without --temp_location"),
    ],
)
def test_flags_that_beam_does_not_take(flags, message, beam):
    with pytest.raises(UserError, match=message):
        beam.Workers(None, flags)


def test_two_worker_processes_of_the_tool(folder, graph, beam, tmp_path):
    tool = ["tools/precalc_stats.py", folder, "--inception", graph, "--batch-size", "3"]
    runner = ["--runner=DirectRunner", "--direct_num_workers=2"]
    output = tmp_path / "s.npz"
    process = run(*tool, "--output", output, *runner, cwd=tmp_path)
    assert process.returncode == 0, process.stderr
    assert process.stdout.strip() == str(output)
    # One line says what was left out, one what is done, and one that the images are few.
    assert "left out: 1 .txt" in process.stderr
    assert len(process.stderr.splitlines()) == 3, process.stderr
    images, network = opener(folder, graph)()
    assert_same(statistics.load(output), extraction.image_statistics(images, network, 3))

    (folder / "05.png").write_bytes(b"nonsense")
    output = tmp_path / "t.npz"
    process = run(*tool, "--output", output, *runner, cwd=tmp_path)
    assert_refused(process, "05.png cannot be decoded")
    assert_refused(run(*tool, *runner, "--output", output), "--output after --runner")


def test_without_beam(monkeypatch):
    monkeypatch.setitem(sys.modules, "apache_beam", None)
    monkeypatch.delitem(sys.modules, "tf_ttur.metrics.beam", raising=False)
    with pytest.raises(UserError, match=r"pip install -e .\[beam\]"):
        importlib.import_module("tf_ttur.metrics.beam")
