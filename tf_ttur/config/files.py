"""The `config.json` of a run folder."""

import contextlib
import json
import pathlib
from collections.abc import Iterator

from ml_collections import ConfigDict

from tf_ttur.config.keys import default, flatten
from tf_ttur.config.rules import validate
from tf_ttur.errors import UserError
from tf_ttur.registry import Value


def to_json(config: ConfigDict) -> str:
    """The text of a config's file: indented JSON that ends with a newline."""
    return json.dumps(config.to_dict(), indent=2) + "\n"


def from_json(path: str | pathlib.Path, find_objects: bool = True) -> ConfigDict:
    """Reads and validates the config in a file.

    Keys that the file lacks, because an earlier version wrote it, get their defaults.

    Args:
      path: the file.
      find_objects: as in `rules.validate`.

    Raises:
      UserError: the file cannot be read, or holds no valid config.
    """
    with _named(path):
        return validate(_read(path), find_objects)


def stored_values(path: str | pathlib.Path) -> dict[str, Value]:
    """The config in a file as a flat dict, without validating it.

    It may hold what no longer exists, such as user-defined objects that have moved. Keys that the
    file lacks get their defaults.

    Raises:
      UserError: the file cannot be read.
    """
    with _named(path):
        return flatten(_read(path))


def _read(path: str | pathlib.Path) -> ConfigDict:
    config = default()
    config.update(json.loads(pathlib.Path(path).read_text(encoding="utf-8")))
    return config


@contextlib.contextmanager
def _named(path: str | pathlib.Path) -> Iterator[None]:
    """Within the block, a file that is no config is an error that names it."""
    try:
        yield
    except (OSError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise UserError(
            f"{path} cannot be read ({error})", "the config.json of a run", "name a run folder"
        ) from error
