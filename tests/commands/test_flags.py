"""The flags of an experiment, and what is said about misspelled ones."""

import importlib
import pathlib

import pytest

from tf_ttur import config as configs
from tf_ttur.commands import flags
from tf_ttur.data.sources import describe_sources
from tf_ttur.errors import UserError


def parse(*words):
    """The parsed flags of a command with an experiment."""
    parser = flags.parser("Trains.", "train")
    flags.add_config(parser)
    return parser.parse_args(words)


def read(*words):
    """The config of a command line."""
    return flags.read_config(parse("--config", "svhn", *words))


def test_values_of_all_types():
    config = read(
        "--config.seed=3",
        *("--config.updates", "7"),
        "--config.generator.learning_rate=1",
        "--config.collapse.metric_factor=1e1",
        "--config.data.source=a=b c",
        "--config.latent.distribution=normal",
    )
    assert config.seed == 3
    assert config.updates == 7
    assert config.generator.learning_rate == 1.0
    assert type(config.generator.learning_rate) is float
    assert config.collapse.metric_factor == 10.0
    assert config.data.source == "a=b c"
    assert config.latent.distribution == "normal"
    assert config.discriminator.learning_rate == 1e-5  # as the card has it


def test_overrides_are_in_the_order_of_the_keys_and_the_last_one_counts():
    arguments = parse("--config.updates=1", "--config.seed=2", "--config.updates=3")
    assert list(flags.overrides(arguments).items()) == [("seed", 2), ("updates", 3)]


@pytest.mark.parametrize(
    "words, value",
    [
        ([], True),
        (["--config.latent.shared=false"], False),
        (["--config.latent.shared=False"], False),
        (["--config.latent.shared=0"], False),
        (["--config.latent.shared", "no"], False),
        (["--noconfig.latent.shared"], False),
        (["--config.latent.shared"], True),
        (["--config.latent.shared", "--config.seed=1"], True),
        (["--noconfig.latent.shared", "--config.latent.shared"], True),
        (["--noconfig.latent.shared", "--config.latent.shared=yes"], True),
    ],
)
def test_keys_that_are_true_or_false(words, value):
    assert read(*words).latent.shared is value


@pytest.mark.parametrize(
    "word, message",
    [
        ("--config.latent.shared=maybe", r"shared=maybe\n.*True or False"),
        ("--config.seed=1.5", r"--config\.seed=1\.5\n.*: a whole number"),
        ("--config.updates=many", r"--config\.updates=many\n.*a whole number"),
        ("--config.seed=", r"--config\.seed=\n.*a whole number"),
        ("--config.generator.learning_rate=fast", r"learning_rate=fast\n.*: a number"),
        ("--config.seed=-1", r"config\.seed = -1\n.*0 to 2\^31 - 1"),
        ("--config.updates=10000000000", r"updates = 10000000000\n.*below 2\^31"),
        ("--config.generator.learning_rate=nan", r"learning_rate = nan\n.*finite"),
        ("--config.generator.learning_rate=0", r"learning_rate = 0\.0\n.*above 0"),
    ],
)
def test_wrong_values(word, message):
    with pytest.raises(UserError, match=message):
        read(word)


@pytest.mark.parametrize(
    "word, message",
    [
        ("--updates=2", r"no flag --updates\n(.*\n)*.*did you mean --config\.updates\?"),
        ("--batch-size=2", r"no flag --batch-size\n(.*\n)*.*mean --config\.batch_size\?"),
        ("--image_size=64", r"did you mean --config\.data\.image_size\?"),
        (
            "--learning_rate=1",
            r"--config\.discriminator\.learning_rate or --config\.generator\.learning_rate\?",
        ),
        ("--confg=svhn", r"no flag --confg\n(.*\n)*.*did you mean --config\?"),
        ("--shared=false", r"did you mean --config\.latent\.shared\?"),
        ("--config.sed=0", r"--config\.sed is not a key\n(.*\n)*.*mean --config\.seed\?"),
        ("--config.data.sorce=x", r"did you mean --config\.data\.source\?"),
        ("--noconfig.latent.share", r"did you mean --noconfig\.latent\.shared\?"),
        ("--skip-unreadable", r"no flag --skip-unreadable\n(.*\n)*.*tf-ttur prepare images"),
        ("--noconfig.seed", r"config\.seed"),
        ("--nothing_like_it", r"no flag --nothing_like_it\n(.*\n)*.*see --help"),
        ("extra", "unexpected extra"),
        ("svhn:orig", r"unexpected svhn:orig\n(.*\n)*.*did you mean --config svhn:orig\?"),
        ("--config.seed", "flag --config.seed without a value"),
    ],
)
def test_misspelled_flags(word, message):
    with pytest.raises(UserError, match=message):
        parse("--config", "svhn", word)


def test_an_expanded_pattern_is_answered_with_its_folder(tmp_path):
    names = [str(tmp_path / f"{number}.png") for number in range(9)]
    for name in names:
        pathlib.Path(name).touch()
    with pytest.raises(UserError) as error:
        parse(*names, "real/")
    assert error.value.found == f"unexpected {', '.join(names[:3])} and 7 more"
    assert error.value.cure == f"name the folder {tmp_path}/ instead of the files in it"


def test_no_config_is_an_error_and_an_optional_one_is_not():
    with pytest.raises(UserError, match=r"--config is missing\n.*NAME\[:VARIANT\]"):
        flags.read_config(parse())
    assert flags.read_optional_config(parse()) is None
    assert flags.read_optional_config(parse("--config", "svhn:orig")).variant == "orig"
    with pytest.raises(UserError, match=r"--config\.KEY without --config"):
        flags.read_optional_config(parse("--config.seed=1"))


def test_help_ends_with_the_table_of_all_keys(tool):
    process = tool("tf_ttur/train.py", "--help")
    assert process.returncode == 0
    table = process.stdout[process.stdout.index("\nkey ") :]
    for name, key in configs.KEYS.items():
        [line] = [line for line in table.splitlines() if line.startswith(f"config.{name} ")]
        assert line.split()[1] == type(key.default).__name__
        assert line.endswith(key.meaning)
    assert process.stdout.rstrip().endswith(flags.describe_keys())
    for name, key in configs.KEYS.items():
        for word in key.choices or ():
            assert f"\n  {word}" in table, name


@pytest.mark.parametrize("command", ["fid", "stats", "prepare", "disturb"])
def test_help_ends_with_the_table_of_sources(command, capsys):
    with pytest.raises(SystemExit):
        importlib.import_module(f"tf_ttur.commands.{command}").main(["--help"])
    text = capsys.readouterr().out.rstrip()
    table = f":\n{describe_sources()}"
    if command == "prepare":  # goes on with the addresses of the data
        assert f"{table}\n\n" in text
    else:
        assert text.endswith(table)


def test_tables_are_appended_to_those_before():
    parser = flags.parser("", "test")
    flags.append_table(parser, "", "first")
    flags.append_table(parser, "a title", "second")
    assert parser.epilog == "first\n\na title:\nsecond"
