"""The report of runs, against NumPy, the rows themselves, Python's HTML parser and the CLI."""

import csv
import html.parser
import json
import shlex

import numpy as np
import PIL.Image
import pytest
import sklearn.neighbors

from tests.conftest import assert_refused
from tests.reports.folders import UPDATES, images, write_run
from tf_ttur import config as configs
from tf_ttur.commands import flags
from tf_ttur.data import digits
from tf_ttur.errors import UserError
from tf_ttur.metrics.pixels import PixelPooling
from tf_ttur.reports import again, figures, nearest, pictures, settings, table
from tf_ttur.reports.contents import collect
from tf_ttur.reports.write import write
from tf_ttur.studies import study as studies
from tf_ttur.training.grid import tile

TTUR = [(500.0, 90.0, 60.0), (510.0, 80.0, 70.0), (520.0, 100.0, None)]
ORIG = [(500.0, 150.0, 100.0), (510.0, 140.0, 110.0)]


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """A folder with three runs of `cifar10:ttur` and two of `cifar10:orig`."""
    folder = tmp_path_factory.mktemp("study")
    for variant, runs in (("ttur", TTUR), ("orig", ORIG)):
        for seed, values in enumerate(runs):
            name = f"{variant}-seed{seed}"
            # A seed takes longer than the one before.
            seconds = 0.5 + 0.1 * seed
            write_run(folder / name, f"cifar10:{variant}", values, seed, seconds, samples=seed == 0)
    crash = {"update": 9000, "player": "generator", "tensor": "loss", "last_checkpoint": 8000}
    (folder / "ttur-seed2/crash.json").write_text(json.dumps(crash), encoding="utf-8")
    warning = {"update": 10_000, "warning": "<b>the distance</b> is far above"}
    text = json.dumps(warning) + "\n"
    (folder / "orig-seed1/warnings.jsonl").write_text(text, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def report(study, tmp_path_factory):
    """The folder of a report on both settings."""
    folder = tmp_path_factory.mktemp("report")
    write([study], folder, "tf-ttur report study --output report")
    return folder


class Page(html.parser.HTMLParser):
    """What a page holds: its tags with their attributes, and the cells of the first table."""

    def __init__(self, path):
        super().__init__()
        self.tags = []
        self.rows = []
        self.text = ""
        self._cell = None
        self._tables = 0
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        self._tables += tag == "table"
        if self._tables == 1 and tag == "tr":
            self.rows.append([])
        if tag in ("td", "th") and self._tables == 1:
            self._cell = ""

    def handle_endtag(self, tag):
        if tag in ("td", "th") and self._cell is not None:
            self.rows[-1].append(self._cell.strip())
            self._cell = None

    def handle_data(self, data):
        self.text += data
        if self._cell is not None:
            self._cell += data


def test_runs_that_differ_in_seeds_are_one_setting(study):
    opened = settings.open_settings([study])
    assert [(one.label, one.seeds) for one in opened] == [("orig", [0, 1]), ("ttur", [0, 1, 2])]
    assert settings.differences(opened) == [("generator.learning_rate", [1e-4, 5e-4])]
    # The order of the command line counts, and a folder that is named twice is one run.
    opened = settings.open_settings([study / "ttur-seed1", study / "ttur-seed1", study])
    assert [one.label for one in opened] == ["ttur", "orig"]


def test_settings_of_one_variant_are_told_apart(tmp_path):
    write_run(tmp_path / "a", "cifar10", (3, 2, 1))
    write_run(tmp_path / "b", "cifar10", (3, 2, 1), batch_size=32)
    opened = settings.open_settings([tmp_path])
    assert [one.label for one in opened] == ["ttur, batch_size=64", "ttur, batch_size=32"]
    write_run(tmp_path / "c", "cifar10", (3, 2, 1))
    with pytest.raises(UserError, match="the same run: seed 0"):
        settings.open_settings([tmp_path])


def test_the_table_has_mean_range_and_best(study):
    orig, ttur = collect(settings.open_settings([study]), "").rows
    # The third run of ttur stopped before 10,000.
    assert ttur["at_update"] == 10_000
    assert ttur["mean"] == pytest.approx(np.mean([60, 70]))
    assert ttur["deviation"] == pytest.approx(np.std([60, 70], ddof=1))
    assert (ttur["low"], ttur["high"]) == (60, 70)
    assert (ttur["best"], ttur["best_seed"], ttur["best_update"]) == (60.0, 0, 10_000)
    assert (ttur["runs"], ttur["failed"]) == (3, 1)
    assert orig["mean"] == pytest.approx(105)
    published = ("published_mean", "published_low", "published_high")
    assert [orig[name] for name in published] == [104.7, 95, 122]
    assert [ttur[name] for name in published] == [66.9, 56, 81]
    assert (ttur["published_best"], ttur["published_table"]) == (36.89, 36.9)


def test_charts_show_mean_and_range(study):
    [chart] = collect(settings.open_settings([study]), "").evaluations
    orig, ttur, *published = chart["series"]
    for one, values in ((orig, np.array(ORIG)), (ttur, np.array(TTUR, float))):
        for axis in ("updates", "seconds"):
            np.testing.assert_allclose(one[axis]["mean"], np.nanmean(values, axis=0))
            np.testing.assert_allclose(one[axis]["low"], np.nanmin(values, axis=0))
            np.testing.assert_allclose(one[axis]["high"], np.nanmax(values, axis=0))
    assert ttur["updates"]["x"] == list(UPDATES)
    assert ttur["updates"]["count"] == [3, 3, 2]
    # The mean of 0.5, 0.6 and 0.7 seconds per update.
    np.testing.assert_allclose(ttur["seconds"]["x"], 0.6 * np.array(UPDATES))
    assert [one["updates"]["high"] for one in published] == [[122], [81]]


def test_charts_end_where_all_runs_have_got(tmp_path):
    """One run that is ahead is not the mean of three."""
    write_run(tmp_path / "a", "cifar10", (500, 90, 60), seed=0)
    write_run(tmp_path / "b", "cifar10", (500, 80), seed=1)
    contents = collect(settings.open_settings([tmp_path]), "")
    [curve] = [chart["series"][0] for chart in contents.evaluations]
    assert (curve["updates"]["x"], curve["updates"]["mean"]) == ([0, 5000], [500, 85])
    assert curve["seconds"]["x"] == [0, 2500]
    assert (curve["name"], curve["note"]) == ("ttur, 2 runs", "1 got further")
    assert contents.training[0]["series"][0]["updates"]["x"] == [0, 5000]


def test_the_legend_says_which_runs_are_missing(tmp_path):
    for seed, values in enumerate([(500, 90, 60), (500, 80, 50), (500,), (500, 70)]):
        write_run(tmp_path / str(seed), "cifar10", values, seed=seed)
    crash = {"update": 9000, "player": "generator", "tensor": "loss", "last_checkpoint": 8000}
    (tmp_path / "3/crash.json").write_text(json.dumps(crash), encoding="utf-8")
    contents = collect(settings.open_settings([tmp_path]), "")
    curve, published = contents.evaluations[0]["series"]
    assert curve["note"] == "1 failed, 1 not as far"
    assert (curve["updates"]["x"][-1], curve["updates"]["count"]) == (10_000, [4, 3, 2])
    assert published["updates"]["count"] == [8]
    assert "ttur: fid_stand_in 55 [50, 60] as the mean of 2 of 4 runs" in contents.verdict.text
    assert table.cell(contents.rows[0], "mean") == "55 [50, 60] (2 of 4 runs)"


def test_runs_whose_schedules_end_elsewhere_are_no_runs_of_one_setting(tmp_path):
    for seed, updates in enumerate((10, 20)):
        write_run(tmp_path / f"a{seed}", "quickstart", (3,), seed, updates=updates)  # linear
        write_run(tmp_path / f"b{seed}", "cifar10", (3,), seed, updates=updates)
    opened = settings.open_settings([tmp_path])
    assert [len(one.runs) for one in opened] == [1, 1, 2]


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_a_figure_has_no_empty_axes(study, count):
    charts = collect(settings.open_settings([study]), "").training
    drawn = figures.draw((charts * 3)[:count], "updates").axes
    assert [bool(axes.lines) for axes in drawn] == [True] * count


def test_the_verdict_says_why_values_may_not_be_compared(study, tmp_path):
    judged = collect(settings.open_settings([study]), "").verdict
    assert judged.comparable.startswith("These values may not stand beside")
    text = "\n".join(judged.reasons)
    for words in ("fid_stand_in, not the FID", "2 runs", "3 runs", "10,000 of the card's 120,000"):
        assert words in text
    assert "num_samples" not in text  # 50,000, as published
    assert "1 of them failed (seed 2)" in judged.text
    # Two runs share their seeds: 60 - 100 and 70 - 110.
    assert "orig - ttur at 10,000 updates: +40 [+40, +40]: orig is higher" in judged.text
    # What changes the training or its data is named.
    other = {"batch_size": 32, "data__source": "digits:64", "evaluation__num_samples": 100}
    write_run(tmp_path / "run", "cifar10", (3, 2, 1), **other)
    text = "\n".join(collect(settings.open_settings([tmp_path]), "").verdict.reasons)
    for words in (
        "batch_size: 64 -> 32",
        "-> digits:64",
        "100 samples instead of 50,000",
        "1 run;",
    ):
        assert words in text


def test_settings_without_published_values(tmp_path):
    write_run(tmp_path / "run", "quickstart", (3, 2, 1))
    contents = collect(settings.open_settings([tmp_path]), "")
    assert contents.verdict.comparable.startswith("Nothing is published")
    assert contents.rows[0]["published_best"] is None
    # All the same a reader must know what the values are.
    assert any("fid_stand_in, not the FID" in reason for reason in contents.verdict.reasons)


def test_a_study_keeps_its_order(tmp_path):
    ttur, orig = (studies.Setting(name, name, {"updates": 10}) for name in ("ttur", "orig"))
    study = studies.record(studies.plan(tmp_path / "study", "cifar10", [ttur, orig], [0, 1]))
    for cell in study.cells[:3]:
        write_run(cell.folder, cell.card_word, (3, 2, 1), cell.seed)
    opened = settings.open_settings([tmp_path / "study"])
    assert [(one.label, one.seeds) for one in opened] == [("ttur", [0, 1]), ("orig", [0])]


def test_the_command_of_a_run_makes_its_config(study, tmp_path):
    changed = {"seed": 3, "generator__learning_rate": 3e-4, "data__source": "photos and more/"}
    write_run(tmp_path / "a run", "lsun", (3, 2, 1), **changed)
    for run in [*settings.find_runs(tmp_path), *settings.find_runs(study)]:
        program, command, *words = shlex.split(again.command(run))
        assert (program, command) == ("tf-ttur", "train")
        parser = flags.parser("", "train")
        flags.add_config(parser)
        parser.add_argument("--workdir")
        parser.add_argument("--inception")
        arguments = parser.parse_args(words)
        assert arguments.workdir == f"again/{run.path.name}"  # a new one
        config, _ = flags.read_changed(arguments, lambda _: None)
        assert configs.flatten(config) == configs.flatten(run.config)


def test_a_damaged_picture_is_left_out(tmp_path, capsys):
    run = write_run(tmp_path / "run", "cifar10", (3, 2, 1), samples=True)
    last = run / f"samples/{UPDATES[-1]:07d}.png"
    last.write_bytes(last.read_bytes()[:-500])
    [shown] = collect(settings.open_settings([run]), "").shown
    assert shown.samples.updates == list(UPDATES[:-1])
    assert f"left out: {last}" in " ".join(capsys.readouterr().err.split())


def test_folders_of_other_programs_are_named(tmp_path, capsys):
    other = write_run(tmp_path / "a", "cifar10", (3, 2, 1))
    (other / "metrics.jsonl").write_text('{"step": 1, "loss": 2}\n', encoding="utf-8")
    with pytest.raises(UserError, match="holds no row of tf_ttur"):
        settings.open_settings([other])
    write_run(tmp_path / "b", "cifar10", (3, 2, 1), seed=1)
    assert [one.seeds for one in settings.open_settings([tmp_path])] == [[1]]
    assert "left out" in capsys.readouterr().err


OBJECTS = {
    "given from Python": {"loss": "given:loss", "model.generator": "given:generator"},
    "gone": {
        "loss": "gone.py:LOSS",
        "model.architecture": "gone.py:ARCHITECTURE",
        "generator.schedule": "gone.py:Schedule",
        "evaluation.metrics": "gone.py:Measure",
    },
}


@pytest.mark.parametrize("what", OBJECTS)
def test_a_run_is_reported_without_the_objects_of_its_user(what, tmp_path):
    path = write_run(tmp_path / "run", "cifar10", (3, 2, 1), samples=True)
    config = configs.from_json(path / "config.json")
    config.update_from_flattened_dict(OBJECTS[what])
    (path / "config.json").write_text(configs.to_json(config), encoding="utf-8")
    contents = collect(settings.open_settings([tmp_path]), "tf-ttur report")
    assert [row["best"] for row in contents.rows] == [1]
    [recipe] = contents.recipes
    assert (recipe.command is None) == (what == "given from Python")


def test_of_several_runs_one_that_is_damaged_is_left_out(tmp_path, capsys):
    damaged = write_run(tmp_path / "a", "cifar10", (3, 2, 1))
    (damaged / "config.json").write_text("{", encoding="utf-8")
    with pytest.raises(UserError, match=r"config.json cannot be read"):
        settings.open_settings([damaged])
    write_run(tmp_path / "b", "cifar10", (3, 2, 1), seed=1)
    assert [one.seeds for one in settings.open_settings([tmp_path])] == [[1]]
    assert f"warning: left out: {damaged / 'config.json'}" in capsys.readouterr().err


def test_pictures_show_the_samples_pixel_by_pixel(study):
    [_, ttur] = settings.open_settings([study])
    samples = pictures.read(ttur.runs[0])
    assert samples.updates == list(UPDATES)
    for number, shown in enumerate(samples.images):
        np.testing.assert_array_equal(shown, images(number, 32))
    strip = np.asarray(pictures.strip(samples))
    cell = 2 * 32 + 2  # enlarged twice, and a gap
    assert strip.shape == (3 * cell - 2, 8 * cell - 2, 3)
    second = strip[cell : cell + 64, 3 * cell : 3 * cell + 64]
    expected = PIL.Image.fromarray(images(1, 32)[3]).resize((64, 64), PIL.Image.Resampling.NEAREST)
    np.testing.assert_array_equal(second, np.asarray(expected))
    assert (strip[64:66] == 255).all()


def test_the_page_needs_nothing_else(report):
    path = report / "report.html"
    assert path.stat().st_size < 5_000_000
    shown = Page(path)
    for tag, attributes in shown.tags:
        for name in ("src", "href", "action", "srcset", "poster", "data"):
            value = attributes.get(name, "#")
            assert value.startswith(("#", "data:")), (tag, name, value[:100])
        if tag == "img":
            assert attributes["alt"]
    assert "url(" not in path.read_text(encoding="utf-8")
    assert "default-src 'none'" in path.read_text(encoding="utf-8")
    # What comes from a run is text, not markup.
    assert "<b>the distance</b> is far above" in shown.text
    assert "loss of the generator was not finite, and the run stopped (crash.json)" in shown.text


def test_all_tables_hold_the_same_values(report):
    rows = json.loads((report / "table.json").read_text(encoding="utf-8"))
    of_page = Page(report / "report.html").rows[1:]
    assert of_page == [[table.cell(row, column) for column in table.COLUMNS] for row in rows]
    lines = (report / "table.md").read_text(encoding="utf-8").splitlines()
    assert [line.strip("| ").split(" | ") for line in lines[2:]] == of_page
    with (report / "table.csv").open(encoding="utf-8", newline="") as file:
        of_csv = list(csv.DictReader(file))
    assert [float(row["mean"]) for row in of_csv] == [row["mean"] for row in rows]
    assert [row["seeds"] for row in of_csv] == ["0 1", "0 1 2"]


def test_figures_and_text_are_written(report):
    text = (report / "report.md").read_text(encoding="utf-8")
    named = [part.partition(")")[0] for part in text.split("](")[1:]]
    assert len(named) == 4  # a curve, the values of training, two grids of samples
    assert all((report / name).is_file() for name in named)
    for path in report.glob("*.svg"):
        assert path.with_suffix(".png").is_file()
    before = {path.name: path.read_bytes() for path in report.iterdir()}
    assert {"cifar10-fid-stand-in-seconds.svg", "strip-1.png", "report.html"} <= set(before)


def test_the_command(study, tmp_path, tool):
    process = tool("tools/report.py", study / "ttur-seed0", "--output", tmp_path / "out")
    assert process.returncode == 0, process.stderr
    assert process.stdout == f"{tmp_path / 'out/report.html'}\n"
    shown = Page(tmp_path / "out/report.html")
    assert [row[0] for row in shown.rows[1:]] == ["ttur"]
    assert_refused(tool("tools/report.py", tmp_path / "out", "--output", tmp_path), "holds no run")


def test_lines_are_shown_as_text(tmp_path):
    write_run(tmp_path / "run", "billion_word", (0.9, 0.8, 0.7), data__dir="lines/")
    (tmp_path / "run/samples").mkdir()
    sample = "a <line> & more\nanother\n"
    (tmp_path / "run/samples/0005000.txt").write_text(sample, encoding="utf-8")
    write([tmp_path / "run"], tmp_path / "report", "")
    text = Page(tmp_path / "report/report.html").text
    assert "a <line> & more\nanother" in text
    assert "equally many real lines" in text


def test_the_nearest_training_images_are_found(tmp_path):
    """Samples that are training images are nearest to themselves; scikit-learn finds the rest."""
    drawn = np.stack([digits.draw(index) for index in range(150)])
    run = write_run(tmp_path / "run", "quickstart", (3, 2, 1), data__source="digits:150")
    part = json.loads((run / "environment.json").read_text(encoding="utf-8"))
    part[0]["evaluation"]["network"] = "pixels"
    (run / "environment.json").write_text(json.dumps(part), encoding="utf-8")
    (run / "samples").mkdir()
    PIL.Image.fromarray(tile(drawn[[120, 3, 77, 9]])).save(run / "samples/0010000.png")
    [setting] = settings.open_settings([run])
    found = nearest.find(setting.runs[0], pictures.read(setting.runs[0]), nearest.Search(140))
    features = np.asarray(PixelPooling()(drawn[:140])[0], float)
    reference = sklearn.neighbors.NearestNeighbors(n_neighbors=4, algorithm="brute").fit(features)
    distances, indices = reference.kneighbors(features[[120, 3, 77, 9]])
    np.testing.assert_allclose(found.distances, distances, atol=1e-6)
    np.testing.assert_array_equal(found.nearest, drawn[indices])
    np.testing.assert_array_equal(found.nearest[:, 0], found.samples)
    assert found.num_images == 140

    write([run], tmp_path / "report", "", nearest.Search(140))
    shown = Page(tmp_path / "report/report.html")
    assert "4 nearest of 140 training images, by the features of the network pixels" in shown.text
    # Without the data the report says so.
    write_run(tmp_path / "gone", "quickstart", (3, 2, 1), samples=True, data__source="nowhere/")
    write([tmp_path / "gone"], tmp_path / "report", "", nearest.Search(140))
    assert "not looked for: nowhere/ does not exist" in Page(tmp_path / "report/report.html").text
