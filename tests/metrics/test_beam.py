"""All but the last need Apache Beam, which nothing else does: pip install -e .[beam]"""

import dataclasses
import functools
import importlib
import sys

import numpy as np
import PIL.Image
import pytest

from tests.conftest import assert_refused
from tests.metrics.mini_inception import graph_bytes
from tests.test_commands import run
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
    return functools.partial(stats.open_source, str(word), {}, graph, "float32")


def assert_same(found, expected):
    for name in ("mu", "sigma"):
        wanted = getattr(expected, name)
        np.testing.assert_allclose(
            getattr(found, name), wanted, rtol=1e-10, atol=1e-10 * np.abs(wanted).max()
        )
    assert found.provenance == expected.provenance


@pytest.mark.parametrize(
    "word, batch_size, how",
    [
        ("folder", 2, {}),
        ("digits:250", 4, {}),
        ("digits:250:7", 7, {"shard": (2, 3)}),
        ("digits:99", 8, {"limit": 50}),
    ],
)
def test_workers_give_the_statistics_of_one_process(word, batch_size, how, folder, graph, beam):
    open_both = opener(folder if word == "folder" else word, graph)
    images, network = open_both()
    found = extraction.image_statistics(
        images, network, batch_size, workers=beam.Workers(open_both, IN_THIS_PROCESS), **how
    )
    assert_same(found, extraction.image_statistics(images, network, batch_size, **how))


def test_images_that_can_only_be_read_in_order(graph, beam, monkeypatch):
    """Every worker has one part, as each would read all before it."""
    drawn, parts = sources.open_source("digits:100"), []

    def in_order(self, first, count):
        parts.append((first, count))
        return self.stream().skip(first).take(count)

    stream = drawn.in_order
    monkeypatch.setattr(
        sources,
        "open_source",
        lambda *_, **__: dataclasses.replace(drawn, read=None, stream=stream),
    )
    monkeypatch.setattr(sources.Source, "in_order", in_order)
    open_both = opener("digits:100", graph)
    images, network = open_both()
    expected = extraction.image_statistics(images, network, 2)
    parts.clear()
    assert_same(
        extraction.image_statistics(
            images, network, 2, workers=beam.Workers(open_both, IN_THIS_PROCESS)
        ),
        expected,
    )
    assert sorted(parts) == [(0, 32), (32, 34), (66, 34)]
    elsewhere = beam.Workers(open_both, ["--runner=PortableRunner", "--temp_location=/tmp"])
    with pytest.raises(UserError, match="only be read from its start"):
        elsewhere.extract(images, network, 2, 0, 100)


def test_what_a_worker_meets_is_a_message(folder, graph, beam):
    open_both = opener(folder, graph)
    workers = beam.Workers(open_both, IN_THIS_PROCESS)
    images, network = open_both()
    with pytest.raises(UserError, match="other network"):
        workers.extract(images, Inception(graph_bytes(seed=1)), 2, 0, 12)
    for number in range(5, 9):  # the second of three parts
        PIL.Image.new("RGB", (16, 16)).save(folder / f"{number:02}.png")
    images, _ = open_both()
    with pytest.raises(
        UserError, match=r"images of shapes \[.*\] and \[.*\] in one set|pixels, those before it"
    ):
        workers.extract(images, network, 2, 0, 12)
    (folder / "05.png").write_bytes(b"nonsense")
    images, _ = open_both()
    with pytest.raises(
        UserError,
        match=r"05.png cannot be decoded.*\n  expected: a whole image\n  to do:    replace or remove this file$",
    ):
        workers.extract(images, network, 2, 0, 12)


@pytest.mark.parametrize(
    "flags, word",
    [
        (["--runner=DirectRunner", "--direct_num_worker=2"], "--direct_num_worker after"),
        (["--runner=DirectRunner", "--direct_num_workers=two"], "invalid int value: 'two'"),
        (["--runner=DirectRunner", "--direct_num_workers=-1"], "--direct_num_workers=-1"),
        (["--runner=NoRunner"], "Unexpected pipeline runner"),
        (["--runner=FlinkRunner"], "without --temp_location"),
    ],
)
def test_flags_that_beam_does_not_take(flags, word, beam):
    with pytest.raises(UserError, match=word):
        beam.Workers(None, flags)


def test_two_worker_processes_of_the_tool(folder, graph, beam, tmp_path):
    tool = ["tools/precalc_stats.py", folder, "--inception", graph, "--batch-size", "3", "--output"]
    runner = ["--runner=DirectRunner", "--direct_num_workers=2"]
    process = run(*tool, tmp_path / "s.npz", *runner, cwd=tmp_path)
    assert process.returncode == 0 and process.stdout.strip() == str(tmp_path / "s.npz"), (
        process.stderr
    )
    assert len(process.stderr.splitlines()) == 2, (
        process.stderr
    )  # what is done, and that the images are few
    images, network = opener(folder, graph)()
    assert_same(
        statistics.load(tmp_path / "s.npz"), extraction.image_statistics(images, network, 3)
    )
    (folder / "05.png").write_bytes(b"nonsense")
    assert_refused(
        run(*tool, tmp_path / "t.npz", *runner, cwd=tmp_path), "05.png cannot be decoded"
    )
    assert_refused(
        run(*tool[:-1], *runner, "--output", tmp_path / "t.npz"), "--output after --runner"
    )


def test_without_beam(monkeypatch):
    monkeypatch.setitem(sys.modules, "apache_beam", None)
    monkeypatch.delitem(sys.modules, "tf_ttur.metrics.beam", raising=False)
    with pytest.raises(UserError, match=r"pip install -e .\[beam\]"):
        importlib.import_module("tf_ttur.metrics.beam")
