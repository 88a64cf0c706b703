"""The `config.json` of a run folder."""

import json
import pathlib

from ml_collections import ConfigDict

from tf_ttur.config.keys import default
from tf_ttur.config.rules import validate
from tf_ttur.errors import UserError


def to_json(config: ConfigDict) -> str:
    """A config as the text of its file."""
    return json.dumps(config.to_dict(), indent=2) + "\n"


def from_json(path: str | pathlib.Path) -> ConfigDict:
    """The config in a file, validated. Keys that an earlier version lacked have their defaults.

    Raises:
      UserError: the file cannot be read, or holds no valid config.
    """
    try:
        config = default()
        config.update(json.loads(pathlib.Path(path).read_text(encoding="utf-8")))
        return validate(config)
    except (OSError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise UserError(
            f"{path} cannot be read ({error})", "the config.json of a run", "name a run folder"
        ) from error
