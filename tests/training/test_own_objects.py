"""A run whose networks and loss are the user's own."""

import hashlib
import json

import pytest

from tf_ttur import config as configs
from tf_ttur import registry
from tf_ttur.errors import UserError
from tf_ttur.runs import open_run
from tf_ttur.training import loop, own_objects

pytestmark = pytest.mark.usefixtures("one_replica")

NETWORKS = """
import math

import keras

from tf_ttur.losses import LossPair
from tf_ttur.models import Architecture


def build_generator(shape, model, latent_size, seed, name):
    glorot = keras.initializers.GlorotUniform(seed)
    return keras.Sequential(
        [
            keras.layers.Dense(math.prod(shape), "tanh", kernel_initializer=glorot),
            keras.layers.Reshape(shape),
        ],
        name=name,
    )


def build_discriminator(shape, model, latent_size, seed, name):
    glorot = keras.initializers.GlorotUniform(seed)
    return keras.Sequential(
        [
            keras.layers.Flatten(),
            keras.layers.Dense(1, kernel_initializer=glorot),
            keras.layers.Reshape(()),
        ],
        name=name,
    )


ARCHITECTURE = Architecture(generator=build_generator, discriminator=build_discriminator)
LOSS = LossPair(lambda real, fake: (real - 1) ** 2 + fake**2, lambda fake: (fake - 1) ** 2, 0.5)
"""


@pytest.fixture
def networks(tmp_path, monkeypatch):
    """The file with both objects; nothing of it outlives the test."""
    monkeypatch.setattr(registry, "_MODULES", {})
    monkeypatch.setattr(registry, "_RECORDED", {})
    path = tmp_path / "my_networks.py"
    path.write_text(NETWORKS, encoding="utf-8")
    return path


def small(tiny, file):
    """A config of two updates with the objects of `file`."""
    tiny.model.architecture = f"{file}:ARCHITECTURE"
    tiny.model.width = configs.default().model.width
    tiny.loss = f"{file}:LOSS"
    tiny.updates = 2
    tiny.evaluation.every_updates = 0
    return configs.validate(tiny)


def test_a_run_is_trained_resumed_and_exported(tiny, networks, tmp_path, tool, capsys):
    config = small(tiny, networks)
    workdir = tmp_path / "run"
    loop.train(config, workdir)
    digest = hashlib.sha256(networks.read_bytes()).hexdigest()
    stored = {"file": str(networks), "sha256": digest}
    words = [config.model.architecture, config.loss]
    assert open_run(workdir).environment[0]["objects"] == dict.fromkeys(words, stored)

    config.updates = 4
    loop.train(config, workdir)
    assert "has changed" not in capsys.readouterr().err
    assert open_run(workdir).checkpoints == [2, 4]

    process = tool("tools/export.py", workdir, "--output", tmp_path / "exported")
    assert process.stdout == f"{tmp_path / 'exported'}: generator after 4 updates\n"
    assert (tmp_path / "exported/saved_model.pb").is_file()

    networks.write_text(NETWORKS + "# better\n", encoding="utf-8")
    config.updates = 5
    loop.train(config, workdir)
    said = capsys.readouterr().err
    assert said.count("has changed") == 1
    assert (
        "warning: my_networks.py, which config.loss and config.model.architecture name, has changed"
        " since the last start of this run, after update 2\n"
    ) in said
    loop.train(config, workdir)  # which knows the new one
    assert "has changed" not in capsys.readouterr().err

    networks.rename(tmp_path / "elsewhere.py")
    with pytest.raises(UserError, match=r"there is no file \S+/my_networks.py, which "):
        loop.train(config, workdir)
    process = tool("tools/export.py", workdir, "--output", tmp_path / "exported")
    assert process.returncode == 2
    assert f"there is no file {networks}, which {networks}:" in process.stderr


def test_a_relative_path_is_found_from_another_folder(tiny, networks, tmp_path, tool, monkeypatch):
    monkeypatch.chdir(tmp_path)
    loop.train(small(tiny, "my_networks.py"), tmp_path / "run")
    (tmp_path / "other").mkdir()
    monkeypatch.chdir(tmp_path / "other")
    registry._RECORDED.clear()  # as in a new process
    with pytest.raises(UserError, match=r"there is no file my_networks.py"):
        configs.from_json(tmp_path / "run/config.json")
    process = tool("tools/export.py", tmp_path / "run", "--output", "exported")
    assert process.returncode == 0, process.stderr
    assert process.stdout == "exported: generator after 2 updates\n"


def test_a_damaged_environment_is_no_reason_to_fail_where_no_object_is_needed(tmp_path, tiny):
    (tmp_path / "config.json").write_text(configs.to_json(tiny), encoding="utf-8")
    (tmp_path / "environment.json").write_text("[", encoding="utf-8")
    run = open_run(tmp_path)
    assert run.config == tiny
    with pytest.raises(UserError, match=r"environment.json cannot be read"):
        _ = run.environment


def test_changes_of_a_part_of_an_earlier_version(tiny, networks):
    config = small(tiny, networks)
    assert own_objects.changes(config, {"from_update": 0}) == []
    [word, _] = configs.objects(config)
    part = {"from_update": 7, "objects": {word: {"file": str(networks), "sha256": "0"}}}
    [change] = own_objects.changes(config, json.loads(json.dumps(part)))
    assert change.startswith("my_networks.py, which config.loss names, has changed")
    assert change.endswith("after update 7")
