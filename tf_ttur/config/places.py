"""Where the data of a config are, if it names several places."""

from collections.abc import Mapping

from ml_collections import ConfigDict

from tf_ttur.config.keys import flatten
from tf_ttur.config.rules import kind_of
from tf_ttur.data import alternatives
from tf_ttur.registry import Value


def settled(config: ConfigDict, stored: Mapping[str, Value] | None = None) -> ConfigDict:
    """A config that names one place of its data.

    Args:
      config: the validated config, which is not changed.
      stored: {key: value} of the config of a run that is resumed, whose place is kept if it is
        still there; None for a new run.

    Returns:
      The config with the place that `alternatives.choose` chooses; the same object if it names one
      place already, or none of them is there.
    """
    key = kind_of(config).place
    word = str(flatten(config)[key])
    place = alternatives.choose(word, str((stored or {}).get(key, "")))
    if place == word:
        return config
    config = config.copy_and_resolve_references()
    config.update_from_flattened_dict({key: place})
    return config
