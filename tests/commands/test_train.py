"""The command that trains: mistakes are found at once, and a dry run leaves nothing."""

import numpy as np

from tests.commands.processes import TINY, run, train
from tests.conftest import ROOT, assert_refused
from tf_ttur import config as configs
from tf_ttur.commands.train import _default_folder
from tf_ttur.config import cards
from tf_ttur.data import prepare

QUICKSTART = ["--config", ROOT / "configs/quickstart.py", *TINY]


def test_mistakes_are_found_before_tensorflow_is_imported():
    code = (
        "import sys\n"
        "from tf_ttur import commands\n"
        "try: commands.main(['train', '--config', 'configs/svhn.py', '--config.batch_size=0'])\n"
        "except SystemExit as end: print(end.code, 'tensorflow' in sys.modules)"
    )
    assert run("-c", code).stdout.strip() == "2 False"


def test_dry_run(tmp_path):
    process = train("--config", ROOT / "configs/celeba.py", "--dry-run", cwd=tmp_path)
    assert process.returncode == 0
    assert process.stderr == ""
    for number in ("5,135,363", "4,316,545", "256,365"):
        assert number in process.stdout
    assert "53 times 50,000 samples: 2,650,000 images" in process.stdout
    assert "  data           not opened, so not checked\n" in process.stdout
    assert list(tmp_path.iterdir()) == []


def test_a_dry_run_refuses_what_the_training_refuses(tmp_path, tool):
    words = ["tf_ttur/train.py", *QUICKSTART, "--dry-run", "--workdir", tmp_path / "run"]
    process = tool(*words)
    assert "  data           64 images of 32x32, RGB\n" in process.stdout
    assert_refused(tool(*words, "--config.batch_size=65"), "digits:64 has 64 images")
    np.save(tmp_path / "images.npy", np.full((64, 40, 40, 3), 100, np.uint8))
    prepare.prepare("celeba", tmp_path / "images.npy", tmp_path / "prepared", "square", 16)
    process = tool(*words, f"--config.data.source={tmp_path / 'prepared'}")
    assert_refused(process, "was prepared with crop square and size 16")
    (tmp_path / "run").mkdir()
    (tmp_path / "run/notes.txt").touch()
    assert_refused(tool(*words), "is not empty and not a run folder")


def test_run_folder_of_another_config(workdir, graph):
    before = (workdir / "metrics.jsonl").read_bytes()
    place = ["--workdir", workdir, "--inception", graph]
    process = train(*QUICKSTART, "--config.seed=5", *place)
    assert_refused(process, "seed: 0 -> 5")
    assert (workdir / "metrics.jsonl").read_bytes() == before


def test_a_changed_rate_has_its_own_folder_unless_the_run_is_there_already(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    changes = {"generator.learning_rate": 3e-4, "updates": 7}
    config, changed = cards.load_changed("svhn", changes)
    own = "runs/svhn-ttur-seed0-generator.learning_rate=3e-4"
    assert _default_folder(config, changed) == own
    assert _default_folder(*cards.load_changed("svhn", {"updates": 7})) == "runs/svhn-ttur-seed0"

    plain = tmp_path / "runs/svhn-ttur-seed0"
    plain.mkdir(parents=True)
    (plain / "config.json").write_text("damaged", encoding="utf-8")
    assert _default_folder(config, changed) == own
    (plain / "config.json").write_text(configs.to_json(configs.load("svhn")), encoding="utf-8")
    assert _default_folder(config, changed) == own
    settled = configs.settled(config)  # as a training writes it
    (plain / "config.json").write_text(configs.to_json(settled), encoding="utf-8")
    assert _default_folder(config, changed) == "runs/svhn-ttur-seed0"
    (tmp_path / own).mkdir()
    (tmp_path / own / "config.json").touch()
    assert _default_folder(config, changed) == own


def test_training_on_what_is_not_there(tmp_path):
    (tmp_path / "empty").mkdir()
    card = ["--config", ROOT / "configs/lsun.py"]
    for source, reason in (("missing", "does not exist"), ("empty", "holds no images")):
        process = train(*card, f"--config.data.source={tmp_path / source}", cwd=tmp_path)
        assert_refused(process, reason)
    assert not (tmp_path / "runs").exists()
