"""The command that follows a run whose values were no longer finite."""

import re
import shlex

import pytest

from tests.commands.processes import TINY
from tf_ttur import commands, runs
from tf_ttur import config as configs
from tf_ttur.commands import restart

CONFIG = configs.load("svhn:orig_1e-4")
OWN = """
import keras
from keras import layers


def discriminator():
    return keras.Sequential([layers.Flatten(), layers.Dense(8), layers.Dense(1)])
"""


def test_a_new_run_begins_with_the_last_good_checkpoint(tmp_path):
    words = ["--config", "svhn:orig_1e-4", "--from", "runs/a@best", "--from-optimizers"]
    assert restart.command(words, CONFIG, "runs/svhn", 2000) == (
        "tf-ttur train --config svhn:orig_1e-4"
        " --config.discriminator.learning_rate=1e-05 --config.generator.learning_rate=1e-05"
        " --from runs/svhn@2000"
    )
    folder = tmp_path / "my run"
    (tmp_path / "my run-from-5").mkdir()
    words = ["--config=a.py", "--workdir", str(folder), "--config.generator.learning_rate=7"]
    high = CONFIG.copy_and_resolve_references()
    high.generator.learning_rate = 7.0
    command = restart.command(words, high, str(folder), 5)
    assert shlex.split(command)[2:] == [
        "--config=a.py",
        "--config.discriminator.learning_rate=1e-05",
        "--config.generator.learning_rate=0.0001",
        "--from",
        f"{folder}@5",
        "--workdir",
        f"{folder}-from-5.2",
    ]


def test_without_a_checkpoint_the_run_starts_over(tmp_path):
    words = ["--config", "svhn", "--workdir=x", "--from=runs/a", "--from-optimizers"]
    command = restart.command(words, CONFIG, "x", 0)
    assert command.startswith("tf-ttur train --config svhn --from=runs/a --from-optimizers ")
    assert command.endswith(" --workdir x")
    assert "--workdir" not in restart.command(words[:2], CONFIG, "runs/svhn-ttur-seed0", 0)


@pytest.mark.usefixtures("one_replica", "offline")
@pytest.mark.parametrize(
    ("more", "update"),
    [
        pytest.param(
            ["--config.discriminator.learning_rate=1e30", "--config.generator.learning_rate=1e30"],
            0,
            marks=pytest.mark.slow,
        ),
        # Gradient descent on an unbounded loss: the weights grow until they overflow.
        (
            [
                "--config.model.discriminator=own.py:discriminator",
                "--config.loss=wasserstein",
                "--config.discriminator.optimizer=sgd",
                "--config.discriminator.schedule=constant",
                "--config.discriminator.learning_rate=1",
                "--config.generator.learning_rate=1e-3",
                "--config.checkpoint_every_updates=1",
            ],
            None,
        ),
    ],
)
def test_the_printed_command_works(tmp_path, monkeypatch, capsys, more, update):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own.py").write_text(OWN, encoding="utf-8")
    small = [*TINY, "--config.evaluation.every_updates=0", "--config.log_every_updates=1"]
    small += ["--config.updates=40", "--config.check_every_updates=1"]
    with pytest.raises(SystemExit) as end:
        commands.main(["train", "--config", "quickstart", *small, *more])
    assert end.value.code == 2
    said = capsys.readouterr().err
    [line] = re.findall(r"^ +(tf-ttur train .*)$", said, re.MULTILINE)
    [run] = (tmp_path / "runs").iterdir()
    last = runs.open_run(run).checkpoints[-1]
    assert f"the last good checkpoint is after {last} updates" in said
    assert last == update if update is not None else last > 0

    words = [*shlex.split(line)[1:], "--config.updates=1"]
    commands.main(words)
    others = [folder for folder in (tmp_path / "runs").iterdir() if folder != run]
    [part] = runs.open_run(others[0] if others else run).environment
    if last:
        assert part["start"] | {"sha256": ""} == {
            "run": str(run),
            "asked": str(last),
            "update": last,
            "sha256": "",
            "optimizers": False,
        }
    else:
        assert part["start"] is None
