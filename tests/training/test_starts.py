"""A new run begins with the weights of another run's checkpoint."""

import shutil

import numpy as np
import pytest
import tensorflow as tf

from tests.conftest import tiny_config
from tf_ttur import runs
from tf_ttur.errors import UserError
from tf_ttur.runs import open_run
from tf_ttur.training import devices, loop, starts

pytestmark = [
    pytest.mark.usefixtures("offline", "one_replica"),
    pytest.mark.filterwarnings("ignore:.*images for [0-9]+ features"),
]


def small():
    """A config of two updates, with two evaluations and checkpoints after 0, 1 and 2 updates."""
    config = tiny_config()
    config.updates = 2
    config.samples_every_updates = 0
    config.checkpoint_every_updates = 1
    config.keep_checkpoints = 9
    return config


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """A run of `small`."""
    place = tmp_path_factory.mktemp("source") / "run"
    with pytest.MonkeyPatch.context() as patch:
        one = tf.distribute.MirroredStrategy(["CPU:0"])
        patch.setattr(devices, "mirrored_strategy", lambda: one)
        patch.setattr(
            "tf_ttur.metrics.inception.weights.ARCHIVE_URL", "file:///nowhere/inception.tgz"
        )
        patch.setenv("TF_TTUR_CACHE", str(place.parent / "cache"))
        loop.train(small(), place)
    return place


@pytest.fixture
def slower():
    """A config of one update with other rates, which is not evaluated."""
    config = small()
    config.updates = 1
    config.evaluation.every_updates = 0
    config.generator.learning_rate = 1e-4
    config.discriminator.learning_rate = 1e-5
    return config


def variables(path, *groups):
    """{name: value} of the variables of these groups in a checkpoint."""
    reader = tf.train.load_checkpoint(str(path))
    names = sorted(reader.get_variable_to_shape_map())
    return {name: reader.get_tensor(name) for name in names if name.partition("/")[0] in groups}


def assert_equal(first, second):
    assert first.keys() == second.keys() and first
    for name, value in first.items():
        np.testing.assert_array_equal(value, second[name], err_msg=name)


NETWORKS = ("discriminator", "generator")
OPTIMIZERS = ("discriminator_optimizer", "generator_optimizer")


def test_the_weights_are_those_of_the_checkpoint_and_the_rates_the_own(
    source, slower, tmp_path, capsys
):
    loop.train(slower, tmp_path / "new", start_from=f"{source}@1")
    assert f"starting with the weights of {source} after 1 update: " in capsys.readouterr().err
    new = open_run(tmp_path / "new")
    begun = open_run(source).checkpoint(1)
    assert_equal(variables(new.checkpoint(0), *NETWORKS), variables(begun, *NETWORKS))
    optimizers = variables(new.checkpoint(0), *OPTIMIZERS)
    iteration, rate = list(optimizers.values())[:2]
    assert (iteration, rate) == (0, np.float32(1e-5))
    assert not any(value.any() for value in list(optimizers.values())[2:5])
    [part] = new.environment
    assert part["start"]["run"] == str(source) and part["start"]["update"] == 1
    assert not part["start"]["optimizers"]

    before = {path: path.read_bytes() for path in new.path.rglob("*.json*")}
    for word, optimizers in ((f"{source}@2", False), (source, False), (f"{source}@1", True)):
        with pytest.raises(UserError, match=r"did not begin with \S+\n.*after 1 update"):
            loop.train(slower, new.path, start_from=word, start_with_optimizers=optimizers)
    assert before == {path: path.read_bytes() for path in new.path.rglob("*.json*")}
    slower.updates = 2
    loop.train(slower, new.path)  # the flag is not needed again, and accepted
    slower.updates = 3
    loop.train(slower, new.path, start_from=f"{source}@1")
    assert [part["start"]["update"] for part in open_run(new.path).environment] == [1, 1, 1]
    with pytest.raises(UserError, match="what it began with: its own initial weights"):
        loop.train(small(), source, start_from=new.path)


def test_the_optimizers_too(source, slower, tmp_path):
    loop.train(slower, tmp_path / "new", start_from=source, start_with_optimizers=True)
    begun = variables(open_run(source).checkpoint(2), *NETWORKS, *OPTIMIZERS)
    new = variables(open_run(tmp_path / "new").checkpoint(0), *NETWORKS, *OPTIMIZERS)
    rates = [f"{name}/1/.ATTRIBUTES/VARIABLE_VALUE" for name in OPTIMIZERS]
    assert [new.pop(rate) for rate in rates] == [np.float32(1e-5), np.float32(1e-4)]
    assert [begun.pop(rate) for rate in rates] == [np.float32(1e-3), np.float32(2e-3)]
    assert_equal(new, begun)

    slower.generator.optimizer = "sgd"
    with pytest.raises(UserError, match=r"generator\.optimizer: adam -> sgd"):
        loop.train(slower, tmp_path / "other", start_from=source, start_with_optimizers=True)
    slower.generator.optimizer = "adam"
    slower.generator.schedule = "linear"
    with pytest.raises(UserError, match="the schedule linear of the generator"):
        loop.train(slower, tmp_path / "other", start_from=source, start_with_optimizers=True)
    assert not (tmp_path / "other").exists()


def test_a_moving_average_begins_at_the_weights(source, slower, tmp_path):
    slower.generator.ema_decay = 0.5
    loop.train(slower, tmp_path / "new", start_from=source)
    begun = open_run(tmp_path / "new").checkpoint(0)
    weights = variables(begun, "generator").values()
    for average in variables(begun, "generator_average").values():
        # Among the generator's variables are moving means, too.
        assert any(np.array_equal(average, value) for value in weights)


def test_other_networks_are_refused_by_name(source, slower, tmp_path):
    slower.model.width = 8
    with pytest.raises(UserError, match=r"model\.width: 4 -> 8\n    discriminator/\S+: \("):
        loop.train(slower, tmp_path / "new", start_from=source)
    slower.model.width = 4
    slower.model.architecture = "wgan_gp"
    with pytest.raises(UserError, match=r"model\.architecture: dcgan -> wgan_gp"):
        loop.train(slower, tmp_path / "new", start_from=source)
    assert not (tmp_path / "new").exists()


def test_a_first_try_that_made_no_update_begins_again_with_the_same_weights(
    source, slower, tmp_path
):
    def fail(update, values):
        raise ValueError

    slower.updates = 2
    slower.log_every_updates = slower.checkpoint_every_updates = 2
    with pytest.raises(UserError, match="on_values failed"):
        loop.train(slower, tmp_path / "new", start_from=f"{source}@1", on_values=fail)
    new = open_run(tmp_path / "new")
    for path in (new.path / "checkpoints").glob("ckpt-2.*"):  # as if it had been killed before
        path.unlink()
    (new.path / runs.METRICS).write_text("", encoding="utf-8")
    begun = variables(new.checkpoint(0), *NETWORKS)
    assert not open_run(new.path).has_begun
    loop.train(slower, new.path)
    assert_equal(variables(open_run(new.path).checkpoint(0), *NETWORKS), begun)


def test_which_checkpoint_a_word_names(source, tmp_path):
    best = runs.number_of(open_run(source).best_checkpoint)
    assert starts.locate(source).update == 2
    assert starts.locate(f"{source}@best").update == best
    assert starts.locate(f"{source}@best").path.parent.name == f"best-{best}"
    assert starts.locate(f"{source}@0").update == 0
    copy = shutil.copytree(source, tmp_path / "run@best")  # a folder of this very name
    assert starts.locate(copy).update == 2
    with pytest.raises(UserError, match=r"has no 7 checkpoint.*\n.*updates: 0, 1, 2"):
        starts.locate(f"{source}@7")
    with pytest.raises(UserError, match="is not a run folder"):
        starts.locate(tmp_path / "missing")
    with pytest.raises(UserError, match="--from-optimizers without --from"):
        starts.find(tmp_path / "new", None, with_optimizers=True)
