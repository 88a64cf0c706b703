"""The checks that find a mistake in a config before any expensive work.

All rules come from the declared keys and from the registries.
"""

import math
import numbers
from collections.abc import Iterator, Mapping
from typing import Any

from ml_collections import ConfigDict

from tf_ttur.config.keys import KEYS, flatten
from tf_ttur.data import KINDS, Kind, alternatives
from tf_ttur.errors import UserError
from tf_ttur.losses import LOSSES, Loss
from tf_ttur.metrics import measures, protocols
from tf_ttur.models import ARCHITECTURES, Architecture
from tf_ttur.registry import Entry, Key, is_object
from tf_ttur.wording import counted, did_you_mean

Flat = Mapping[str, Any]


def validate(config: Any, find_objects: bool = True) -> Any:
    """Checks every key, type and value; returns the config.

    Args:
      config: a `ConfigDict`, or a nested dict.
      find_objects: whether user-defined objects are imported and checked too. Without them, what
        keys require of each other is left unchecked if the config names any.

    Raises:
      UserError: there is a mistake. The message names the key, its value, and what is allowed.
    """
    if not isinstance(config, ConfigDict | Mapping):
        raise UserError(
            f"the config is {config!r:.80} ({type(config).__name__})",
            "an ml_collections.ConfigDict with the keys of tf_ttur.config.default()",
            "take that of a card, tf_ttur.config.load(CARD), or build it on the default",
        )
    flat = flatten(config)
    for name in flat:
        if name not in KEYS:
            raise unknown_key(name)
    for name, key in KEYS.items():
        if name not in flat:
            cure = "build the config on tf_ttur.config.default()"
            raise UserError(f"config.{name} is missing", key.type_in_words, cure)
        _check_value(name, key, flat)
    if find_objects or not names_objects(config):
        _check_objects(flat)
        _check_together(flat)
    return config


def validated(config: ConfigDict | Mapping[str, Any]) -> ConfigDict:
    """A validated `ConfigDict`, also of a nested dict. Raises `UserError` as `validate` does."""
    validate(config)
    return config if isinstance(config, ConfigDict) else ConfigDict(config)


def unknown_key(name: str, prefix: str = "config.") -> UserError:
    """The `UserError` for a key that does not exist. It suggests similar keys.

    Args:
      name: of the key.
      prefix: what stands before a key where the user typed it.
    """
    cure = did_you_mean(name, KEYS, "correct the name", lambda key: f"{prefix}{key}")
    expected = "one of the keys that tf-ttur train --help lists"
    return UserError(f"{prefix}{name} is not a key", expected, cure)


def architecture_of(config: Any) -> Architecture:
    """The entry of a config's architecture.

    Raises:
      UserError: there is no such architecture.
    """
    return ARCHITECTURES.find(config["model"]["architecture"])


def learns(config: Any) -> str:
    """The name in `KINDS` of what a config's architecture learns from.

    An architecture of the user's own is not imported if the place of the data tells the kind: a
    valid config names one place.

    Raises:
      UserError: there is no such architecture.
    """
    if is_object(config["model"]["architecture"]):
        flat = flatten(config)
        named = [name for name, kind in KINDS.items() if flat.get(kind.place)]
        if len(named) == 1:
            return named[0]
    return architecture_of(config).learns


def kind_of(config: Any) -> Kind:
    """The kind of data that a config's architecture learns from. Errors as of `learns`."""
    return KINDS[learns(config)]


def objects(config: Any) -> list[str]:
    """The words of a config that name user-defined objects, `MODULE:OBJECT` or `PATH.py:OBJECT`."""
    flat = flatten(config)
    words = [
        flat[name]
        for name, key in KEYS.items()
        if key.choices is not None and is_object(flat[name])
    ]
    metrics = (measures.split(word)[0] for word in flat["evaluation.metrics"].split(","))
    words += filter(is_object, metrics)
    source = flat["data.source"]
    return words + [source.removeprefix("python:")] * source.startswith("python:")


def names_objects(config: Any) -> bool:
    """Whether a config, which need not be valid, names user-defined objects."""
    words = flatten(config)
    if ":" in str(words.get("evaluation.metrics")):
        return True
    return any(
        key.choices is not None and isinstance(words.get(name), str) and is_object(words[name])
        for name, key in KEYS.items()
    )


def run_name(config: Any) -> str:
    """The default name of the run folder: NAME-VARIANT-seedSEED."""
    return f"{config.name}-{config.variant}-seed{config.seed}"


def summary(config: Any) -> str:
    """The experiment in one line: name, variant, seed, learning rates, updates and data."""
    place = " or ".join(alternatives.split(flatten(config)[kind_of(config).place]))
    return (
        f"{config.name} ({config.variant}), seed {config.seed}: "
        f"discriminator {config.discriminator.learning_rate:g}, "
        f"generator {config.generator.learning_rate:g}, "
        f"{counted(config.updates, 'update')} on {place}"
    )


def _check_value(name: str, key: Key, flat: Flat) -> None:
    value = flat[name]
    if not _has_type_of(value, key.default):
        found = f"config.{name} = {value!r} ({type(value).__name__})"
        raise UserError(found, key.type_in_words, "correct the value")
    if not _is_usable(value):
        allowed = "a finite number; below 2^31 if it is an integer"
        raise UserError(f"config.{name} = {value!r}", allowed, "correct the value")
    if not key.rule.test(value, flat):
        allowed = key.choices.words if key.choices is not None else key.rule.words
        raise UserError(f"config.{name} = {value!r}", allowed, "correct the value")


def _has_type_of(value: Any, default: Any) -> bool:
    if isinstance(value, bool) or isinstance(default, bool):
        return isinstance(value, bool) and isinstance(default, bool)
    return isinstance(value, numbers.Real if isinstance(default, float) else type(default))


def _is_usable(value: Any) -> bool:
    """Whether a number is finite and an integer fits into 32 bits. True for all other values."""
    if isinstance(value, numbers.Integral):
        return abs(int(value)) < 2**31
    return not isinstance(value, numbers.Real) or math.isfinite(value)


def _check_objects(flat: Flat) -> None:
    """Imports every user-defined object, so that a wrong name is an error now and not later."""
    for name, key in KEYS.items():
        if key.choices is not None and is_object(flat[name]):
            key.choices.find(flat[name])


def _check_together(flat: Flat) -> None:
    """Checks values that depend on each other."""
    architecture = ARCHITECTURES.find(flat["model.architecture"])
    loss = LOSSES.find(flat["loss"])
    if architecture.learns not in KINDS:
        found = f"{flat['model.architecture']} learns from {architecture.learns!r}"
        raise UserError(found, f"one of {', '.join(KINDS)}", "correct the architecture")
    if loss.outputs != architecture.outputs:
        raise UserError(
            f"config.loss = {flat['loss']!r} "
            f"with config.model.architecture = {flat['model.architecture']!r}",
            _matching_pairs(),
            "correct one of them",
        )
    kind = KINDS[architecture.learns]
    _check_entry("model.architecture", architecture, ARCHITECTURES, flat)
    _check_entry("model.architecture", kind, KINDS, flat)
    _check_entry("loss", loss, LOSSES, flat)
    _check_metrics(flat)


def _check_metrics(flat: Flat) -> None:
    """Checks that the training can use the measures that the config names."""
    key = "evaluation.metrics"
    if flat[key] == KEYS[key].default:
        return
    chosen = measures.find(protocols.measure_names(protocols.OFFICIAL, flat[key].split(",")))
    for name, measure in chosen.items():
        if not measure.values:
            raise UserError(
                f"config.{key} = {flat[key]!r}: {name} does not say the names of its values",
                "a measure with the attribute values, such as values = ('mean_distance',)",
                "add it to the class",
            )
    first = next(iter(chosen))
    if not chosen[first].falls:
        raise UserError(
            f"config.{key} = {flat[key]!r}, and {first} does not fall while training goes well",
            "first the measure that decides which checkpoint is the best: a distance",
            "begin with fid, fid_inf or kid; in a measure of your own, set falls = True",
        )


def _check_entry(chosen_by: str, entry: Entry, registry: Mapping[str, Entry], flat: Flat) -> None:
    """Checks what an entry requires, and that exclusive keys of others keep their defaults."""
    because = f"with config.{chosen_by} = {flat[chosen_by]!r}"
    for name, rule in entry.requires.items():
        if name not in flat:
            found = f"{flat[chosen_by]} requires something of config.{name}, which is not a key"
            raise UserError(found, "names of config keys", "correct `requires` of the entry")
        if not rule.test(flat[name], flat):
            found = f"config.{name} = {flat[name]!r} {because}"
            raise UserError(found, rule.words, "correct the value")
    for name, key, owners in _keys_of_others(entry, registry):
        if key.exclusive and flat[name] != key.default:
            found = f"config.{name} = {flat[name]!r} {because}"
            allowed = f"{key.default!r}: only {' and '.join(owners)} has this key"
            raise UserError(found, allowed, "correct the value")


def _keys_of_others(
    entry: Entry, registry: Mapping[str, Entry]
) -> Iterator[tuple[str, Key, list[str]]]:
    """Yields the keys that only other entries of a registry have.

    Yields:
      (name, `Key`, names of the entries that have it).
    """
    others = {name: key for other in registry.values() for name, key in other.keys.items()}
    for name, key in others.items():
        if name not in entry.keys:
            yield name, key, [owner for owner, other in registry.items() if name in other.keys]


def _matching_pairs() -> str:
    """Says which losses go with which architectures."""

    def named(registry: Mapping[str, Loss] | Mapping[str, Architecture], outputs: str) -> str:
        return ", ".join(name for name, entry in registry.items() if entry.outputs == outputs)

    kinds = dict.fromkeys(loss.outputs for loss in LOSSES.values())
    return "; ".join(f"{named(LOSSES, kind)} with {named(ARCHITECTURES, kind)}" for kind in kinds)
