"""What is the same run: which values, data and folders a training resumes, and which it refuses."""

import json
import shutil
import zipfile

import numpy as np
import PIL.Image
import pytest
import tensorflow as tf
from ml_collections import ConfigDict

from tests.conftest import ROOT, tiny_config
from tf_ttur import config as configs
from tf_ttur import registry
from tf_ttur.data import text
from tf_ttur.data.images import Images
from tf_ttur.errors import UserError
from tf_ttur.metrics.evaluators import ImageEvaluator
from tf_ttur.metrics.pixels import PixelPooling
from tf_ttur.metrics.statistics import Statistics, load
from tf_ttur.runs import open_run
from tf_ttur.training import devices, environment, evaluation, loop
from tf_ttur.training.run_folder import RunFolder, check

pytestmark = [
    pytest.mark.usefixtures("offline", "one_replica"),
    pytest.mark.filterwarnings("ignore:.*images for [0-9]+ features"),
    pytest.mark.filterwarnings("ignore:.*does not say where it comes from"),
]


def small(tiny, source):
    """`tiny` with two updates on the images of `source`."""
    tiny.data.source = str(source)
    tiny.updates = 2
    return tiny


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder with `faces`, 40 PNGs, and `run`, a run on them with two evaluations."""
    place = tmp_path_factory.mktemp("trained")
    write_faces(place / "faces")
    config = tiny_config()
    config.data.source = str(place / "faces")
    config.updates = 2
    with pytest.MonkeyPatch.context() as patch:
        one = tf.distribute.MirroredStrategy(["CPU:0"])
        patch.setattr(devices, "mirrored_strategy", lambda: one)
        patch.setattr(
            "tf_ttur.metrics.inception.weights.ARCHIVE_URL", "file:///nowhere/inception.tgz"
        )
        patch.setenv("TF_TTUR_CACHE", str(place / "cache"))
        loop.train(config, place / "run")
    return place


@pytest.fixture
def run(trained, tmp_path):
    """A copy of the run, which the test may change."""
    return shutil.copytree(trained / "run", tmp_path / "run")


@pytest.fixture
def config(run):
    """The config of the run."""
    return configs.from_json(run / "config.json")


def write_faces(folder, seed=0, count=40):
    """Writes `count` random PNGs of 32x32 pixels."""
    folder.mkdir()
    images = np.random.default_rng(seed).integers(0, 256, (count, 32, 32, 3), np.uint8)
    for number, image in enumerate(images):
        PIL.Image.fromarray(image).save(folder / f"{number:02}.png")


def content(folder):
    """{path: content} of all files but the lock."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != ".lock")
    return {path: path.read_bytes() for path in files}


def open_again(run, config):
    """Checks values and data, as the start of a training does."""
    check(run, config)
    RunFolder(run, config, evaluation.open_examples(config)).close()


def refusal(run, config):
    """The words of the refusal, before which nothing was written."""
    before = content(run)
    with pytest.raises(UserError) as caught:
        open_again(run, config)
    assert content(run) == before
    assert not {"{", "}"} & set(str(caught.value))
    return str(caught.value)


FREE = {
    "name": "other",
    "variant": "new",
    "samples_every_updates": 1,
    "checkpoint_every_updates": 1,
    "keep_checkpoints": 5,
    "log_every_updates": 7,
    "check_every_updates": 3,
    "data.memory_gib": 0.0,
    "evaluation.feature_batch_size": 3,
    "evaluation.sample_batch_size": 100,
    "collapse.metric_factor": 0.0,
    "collapse.accuracy_updates": 0,
    "generator.momentum": 0.5,  # of an optimizer that is not used
    "discriminator.decay_shift": 5.0,  # of a schedule that is not used
}


def test_free_values_may_change_and_the_data_may_move(run, config, tmp_path, trained):
    shutil.copytree(trained / "faces", tmp_path / "moved")
    config.update_from_flattened_dict(FREE | {"data.source": f"{tmp_path}/moved/", "updates": 3})
    before = open_run(run).rows
    loop.train(config, run)
    resumed = open_run(run)
    assert resumed.rows[: len(before)] == before
    assert resumed.rows[-1]["update"] == 3
    assert resumed.config == config
    first, second = (part["data"] for part in resumed.environment)
    assert first["num_examples"] == 40
    assert first["fingerprint"] == second["fingerprint"]
    assert set(first) - set(second) == {"digest"}  # of all images, if they are in memory


def test_values_that_decide_the_weights_must_stay(run, config):
    config.seed = 5
    config.generator.learning_rate = 1e-4
    words = refusal(run, config)
    assert f"{run} holds a run with other values:\n    seed: 0 -> 5\n" in words
    assert "\n    generator.learning_rate: 0.002 -> 0.0001\n" in words
    assert "another --workdir" in words


def test_values_that_decide_the_curve_must_stay_once_there_is_one(run, config):
    config.evaluation.num_samples = 100
    config.evaluation.quantisation = "round"
    words = refusal(run, config)
    assert (
        "evaluation.num_samples: 200 -> 100\n    evaluation.quantisation: float -> round" in words
    )
    rows = [row for row in open_run(run).rows if row["name"] != "frechet_pixels"]
    (run / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    open_again(run, config)


def test_evaluation_can_be_switched_on(tiny, tmp_path):
    small(tiny, "digits:64").evaluation.every_updates = 0
    loop.train(tiny, tmp_path / "run")
    tiny.evaluation.every_updates = 2
    tiny.evaluation.num_samples = 100
    tiny.updates = 3
    loop.train(tiny, tmp_path / "run")
    run = open_run(tmp_path / "run")
    assert [row["update"] for row in run.rows if row["name"] == "frechet_pixels"] == [2, 3]
    tiny.evaluation.every_updates = 0
    assert "evaluation.every_updates: 2 -> 0" in refusal(run.path, tiny)


def test_the_spelling_and_the_place_of_the_data_are_free(
    run, config, trained, tmp_path, monkeypatch
):
    shutil.copytree(trained / "faces", tmp_path / "moved")
    with zipfile.ZipFile(tmp_path / "faces.zip", "w") as archive:
        for path in sorted((trained / "faces").iterdir()):
            archive.write(path, path.name)
    (tmp_path / "link").symlink_to(trained / "faces")
    images = [np.asarray(PIL.Image.open(path)) for path in sorted(trained.glob("faces/*"))]
    np.save(tmp_path / "faces.npy", images)
    monkeypatch.chdir(tmp_path)
    words = (f"{trained}/faces/", "moved", "./moved/", "faces.zip", "link", "faces.npy")
    for config.data.source in words:
        open_again(run, config)


def test_other_data_are_refused_also_under_the_same_word(run, config, trained, tmp_path):
    write_faces(tmp_path / "faces", seed=1)
    config.data.source = str(tmp_path / "faces")
    words = refusal(run, config)
    assert f"data.source: {trained}/faces -> {tmp_path}/faces\n    fingerprint: " in words
    assert "they may have moved" in words

    shutil.rmtree(tmp_path / "faces")
    shutil.copytree(trained / "faces", tmp_path / "faces")
    open_again(run, config)
    path = tmp_path / "faces/17.png"
    PIL.Image.fromarray(255 - np.asarray(PIL.Image.open(path))).save(path)
    assert "\n    fingerprint: " in refusal(run, config)
    path.unlink()
    assert "num_examples: 40 -> 39" in refusal(run, config)


def test_the_fingerprint_of_images(tmp_path):
    """Of a sample, however they are kept; in memory all images count."""
    images = np.random.default_rng(0).integers(0, 256, (1000, 32, 32, 3), np.uint8)
    np.save(tmp_path / "a.npy", images)
    a = Images(str(tmp_path / "a.npy"), 32).fingerprints
    streamed = Images(str(tmp_path / "a.npy"), 32, memory_gib=0.0).fingerprints
    assert streamed == {"fingerprint": a["fingerprint"]}
    images[1] += 1
    np.save(tmp_path / "b.npy", images)
    b = Images(str(tmp_path / "b.npy"), 32).fingerprints
    assert b["fingerprint"] == a["fingerprint"]
    assert b["digest"] != a["digest"]
    np.save(tmp_path / "c.npy", images[:-1])
    c = Images(str(tmp_path / "c.npy"), 32, memory_gib=0.0).fingerprints
    assert c["fingerprint"] != a["fingerprint"]


def test_the_fingerprint_of_lines(tmp_path):
    (tmp_path / "lines").mkdir()
    (tmp_path / "lines/a.txt").write_text("one line\nanother line\n" * 9)
    lines = text.Lines(tmp_path / "lines", "a*")
    text.prepare(tmp_path / "lines", tmp_path / "prepared", "a*")
    assert text.Lines(tmp_path / "prepared").fingerprints == lines.fingerprints
    (tmp_path / "lines/a.txt").write_text("another line\none line\n" * 9)
    assert text.Lines(tmp_path / "lines", "a*").fingerprints != lines.fingerprints


def test_a_longer_run_where_a_schedule_depends_on_the_length(run, config):
    config.updates = 15
    check(run, config)
    stored = json.loads((run / "config.json").read_text())
    stored["generator"]["schedule"] = "linear"
    (run / "config.json").write_text(json.dumps(stored))
    config.generator.schedule = "linear"
    words = refusal(run, config)
    assert "updates: 2 -> 15 (the learning rates follow the schedule linear, which" in words


def test_a_run_that_was_not_finite(tiny, tmp_path):
    """The cure of the message works, whether or not there is a checkpoint to lose."""
    tiny = small(tiny, "digits:64")
    tiny.loss = "wasserstein"
    tiny.generator.optimizer = "sgd"
    tiny.discriminator.optimizer = "sgd"
    tiny.discriminator.learning_rate = 1e30
    with pytest.raises(UserError, match=r"lower the learning rates and train again"):
        loop.train(tiny, tmp_path / "run")
    assert {row["update"] for row in open_run(tmp_path / "run").rows} == {0, 1}
    assert list(tmp_path.glob("run/checkpoints/ckpt-0*"))
    tiny.discriminator.learning_rate = 1e-3
    tiny.data.source = "digits:72"
    tiny.latent.size = 10
    loop.train(tiny, tmp_path / "run")
    run = open_run(tmp_path / "run")
    assert [part["data"]["num_examples"] for part in run.environment] == [72]
    assert [row["update"] for row in run.rows if row["name"] == "frechet_pixels"] == [0, 2]
    assert len(list(run.path.glob("events.out.tfevents.*"))) == 1
    assert not (run.path / "crash.json").exists()

    (run.path / "crash.json").write_text('{"last_checkpoint": 2}')
    tiny.discriminator.learning_rate = 1e-4
    words = refusal(run.path, tiny)
    assert "discriminator.learning_rate: 0.001 -> 0.0001\n" in words
    assert "choose another --workdir for a run with the new values" in words


def test_a_first_try_that_cannot_read_its_data_leaves_no_folder(tiny, folder, tmp_path):
    (folder / "05.png").write_bytes((folder / "05.png").read_bytes()[:60])
    for tiny.data.memory_gib in (0.0, 4.0):
        with pytest.raises(UserError, match=r"05\.png"):
            loop.train(small(tiny, folder), tmp_path / "run")
        assert not (tmp_path / "run").exists()


def test_a_folder_without_an_update_is_no_run_yet(run, config):
    """As a kill leaves it that comes right after the folder was made."""
    shutil.rmtree(run / "checkpoints")
    rows = [row for row in open_run(run).rows if row["update"] == 0]
    (run / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    config.seed = 5
    config.data.source = "digits:64"
    open_again(run, config)
    left = {path.name for path in run.iterdir()}
    assert left == {".lock", "config.json", "samples", "checkpoints", "export"} - {"checkpoints"}
    assert list((run / "samples").iterdir()) == []


def test_damaged_checkpoints_are_those_of_a_run(run, config):
    for path in run.glob("checkpoints/*"):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    (run / "metrics.jsonl").unlink()
    (run / "checkpoints/damaged-2.2").mkdir()
    config.seed = 5
    assert "seed: 0 -> 5" in refusal(run, config)


def test_a_run_of_version_0_1_0(tmp_path):
    """It has no fingerprint: words and numbers must stay. Its next start records one."""
    run = shutil.copytree(ROOT / "tests/runs/dcgan", tmp_path / "run")
    config = configs.from_json(run / "config.json")
    assert config.data.source == "digits:64"
    config.data.source = "digits:64:0"
    words = refusal(run, config)
    assert "data.source: digits:64 -> digits:64:0 (this run has recorded no fingerprint" in words
    config.data.source = "digits:64"
    open_again(run, config)
    stored = json.loads((run / "environment.json").read_text())
    (run / "environment.json").write_text(json.dumps([stored[0] | {"num_examples": 63}]))
    assert "num_examples: 63 -> 64" in refusal(run, config)
    (run / "environment.json").write_text(json.dumps(stored))
    config.updates = 3
    loop.train(config, run)
    assert set(open_run(run).environment[1]["data"]) == {"num_examples", "fingerprint", "digest"}
    config.data.source = "digits:64:0"
    open_again(run, config)


def test_an_own_object_may_move(run, config, tmp_path, monkeypatch):
    monkeypatch.setattr(registry, "_MODULES", {})
    monkeypatch.setattr(registry, "_RECORDED", {})
    file = tmp_path / "mine.py"
    file.write_text(
        "from tf_ttur.losses import LossPair\nA = LossPair(max, min)\nB = LossPair(max, min)\n"
    )
    config.loss = f"{file}:A"
    (run / "config.json").write_text(configs.to_json(config))
    [part] = json.loads((run / "environment.json").read_text())
    objects = {config.loss: {"file": str(file), "sha256": registry.digest_of(config.loss)}}
    (run / "environment.json").write_text(json.dumps([part | {"objects": objects}]))
    file.rename(tmp_path / "moved.py")
    config.loss = f"{tmp_path}/moved.py:A"
    check(run, config)
    config.loss = f"{tmp_path}/moved.py:B"
    assert f"loss: {file}:A -> {tmp_path}/moved.py:B" in refusal(run, config)
    (tmp_path / "other.py").write_text((tmp_path / "moved.py").read_text() + "# better\n")
    config.loss = f"{tmp_path}/other.py:A"
    assert "other.py:A" in refusal(run, config)


def test_a_reference_that_says_nothing_is_known_by_its_moments(run, tmp_path):
    def part(name, mean):
        moments = Statistics(np.full(192, mean), np.eye(192), {}, name)
        moments.save(tmp_path / name, overwrite=True)
        evaluator = ImageEvaluator(PixelPooling(), load(tmp_path / name), 10, 10, 10, "float")
        return {"evaluation": evaluator.provenance}

    [first] = open_run(run).environment
    (run / "environment.json").write_text(json.dumps([first | part("a.npz", 1.0)]))
    environment.check_evaluation(open_run(run), part("moved.npz", 1.0))
    with pytest.raises(UserError, match=r"was evaluated with (.*\n) +reference.moments_digest: "):
        environment.check_evaluation(open_run(run), part("a.npz", 2.0))
    without_digest = part("a.npz", 1.0)
    del without_digest["evaluation"]["reference"]["moments_digest"]  # as version 0.1.0 wrote it
    (run / "environment.json").write_text(json.dumps([first | without_digest]))
    environment.check_evaluation(open_run(run), part("a.npz", 1.0))
    with pytest.raises(UserError, match=r"reference.source: \S+a.npz -> \S+moved.npz"):
        environment.check_evaluation(open_run(run), part("moved.npz", 1.0))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"batch_size": 0}, r"config\.batch_size = 0"),
        ({"data.crop": "circle"}, r"config\.data\.crop = 'circle'"),
        ({"updates": "many"}, r"config\.updates = 'many'"),
    ],
)
def test_a_config_from_python_is_validated_before_anything_is_made(
    tiny, tmp_path, changes, message
):
    flat = configs.flatten(tiny) | changes
    for broken in (ConfigDict(), {}):
        for name, value in flat.items():
            *groups, last = name.split(".")
            part = broken
            for group in groups:
                part[group] = part.get(group, {})
                part = part[group]
            part[last] = value
        with pytest.raises(UserError, match=message):
            loop.train(broken, tmp_path / "run")
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_config_at_all_is_refused(tmp_path):
    for thing in (None, 7, ["svhn"]):
        with pytest.raises(UserError, match=r"the config is .*\n.*ConfigDict"):
            loop.train(thing, tmp_path / "run")
    assert list(tmp_path.iterdir()) == []
