import json
import math
import os
import signal

import numpy as np
import pytest
import tensorflow as tf

from tests.metrics.mini_inception import graph_bytes
from tf_ttur import losses, runs
from tf_ttur.errors import Stopped, UserError
from tf_ttur.io import cache, files
from tf_ttur.metrics import extraction, features
from tf_ttur.training import evaluation, loop
from tf_ttur.training import state as states

one_replica = pytest.mark.usefixtures("one_replica")  # of all trainings but the first test's
pytestmark = [
    pytest.mark.usefixtures("offline"),
    pytest.mark.filterwarnings("ignore:.*images for [0-9]+ features"),
]


def rows(folder, skip_time=True):
    found, _ = files.read_json_lines(folder / "metrics.jsonl")
    return [(row["update"], row["name"], row["value"]) for row in found] if skip_time else found


def final_weights(folder):
    reader = tf.train.load_checkpoint(tf.train.latest_checkpoint(str(folder / "checkpoints")))
    names = [
        n
        for n in reader.get_variable_to_shape_map()
        if "/.ATTRIBUTES/VARIABLE_VALUE" in n
        and "training_seconds" not in n
        and "save_counter" not in n
    ]
    return {name: reader.get_tensor(name) for name in names}


def test_a_run_leaves_its_folder(tiny, tmp_path):
    export = loop.train(tiny, tmp_path / "run")
    folder = tmp_path / "run"
    assert json.loads((folder / "config.json").read_text())["updates"] == 4
    [part] = json.loads((folder / "environment.json").read_text())
    assert {"packages", "devices", "git_commit"} <= part.keys() and part["from_update"] == 0
    assert (
        part["evaluation"]["network"] == "pixels"
        and part["evaluation"]["reference"]["num_images"] == 64
    )
    assert [row[0] for row in rows(folder) if row[1] == "frechet_pixels"] == [0, 2, 4]
    assert [row[0] for row in rows(folder) if row[1] == "loss/generator"] == [1, 2, 3, 4]
    seconds = [row["training_seconds"] for row in rows(folder, skip_time=False)]
    assert seconds == sorted(seconds)
    assert sorted(file.name for file in (folder / "samples").iterdir()) == [
        f"{n:07}.png" for n in (0, 2, 4)
    ]
    assert list(folder.glob("events.out.tfevents.*"))
    model = tf.saved_model.load(str(export))
    assert model.signatures["sample"](count=tf.constant(3), seed=tf.constant(0))[
        "images"
    ].shape == (3, 32, 32, 3)


@one_replica
def test_a_run_that_was_stopped_goes_on_to_the_same_end(tiny, tmp_path, monkeypatch):
    loop.train(tiny, tmp_path / "whole")

    class Stop(Exception):
        pass

    scalars = loop.RunFolder.scalars

    def stop_at_three(self, update, *arguments):
        scalars(self, update, *arguments)
        if update == 3:
            raise Stop

    with monkeypatch.context() as patch, pytest.raises(Stop):
        patch.setattr(loop.RunFolder, "scalars", stop_at_three)
        loop.train(tiny, tmp_path / "stopped")
    with (tmp_path / "stopped/metrics.jsonl").open("a") as file:
        file.write('{"update": 3, "name": "cut o')
    loop.train(tiny, tmp_path / "stopped")
    assert rows(tmp_path / "stopped") == rows(tmp_path / "whole")
    whole = final_weights(tmp_path / "whole")
    stopped = final_weights(tmp_path / "stopped")
    assert whole.keys() == stopped.keys()
    for name in whole:
        np.testing.assert_array_equal(whole[name], stopped[name], err_msg=name)


@one_replica
def test_a_finished_run_can_be_made_longer_but_not_changed(tiny, tmp_path):
    loop.train(tiny, tmp_path / "run")
    before = rows(tmp_path / "run")
    tiny.updates = 5
    loop.train(tiny, tmp_path / "run")
    assert rows(tmp_path / "run")[: len(before)] == before and rows(tmp_path / "run")[-1][0] == 5
    parts = json.loads((tmp_path / "run/environment.json").read_text())
    assert [part["from_update"] for part in parts] == [0, 4]
    tiny.updates = 3
    with pytest.raises(UserError, match="holds a run of 5 updates"):
        loop.train(tiny, tmp_path / "run")
    tiny.updates = 5
    tiny.generator.learning_rate = 1e-4
    with pytest.raises(UserError, match=r"generator\.learning_rate: 0\.002 -> 0\.0001\n"):
        loop.train(tiny, tmp_path / "run")
    tiny.generator.learning_rate = 2e-3
    (tmp_path / "run/checkpoints").rename(tmp_path / "elsewhere")
    with pytest.raises(UserError, match="no checkpoint"):
        loop.train(tiny, tmp_path / "run")
    assert (
        json.loads((tmp_path / "run/config.json").read_text())["updates"] == 5
        and rows(tmp_path / "run")[-1][0] == 5
    )


def test_a_folder_with_other_things_is_left_alone(tiny, tmp_path):
    (tmp_path / "thesis.tex").write_text("precious")
    with pytest.raises(UserError, match="not empty"):
        loop.train(tiny, tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["thesis.tex"]


@one_replica
def test_evaluation_by_an_inception_graph(tiny, tmp_path, cache):
    (tmp_path / "graph.pb").write_bytes(graph_bytes())
    loop.train(tiny, tmp_path / "run", tmp_path / "graph.pb")
    (tmp_path / "other.pb").write_bytes(graph_bytes(seed=1))
    tiny.updates = 5
    with pytest.raises(UserError, match="was evaluated with"):
        loop.train(tiny, tmp_path / "run", tmp_path / "other.pb")
    values = [row[2] for row in rows(tmp_path / "run") if row[1] == "fid_unknown"]
    assert len(values) == 3 and all(value > 0 for value in values)
    assert len(list((cache / "statistics").iterdir())) == 2


def test_without_inception_only_a_config_that_says_so_goes_on(tiny, tmp_path):
    tiny.evaluation.without_inception = "fail"
    with pytest.raises(UserError, match="cannot be downloaded"):
        loop.train(tiny, tmp_path / "run")
    assert not (tmp_path / "run").exists()


@one_replica
def test_reference_of_another_network_is_refused_before_training(tiny, tmp_path):
    images = evaluation.open_examples(tiny)
    for seed in (0, 1):
        (tmp_path / f"{seed}.pb").write_bytes(graph_bytes(seed))
    network = evaluation.load_network(tiny, tmp_path / "0.pb")
    extraction.image_statistics(images, network).save(tmp_path / "reference.npz")
    tiny.evaluation.reference = str(tmp_path / "reference.npz")
    with pytest.raises(UserError, match="network_sha1"):
        loop.train(tiny, tmp_path / "run", tmp_path / "1.pb")
    loop.train(tiny, tmp_path / "run", tmp_path / "0.pb")


@one_replica
def test_what_is_not_finite_stops_the_run(tiny, tmp_path):
    tiny.loss = "wasserstein"
    tiny.generator.optimizer = "sgd"
    tiny.discriminator.optimizer = "sgd"
    tiny.discriminator.learning_rate = 1e30
    tiny.log_every_updates = 1000  # there is no checkpoint of NaN even where nothing is logged
    with pytest.raises(
        UserError,
        match=r"weight discriminator/\S+ of the discriminator is not finite.* in update 1\n"
        r"  the last good checkpoint is after 0 updates; \S+crash.json says",
    ):
        loop.train(tiny, tmp_path / "run")
    assert "ckpt-0" in tf.train.latest_checkpoint(str(tmp_path / "run/checkpoints"))
    report = json.loads((tmp_path / "run/crash.json").read_text())
    assert (report["update"], report["player"], report["seed"], report["last_checkpoint"]) == (
        1,
        "discriminator",
        0,
        0,
    )
    assert report["tensor"].startswith("weight discriminator/")
    [batch] = report["examples"]
    assert len(batch) == 8 and len(set(batch)) == 8 and set(batch) <= set(range(64))
    assert all(row[2] is None or math.isfinite(row[2]) for row in rows(tmp_path / "run"))
    with pytest.raises(UserError, match="in update 1"):  # resumes from 0 and meets it again
        loop.train(tiny, tmp_path / "run")
    again = json.loads((tmp_path / "run/crash.json").read_text())
    # Keras counts the layers of a process, so the name of the tensor is another one.
    assert again | {"tensor": ""} == report | {"tensor": ""}


@one_replica
def test_a_signal_saves_and_stops(tiny, tmp_path, monkeypatch):
    tiny.updates = 6
    tiny.evaluation.every_updates = 3
    tiny.checkpoint_every_updates = 100
    loop.train(tiny, tmp_path / "whole")
    scalars = loop.RunFolder.scalars

    def kill(self, update, seconds, values):
        scalars(self, update, seconds, values)
        if update == at and "frechet_pixels" not in values:
            os.kill(os.getpid(), signal.SIGTERM)

    for at in (2, 3):  # between checkpoints, and where an evaluation is next
        with monkeypatch.context() as patch, pytest.raises(Stopped) as caught:
            patch.setattr(loop.RunFolder, "scalars", kill)
            loop.train(tiny, tmp_path / "stopped")
        assert caught.value.number == signal.SIGTERM
        assert tf.train.latest_checkpoint(str(tmp_path / "stopped/checkpoints")).endswith(
            f"ckpt-{at}"
        )
    loop.train(tiny, tmp_path / "stopped")
    assert rows(tmp_path / "stopped") == rows(tmp_path / "whole")
    whole = final_weights(tmp_path / "whole")
    stopped = final_weights(tmp_path / "stopped")
    for name in whole:
        np.testing.assert_array_equal(whole[name], stopped[name], err_msg=name)


def test_one_process_at_a_time(tiny, tmp_path):
    (tmp_path / "run").mkdir()
    with (
        files.lock(tmp_path / "run/.lock"),
        pytest.raises(UserError, match=f"in use by process {os.getpid()} on "),
    ):
        loop.train(tiny, tmp_path / "run")
    assert [path.name for path in (tmp_path / "run").iterdir()] == [".lock"]


@one_replica
@pytest.mark.slow  # 15 s
def test_the_training_takes_any_measures(tiny, tmp_path, monkeypatch):
    tiny.evaluation.metrics = "kid,fid,prdc"
    tiny.evaluation.cache_features = True
    loop.train(tiny, tmp_path / "run")
    run = runs.open_run(tmp_path / "run")
    names = [row["name"] for row in run.rows if row["name"].endswith("_pixels")]
    shares = ("precision", "recall", "density", "coverage")
    expected = ["kid_pixels", "frechet_pixels", *(f"{name}_pixels" for name in shares)]
    assert names == 3 * expected  # after 0, 2 and 4 updates
    best = min(run.series["kid_pixels"], key=lambda row: row["value"])["update"]
    assert run.best_checkpoint.name == f"ckpt-{best}"
    [kept] = (cache.folder() / "features").glob("*.npz")
    # The kept features serve as a reference, and give the same values.
    tiny.evaluation.reference = str(kept)
    tiny.evaluation.metrics = "fid"
    loop.train(tiny, tmp_path / "fid")
    rows = runs.open_run(tmp_path / "fid").series["frechet_pixels"]
    assert [row["value"] for row in rows] == pytest.approx(
        [row["value"] for row in run.series["frechet_pixels"]], rel=1e-9
    )
    kept_statistics = features.load(kept).statistics()
    kept_statistics.save(tmp_path / "statistics.npz")
    tiny.evaluation.reference = str(tmp_path / "statistics.npz")
    tiny.evaluation.metrics = "fid,kid"
    with pytest.raises(UserError, match="of statistics, and kid compares features"):
        loop.train(tiny, tmp_path / "kid")


@one_replica
def test_the_best_generator_is_kept_and_a_collapse_is_said(
    tiny, tmp_path, monkeypatch, tool, capsys
):
    """With invented distances, as so few updates show no trend."""
    distances = iter([100.0, 50.0, 60.0, 120.0])
    monkeypatch.setattr(
        loop.evaluation.ImageEvaluator,
        "run",
        lambda self, generate: [(self.name, next(distances))],
    )
    tiny.updates = 6
    tiny.keep_checkpoints = 1
    loop.train(tiny, tmp_path / "run")
    assert [path.name for path in (tmp_path / "run/checkpoints").glob("best-*")] == ["best-2"]
    [warning], _ = files.read_json_lines(tmp_path / "run/warnings.jsonl")
    assert (
        warning["update"] == 6
        and "more than 2 times its best value, 50 after update 2" in warning["warning"]
    )
    assert "warning: update 6" in capsys.readouterr().err
    process = tool("tools/export.py", tmp_path / "run", "--best", "--output", tmp_path / "best")
    assert process.stdout == f"{tmp_path / 'best'}: generator after 2 updates\n"


@one_replica
def test_damaged_rows_are_set_aside(tiny, tmp_path, capfd):
    loop.train(tiny, tmp_path / "run")
    path = tmp_path / "run/metrics.jsonl"
    good = path.read_text().splitlines(keepends=True)
    path.write_text("".join([*good[:3], '{"update": 1, "na', *good[4:], '{"update": 4']))
    damaged = path.read_text()
    loop.train(tiny, tmp_path / "run")
    # The broken line has no end, and so took the next one with it.
    assert path.read_text() == "".join([*good[:3], *good[5:]])
    assert (tmp_path / "run/metrics.damaged-1.jsonl").read_text() == damaged
    assert "has 2 lines that cannot be read" in " ".join(capfd.readouterr().err.split())


@one_replica
def test_a_bad_image_is_named_while_streaming(tiny, tmp_path, folder):
    tiny.data.source = str(folder)
    tiny.data.memory_gib = 0.0
    tiny.evaluation.every_updates = 0
    loop.train(tiny, tmp_path / "good")
    (folder / "05.png").write_bytes((folder / "05.png").read_bytes()[:60])
    with pytest.raises(UserError, match=r"05\.png"):
        loop.train(tiny, tmp_path / "bad")


def test_part_of_the_data_as_reference(tiny):
    images = evaluation.open_examples(tiny)
    network = evaluation.load_network(tiny)
    assert extraction.image_statistics(images, network, 10, limit=25).provenance["num_images"] == 25
    assert extraction.reference_path(images, network, 25) != extraction.reference_path(
        images, network
    )


@one_replica
def test_a_gradient_or_a_weight_that_is_not_finite_is_named(tiny, tmp_path, monkeypatch):
    tiny.evaluation.every_updates = 0
    tiny.check_every_updates = 3
    tiny.log_every_updates = 100
    tiny.checkpoint_every_updates = tiny.samples_every_updates = 100
    build_state = states.State

    def broken(*arguments):
        state = build_state(*arguments)
        bias = state.discriminator.trainable_variables[-1]
        bias.assign(tf.fill(bias.shape, np.inf))
        return state

    with (
        monkeypatch.context() as patch,
        pytest.raises(UserError, match=r"loss of the discriminator .* in update 1\n"),
    ):
        patch.setattr(states, "State", broken)
        loop.train(tiny, tmp_path / "loss")

    @tf.custom_gradient
    def without_gradient(x):
        return tf.zeros_like(x), lambda gradient: gradient * np.nan

    pair = losses.pair("non_saturating")
    broken = pair._replace(generator=lambda fake: pair.generator(fake) + without_gradient(fake))
    monkeypatch.setattr("tf_ttur.losses.pairs.MINIMAX", broken)
    tiny.loss = "minimax"
    with pytest.raises(
        UserError, match=r"gradient of generator/\S+ of the generator .* in update 1\n"
    ):
        loop.train(tiny, tmp_path / "gradient")


@one_replica
def test_many_updates_in_a_call(tiny, tmp_path, monkeypatch):
    tiny.updates = 7
    tiny.log_every_updates = tiny.check_every_updates = 3
    tiny.evaluation.every_updates = tiny.samples_every_updates = 5
    tiny.checkpoint_every_updates = 6
    loop.train(tiny, tmp_path / "single")
    tiny.updates_per_call = 100
    calls = []
    call = loop._call
    monkeypatch.setattr(loop, "_call", lambda *given: calls.append(given[-1]) or call(*given))
    loop.train(tiny, tmp_path / "many")
    assert calls == [3, 5, 6, 7]  # where rows, an evaluation, a checkpoint and the end are due
    assert rows(tmp_path / "many") == rows(tmp_path / "single")
    many, single = (final_weights(tmp_path / name) for name in ("many", "single"))
    for name, weights in single.items():
        np.testing.assert_array_equal(many[name], weights)


@one_replica
def test_tensor_float_32_is_for_the_updates_only(tiny, tmp_path, monkeypatch):
    tiny.model.precision = "tf32"
    allowed = tf.config.experimental.tensor_float_32_execution_enabled
    found = {}

    def watch(name, function):
        def watched(*arguments):
            found.setdefault(name, set()).add(allowed())
            return function(*arguments)

        return watched

    for name in ("_call", "_measure", "_write_samples"):
        monkeypatch.setattr(loop, name, watch(name, getattr(loop, name)))
    before = allowed()
    loop.train(tiny, tmp_path / "run")
    assert found == {"_call": {True}, "_measure": {False}, "_write_samples": {False}}
    assert allowed() == before


@one_replica
def test_the_same_images_from_another_place_and_other_images(tiny, tmp_path, cache):
    """Images may be copied, which gives their files other times; their number must stay."""
    images = np.random.default_rng(0).integers(0, 256, (40, 32, 32, 3), np.uint8)
    np.save(tmp_path / "images.npy", images)
    tiny.data.source = str(tmp_path / "images.npy")
    loop.train(tiny, tmp_path / "run")
    os.utime(tmp_path / "images.npy", (0, 0))
    tiny.updates = 5
    loop.train(tiny, tmp_path / "run")
    assert len(list((cache / "statistics").glob("*.npz"))) == 2
    np.save(tmp_path / "images.npy", images[:39])
    tiny.updates = 6
    with pytest.raises(UserError, match=r"a run on other data:\n +num_examples: 40 -> 39\n"):
        loop.train(tiny, tmp_path / "run")
    np.save(tmp_path / "images.npy", 255 - images)
    with pytest.raises(UserError, match=r"a run on other data:\n +fingerprint: "):
        loop.train(tiny, tmp_path / "run")


@one_replica
def test_a_warning_that_a_killed_process_could_not_write(tiny, tmp_path):
    loop.train(tiny, tmp_path / "run")
    lines = (tmp_path / "run/metrics.jsonl").read_text().splitlines()
    assert not (tmp_path / "run/warnings.jsonl").exists() and "frechet_pixels" in lines[-1]
    lines[-1] = json.dumps(json.loads(lines[-1]) | {"value": 1e6})
    (tmp_path / "run/metrics.jsonl").write_text("\n".join(lines) + "\n")
    loop.train(tiny, tmp_path / "run")
    [warning], _ = files.read_json_lines(tmp_path / "run/warnings.jsonl")
    assert warning["update"] == 4 and "1e+06" in warning["warning"]


@one_replica
def test_what_a_killed_process_had_begun_is_removed(tiny, tmp_path):
    loop.train(tiny, tmp_path / "run")
    begun = [".config.json.abc", ".metrics.jsonl.x", "samples/.0000002.png.1"]
    for name in (*begun, ".mine"):
        (tmp_path / "run" / name).write_text("")
    (tmp_path / "run/.export.abc/whole").mkdir(parents=True)
    tiny.updates = 5
    loop.train(tiny, tmp_path / "run")
    assert (
        not any((tmp_path / "run" / name).exists() for name in (*begun, ".export.abc"))
        and (tmp_path / "run/.mine").exists()
    )
