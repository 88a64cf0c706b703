"""Whether two configs describe the same run, and the default name of a run's folder.

Each key declares what it decides (`registry.Decides`). Some keys decide less in some experiments;
`decides` says what a key decides in a given one.
"""

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple, TypeVar

from tf_ttur.config.keys import KEYS, flatten
from tf_ttur.config.rules import kind_of, run_name
from tf_ttur.errors import UserError
from tf_ttur.models import ARCHITECTURES
from tf_ttur.optimizers import OPTIMIZERS, SCHEDULES
from tf_ttur.registry import Decides, Entry, Registry, Value, is_object

E = TypeVar("E", bound=Entry)

PLAYERS = ("discriminator", "generator")

# What says where the data are. These keys are free, as data are compared by their content. They are
# compared by their words only where a run has recorded no fingerprint of its data.
_PLACES = ("data.files",)  # and the `place` of each kind of data

_MAX_LISTED = 12
_MAX_NAME = 150  # characters; file systems allow 255 bytes
_MAX_TEXT = 24  # characters of a text in the name of a folder


class Difference(NamedTuple):
    """A value that differs between a run and what is asked for now.

    Attributes:
      key: its name.
      was, now: the two values.
      why: what else a user must know; may be empty.
    """

    key: str
    was: Any
    now: Any
    why: str = ""

    def __str__(self) -> str:
        why = f" ({self.why})" if self.why else ""
        return f"{self.key}: {_shown(self.was)} -> {_shown(self.now)}{why}"


def listed(differences: Iterable[Difference]) -> str:
    """Differences as messages show them: one per line, indented; at most twelve."""
    lines = [f"    {difference}" for difference in differences]
    rest = len(lines) - _MAX_LISTED
    return "\n".join([*lines[:_MAX_LISTED], *([f"    and {rest} more"] if rest > 0 else [])])


def decides(name: str, config: Any) -> Decides:
    """What a key decides in an experiment.

    Args:
      name: of the key.
      config: the validated config of the experiment.
    """
    if name == "updates":
        return Decides.WEIGHTS if schedules_of_length(config) else Decides.NOTHING
    if name == "evaluation.sample_batch_size":
        # Then an example depends on the others of its batch.
        architecture = _find(ARCHITECTURES, config.model.architecture)
        normalises = architecture is None or architecture.normalises_over_batch
        return Decides.CURVE if normalises else Decides.NOTHING
    if name == "evaluation.weights" and not config.generator.ema_decay:
        return Decides.NOTHING  # there is no average to choose
    if _is_ignored(name, config):
        return Decides.NOTHING
    return KEYS[name].decides


def schedules_of_length(config: Any) -> list[str]:
    """The names of the config's schedules whose rates depend on the number of updates."""
    names = dict.fromkeys(config[player]["schedule"] for player in PLAYERS)
    entries = {name: _find(SCHEDULES, name) for name in names}
    return [name for name, entry in entries.items() if entry is None or entry.depends_on_length]


def _find(registry: Registry[E], word: str) -> E | None:
    """The entry of a name; None for an object of the user's own that can no longer be imported.

    A run can be compared with others all the same.
    """
    try:
        return registry.find(word)
    except UserError:
        if not is_object(word):
            raise
        return None


def differences(
    stored: Mapping[str, Value],
    config: Any,
    *,
    curve_has_begun: bool,
    places_decide: bool,
    is_same: Callable[[str, Value, Value], bool],
) -> list[Difference]:
    """The values of a config that a run with other values cannot take over.

    Args:
      stored: the flat config of the run.
      config: the validated config.
      curve_has_begun: whether the run has rows of an evaluation.
      places_decide: whether the words for the place of the data count.
      is_same: function (key, stored value, value) that returns whether two values that differ name
        the same object.
    """
    flat = flatten(config)
    decisive = {Decides.WEIGHTS, *([Decides.CURVE] if curve_has_begun else [])}
    places = {kind_of(config).place, *_PLACES} if places_decide else set()
    result = []
    for name, key in KEYS.items():
        was = stored.get(name, key.default)
        now = flat[name]
        if was == now or is_same(name, was, now):
            continue
        if decides(name, config) in decisive or name in places:
            result.append(Difference(name, was, now, _why(name, config, places)))
    return result


def folder_name(config: Any, changed: Mapping[str, Value], start: str = "") -> str:
    """The default name of the run folder, with the changes that make it another run than its card.

    Args:
      config: the validated config.
      changed: {key: value} of the command line, where they are not those of the card.
      start: the name of the checkpoint that the run begins with, such as "svhn-ttur-seed0@best".

    Returns:
      `run_name(config)`, followed by "-KEY=VALUE" for each changed key that decides the weights,
      and by "-from=START".
    """
    added = [
        f"-{name}={_short(value)}"
        for name, value in changed.items()
        if name not in {"seed", "updates"} and decides(name, config) is Decides.WEIGHTS
    ]
    if start:
        added.append(f"-from={start}")
    name = run_name(config) + "".join(added)
    if added and len(name) > _MAX_NAME:
        name = f"{name[: _MAX_NAME - 9]}-{_digest(name)}"
    return name


def _is_ignored(name: str, config: Any) -> bool:
    """Whether a key belongs to an optimizer or schedule that its player does not use."""
    player, _, key = name.partition(".")
    if player not in PLAYERS:
        return False
    optimizer = config[player]["optimizer"]
    schedule = config[player]["schedule"]
    if is_object(optimizer) or is_object(schedule):
        return False  # it may read any key
    owned = {key for entry in _entries() for key in entry.keys}
    return key in owned - {*OPTIMIZERS[optimizer].keys, *SCHEDULES[schedule].keys}


def _entries() -> list[Entry]:
    return [*OPTIMIZERS.values(), *SCHEDULES.values()]


def _why(name: str, config: Any, places: set[str]) -> str:
    if name == "updates":
        schedules = " and ".join(schedules_of_length(config))
        return f"the learning rates follow the schedule {schedules}, which depends on it"
    if name in places:
        return "this run has recorded no fingerprint of its data: resume it once from there"
    return ""


def _shown(value: Any) -> str:
    return value if isinstance(value, str) and value else repr(value)


def _short(value: Value) -> str:
    """A value in the name of a folder: readable, and different for different values."""
    if isinstance(value, float):
        return _short_number(value)
    text = str(value)
    readable = re.sub(r"[^\w.+=-]+", "_", text)
    if readable == text and len(text) <= _MAX_TEXT:
        return text
    return f"{readable[-_MAX_TEXT:].lstrip('_.')}-{_digest(text)}"


def _short_number(value: float) -> str:
    """The shorter form of a number, such as 0.5 or 1e-4, without loss."""
    plain = repr(value).removesuffix(".0")
    digits, _, exponent = _scientific(value).partition("e")
    scientific = f"{digits}e{int(exponent)}"
    return min(plain, scientific, key=len)


def _scientific(value: float) -> str:
    """A number with an exponent and with as few digits as identify it."""
    for digits in range(17):
        text = f"{value:.{digits}e}"
        if float(text) == value:
            return text
    return f"{value:e}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def _pairs(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _pairs(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value


def differing_values(was: Mapping[str, Any], now: Mapping[str, Any]) -> list[Difference]:
    """The values of two nested dicts that differ, with dotted keys.

    Long texts, such as digests, are cut.
    """
    flat_was = dict(_pairs(was))
    flat_now = dict(_pairs(now))
    names = list(dict.fromkeys([*flat_was, *flat_now]))
    return [
        Difference(name, _cut(flat_was.get(name)), _cut(flat_now.get(name)))
        for name in names
        if flat_was.get(name) != flat_now.get(name)
    ]


def _cut(value: Any) -> Any:
    is_digest = isinstance(value, str) and re.fullmatch("[0-9a-f]{32,}", value)
    return f"{value[:12]}..." if is_digest else value
