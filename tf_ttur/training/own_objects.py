"""What a run folder records of the user's own objects, which its config names."""

import pathlib
from collections.abc import Mapping
from typing import Any

from ml_collections import ConfigDict

from tf_ttur import config as configs
from tf_ttur import registry


def describe(config: ConfigDict) -> dict[str, dict[str, str | None]]:
    """{word: {"file": absolute path, "sha256": hex digest of the file}}.

    Both are None for an object whose file is not known. Raises `UserError` if an object is missing.
    """
    return {word: _describe(word) for word in configs.objects(config)}


def changes(config: ConfigDict, part: Mapping[str, Any]) -> list[str]:
    """One sentence for each file that has changed since an earlier start of the run.

    Args:
      config: the validated config.
      part: the entry of that start in `environment.json`. Entries written by earlier versions have
        no `objects`.
    """
    stored = part.get("objects", {})
    words: dict[str, list[str]] = {}  # by the name of their file
    for word, now in describe(config).items():
        if word in stored and now["sha256"] != stored[word]["sha256"]:
            words.setdefault(pathlib.Path(now["file"] or word).name, []).append(word)
    return [
        f"{name}, which {_keys(config, of_file)}, has changed since the last start of this run,"
        f" after update {part.get('from_update', 0)}"
        for name, of_file in words.items()
    ]


def _describe(word: str) -> dict[str, str | None]:
    file = registry.file_of(word)
    return {"file": str(file) if file else None, "sha256": registry.digest_of(word)}


def _keys(config: ConfigDict, words: list[str]) -> str:
    """The config keys with one of these words as value, followed by "names" or "name"."""
    flat = configs.flatten(config)
    keys = [
        f"config.{name}"
        for name, key in configs.KEYS.items()
        if key.choices is not None and flat[name] in words
    ]
    return f"{' and '.join(keys)} {'names' if len(keys) == 1 else 'name'}"
