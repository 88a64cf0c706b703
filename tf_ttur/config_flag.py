"""The flag `--config PATH[:VARIANT]` with its overrides `--config.KEY=VALUE`, and flag errors as `UserError`."""

import re

from absl import app, flags
from ml_collections import config_flags

from tf_ttur import config as configs
from tf_ttur.errors import UserError

_HELP = "The experiment: PATH[:VARIANT], for example configs/svhn.py:orig."


def define():
    """Defines `--config`; its holder's `value` is the config, or None."""
    return config_flags.DEFINE_config_file("config", None, _HELP)


def run(main):
    """`app.run` with flag errors as `UserError`; `main` takes the positional arguments."""
    app.run(lambda arguments: main(arguments[1:]), flags_parser=_parse)


def given():
    """Whether the command line names a config."""
    return flags.FLAGS["config"].value is not None


def read(holder):
    """The validated config of the flag. Raises `UserError` if there is none or it holds a mistake."""
    if not given():
        raise UserError("--config is missing", _HELP, "name an experiment of configs/")
    return configs.validate(holder.value)


def _parse(arguments):
    known = configs.flatten(configs.default())
    for argument in arguments[1:]:
        if match := re.match(r"--?(?:no)?config\.([\w.]+)", argument):
            if match[1] not in known:
                raise configs.unknown_key(match[1])
        elif match := re.match(r"--?config=(.*)", argument):
            configs.load(match[1])  # says what is wrong with it; the flag's own parser would not
        elif argument in ("--config", "-config") and (following := arguments[arguments.index(argument) + 1 :]):
            configs.load(following[0])
    try:
        return flags.FLAGS(arguments)
    except flags.IllegalFlagValueError as error:
        key = re.search(r"config\.([\w.]+)", str(error))
        if key is None or key[1] not in known:
            raise UserError(str(error), "a value of the flag's type", "see --help") from error
        raise UserError(str(error), f"{type(known[key[1]]).__name__}, as config.{key[1]} = {known[key[1]]!r}", "correct the value") from error
    except flags.Error as error:
        raise UserError(str(error), "the flags that --help lists", "correct the command line") from error
