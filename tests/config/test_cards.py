"""Finding the card that a word names, and running it."""

import sys

import pytest

from tests.conftest import ROOT
from tf_ttur import config as configs
from tf_ttur import losses
from tf_ttur.config import cards
from tf_ttur.errors import UserError
from tf_ttur.players import Players

# A card that counts its runs, and imports a module beside it.
CARD = """
import pathlib

import module_beside_the_card
from tf_ttur import config as configs
from tf_ttur import losses

VARIANTS = {"ttur": None, "orig": None}
runs = pathlib.Path(__file__).with_name("runs")
runs.write_text(runs.read_text() + "." if runs.exists() else ".")


def get_config(variant="ttur"):
    config = configs.default()
    config.name = module_beside_the_card.NAME
    config.variant = variant
    config.data.source = "digits:64"
    config.discriminator.learning_rate = 1e-3
    config.generator.learning_rate = 1e-3
    return config
"""


@pytest.fixture
def own_card(tmp_path, monkeypatch):
    """The path of a card that leaves `updates` to the command line."""
    folder = tmp_path / "a:b.py" / "cards"
    folder.mkdir(parents=True)
    (folder / "mine.py").write_text(CARD, encoding="utf-8")
    (folder / "module_beside_the_card.py").write_text("NAME = 'mine'\n", encoding="utf-8")
    yield folder / "mine.py"
    sys.modules.pop("module_beside_the_card", None)


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """A working directory that holds nothing."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def test_cards_that_ship_are_found_by_name_from_any_folder(elsewhere):
    for word, variant in (("svhn", "ttur"), ("svhn:orig", "orig"), ("svhn:orig_1e-5", "orig_1e-5")):
        config = configs.load(word)
        assert (config.name, config.variant) == ("svhn", variant)
    assert configs.find_card("svhn:orig") == (ROOT / "configs/svhn.py", "orig")


def test_a_path_may_hold_colons_and_name_a_variant(own_card, elsewhere, monkeypatch):
    overrides = {"updates": 5}
    assert configs.load(str(own_card), overrides).variant == "ttur"
    assert configs.load(f"{own_card}:orig", overrides).variant == "orig"
    monkeypatch.chdir(own_card.parent)
    assert configs.load("mine.py:orig", overrides).variant == "orig"
    assert configs.find_card(f"{own_card}:orig") == (own_card, "orig")


def test_modules_beside_a_card_are_found_while_it_runs_and_not_afterwards(own_card):
    path = list(sys.path)
    assert configs.load(str(own_card), {"updates": 5}).name == "mine"
    assert sys.path == path
    assert "module_beside_the_card" not in sys.modules  # another card may have another one
    with pytest.raises(ModuleNotFoundError):
        import module_beside_the_card  # noqa: F401  raises


def test_sys_path_is_restored_after_an_error(own_card):
    path = list(sys.path)
    own_card.write_text(f"{CARD}\n1 / 0\n", encoding="utf-8")
    with pytest.raises(UserError, match="ZeroDivisionError"):
        configs.load(str(own_card))
    assert sys.path == path


def test_a_command_runs_its_card_once(own_card, tool, tmp_path):
    arguments = ["--config", own_card, "--config.updates=2", "--config.model.width=2"]
    process = tool("tf_ttur/train.py", *arguments, "--dry-run")
    assert process.returncode == 0, process.stderr
    assert (own_card.parent / "runs").read_text(encoding="utf-8") == "."


def test_a_value_that_the_card_leaves_to_the_command_line(own_card):
    assert configs.load(str(own_card), {"updates": 5}).updates == 5
    with pytest.raises(UserError, match=r"config\.updates = 0\n.*above 0"):
        configs.load(str(own_card))
    assert configs.read_card(str(own_card)).updates == 0


def test_overrides_must_be_keys(own_card):
    with pytest.raises(
        UserError, match=r"config\.update is not a key\n(.*\n)*.*mean config\.updates"
    ):
        configs.load(str(own_card), {"update": 5})


@pytest.mark.parametrize(
    "word, message",
    [
        ("svnh", r"no config svnh\n(.*\n)*.*did you mean svhn\?"),
        ("svnh:orig", r"no config svnh:orig\n(.*\n)*.*did you mean svhn\?"),
        ("wgan_gp", r"did you mean wgan_gp_\w+ or wgan_gp_\w+\?"),
        ("mnist", r"no config mnist\n(.*\n)*.*one of began_celeba, .*, wgan_gp_lsun, or the path"),
        ("svhn:fast", r"no variant 'fast'\n.*one of ttur, orig, orig_1e-5, orig_1e-4\n"),
        ("configs/svhn.py", r"no config configs/svhn\.py\n(.*\n)*.*the card that ships: svhn$"),
        ("configs/svhn.py:orig", r"no config configs/svhn\.py\n(.*\n)*.*ships: svhn$"),
        ("configs/mine.py", r"no config configs/mine\.py\n(.*\n)*.*correct the path$"),
        ("", "--config is empty"),
        (".", "no config "),
    ],
)
def test_words_that_name_no_card(word, message, elsewhere):
    with pytest.raises(UserError, match=message):
        configs.load(word)


@pytest.mark.parametrize(
    "text, reason",
    [
        ("import", "SyntaxError"),
        ("raise SystemExit(0)", "SystemExit"),
        ("", "KeyError: 'get_config'"),
        ("def get_config(variant=''): return {}", "TypeError: get_config gives dict"),
        ("def get_config(*_): pass", "TypeError"),
    ],
)
def test_files_that_are_no_cards(text, reason, tmp_path):
    path = tmp_path / "card.py"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=rf"card\.py gives no config \({reason}"):
        configs.load(f"{path}:ttur")


def test_a_card_without_variants_says_so(tmp_path):
    path = tmp_path / "card.py"
    text = "from tf_ttur import config\nget_config = lambda: config.default()\n"
    path.write_text(text, encoding="utf-8")
    assert configs.read_card(str(path)).variant == ""
    with pytest.raises(UserError, match="has no variants, and 'ttur' is named"):
        configs.read_card(f"{path}:ttur")


def test_list_of_cards(tmp_path):
    names = [path.stem for path in configs.list_cards()]
    assert names == sorted(path.stem for path in (ROOT / "configs").glob("*.py"))
    for name in ("b.py", "a.py", "_helper.py", "notes.txt"):
        (tmp_path / name).touch()
    assert [path.name for path in configs.list_cards(tmp_path)] == ["a.py", "b.py"]
    assert cards.variants(ROOT / "configs/lsun.py") == ["ttur", "orig", "orig_1e-5", "orig_1e-4"]
    assert cards.variants(tmp_path / "a.py") == []


def test_a_family_gets_the_name_and_the_rates_of_a_variant():
    variants = {
        "ttur": Players(discriminator=1e-5, generator=1e-4),
        "orig": configs.one_time_scale(5e-5),
    }
    for make in (configs.default, configs.began, lambda: configs.wgan_gp(critic_steps=5)):
        config = configs.card(make(), "mine", "ttur", variants)
        assert (config.name, config.variant) == ("mine", "ttur")
        assert config.discriminator.learning_rate == 1e-5
        assert config.generator.learning_rate == 1e-4
    config = configs.card(configs.language(critic_steps=10), "mine", "orig", variants)
    assert config.discriminator.learning_rate == config.generator.learning_rate == 5e-5
    assert config.discriminator.steps == 10
    with pytest.raises(UserError, match=r"no variant 'both'\n.*one of ttur, orig"):
        configs.card(configs.default(), "mine", "both", variants)


def test_objects_beside_a_card_are_found_from_any_folder(tmp_path, monkeypatch):
    """In the process that reads the card, and after the card has been read."""
    folder = tmp_path / "cards"
    folder.mkdir()
    (folder / "my_losses.py").write_text(
        "from tf_ttur.losses import LossPair\n"
        "PAIR = LossPair(lambda real, fake: fake - real, lambda fake: -fake, None)\n"
    )
    (folder / "card.py").write_text(
        "from tf_ttur import config as configs\n"
        "print('a card that prints')\n"
        "def get_config(word='my_losses.py:PAIR'):\n"
        "    config = configs.load('svhn')\n"
        "    config.loss = word\n"
        "    return config\n"
    )
    monkeypatch.chdir(tmp_path)
    for word in ("my_losses.py:PAIR", "my_losses:PAIR"):
        config = configs.load("cards/card.py", {"loss": word})
        assert losses.pair(config.loss).boundary is None
        assert configs.objects(config) == [word]


def test_a_card_prints_to_stderr(tmp_path, capsys):
    (tmp_path / "card.py").write_text(
        "from tf_ttur import config as configs\nprint('hello')\n"
        "def get_config():\n    return configs.load('svhn')\n"
    )
    configs.load(str(tmp_path / "card.py"))
    assert capsys.readouterr() == ("", "hello\n")


def test_a_card_without_parts_is_refused_with_an_override(tmp_path):
    (tmp_path / "card.py").write_text(
        "from ml_collections import ConfigDict\n"
        "def get_config():\n    return ConfigDict({'name': 'x'})\n"
    )
    with pytest.raises(UserError, match="has no part 'model'"):
        configs.load(str(tmp_path / "card.py"), {"model.width": 3})
