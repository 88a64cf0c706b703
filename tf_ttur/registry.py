"""Names that a config or a command line may choose, and your own objects in their place.

A registry is a dictionary that stands beside the functions it names. One entry adds a name: the
config's rules, `--help` and the documentation are made from it. Entries name their functions as
`module:object`, so that looking at a registry imports neither TensorFlow nor Keras.

Wherever a name is allowed, `MODULE:OBJECT` or `PATH.py:OBJECT` is allowed too, for an object of
your own.
"""

import contextlib
import dataclasses
import difflib
import enum
import hashlib
import importlib
import importlib.util
import pathlib
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from types import ModuleType
from typing import Any, Generic, NamedTuple, TypeVar

from tf_ttur.errors import UserError

Value = bool | int | float | str

_OBJECT = re.compile(r"(?P<place>[A-Za-z_][\w.]*|.+\.py):(?P<name>[A-Za-z_]\w*)")
_MODULES: dict[pathlib.Path, ModuleType] = {}  # that were read from files
_RECORDED: dict[
    str, pathlib.Path
] = {}  # where the object of a word was found in an earlier session


class Decides(enum.Enum):
    """What a config key decides, and so whether it may change when a run is resumed."""

    WEIGHTS = "weights"  # must stay
    CURVE = "curve"  # must stay, as measured values would no longer be comparable
    NOTHING = "nothing"  # may change


class Rule(NamedTuple):
    """Which values a key may have: in words, and as a test of the value and the flat config."""

    words: str
    test: Callable[[Any, Mapping[str, Any]], bool]


def rule(words: str, test: Callable[[Any], bool]) -> Rule:
    """A rule about the value alone."""
    return Rule(words, lambda value, _: test(value))


def one_of(*values: Value) -> Rule:
    """The value is one of these."""
    return rule(f"one of {', '.join(map(str, values))}", lambda value: value in values)


ANYTHING = rule("", lambda value: True)
POSITIVE = rule("a number above 0", lambda value: value > 0)
NOT_NEGATIVE = rule("0 or more", lambda value: value >= 0)
FRACTION = rule("at least 0 and below 1", lambda value: 0 <= value < 1)


@dataclasses.dataclass(frozen=True)
class Key:
    """One key of a config.

    Attributes:
      default: its value where nothing else is said; its type is the type of the key.
      meaning: one line for people.
      rule: which values it may have.
      decides: what it decides about a run.
      choices: the registry whose names it takes; None for other keys.
    """

    default: Value
    meaning: str
    rule: Rule = ANYTHING
    decides: Decides = Decides.WEIGHTS
    choices: "Registry | None" = None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Entry:
    """What a registry knows of one name.

    Attributes:
      help: one line for people.
      keys: {name: `Key`} of the config keys that mean nothing without this entry. With another
        architecture, kind of data or loss they must stay at their defaults; keys of another
        optimizer or schedule are ignored.
      requires: {name: `Rule`} of other keys, as they must be where this entry is chosen.
    """

    help: str = ""
    keys: Mapping[str, Key] = dataclasses.field(default_factory=dict)
    requires: Mapping[str, Rule] = dataclasses.field(default_factory=dict)


E = TypeVar("E")


class Registry(Mapping[str, E], Generic[E]):
    """Entries by name.

    Args:
      what: how messages call a thing of this kind, such as "loss".
      entries: {name: entry}.
      adopt: makes an entry of an object of the user's own; raises `TypeError` for one that cannot
        serve. Without it, such an object must be an entry itself.
    """

    def __init__(
        self,
        what: str,
        entries: Mapping[str, E],
        adopt: Callable[[Any], E] | None = None,
    ) -> None:
        self.what = what
        self._entries = dict(entries)
        self._adopt = adopt or self._require_entry

    def __getitem__(self, name: str) -> E:
        return self._entries[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def words(self) -> str:
        """What may be written, for messages."""
        return f"one of {', '.join(self)}, or MODULE:OBJECT or PATH.py:OBJECT"

    def key(self, default: str, meaning: str, decides: Decides = Decides.WEIGHTS) -> Key:
        """The config key whose value is a name of this registry."""
        allowed = rule(self.words, lambda word: word in self._entries or is_object(word))
        return Key(default, meaning, allowed, decides, self)

    def find(self, word: str) -> E:
        """The entry that a name, `MODULE:OBJECT` or `PATH.py:OBJECT` stands for.

        Raises:
          UserError: there is no such name or object, or the object cannot serve.
        """
        if word in self._entries:
            return self._entries[word]
        if not is_object(word):
            near = difflib.get_close_matches(word, self, 1)
            cure = f"did you mean {near[0]}?" if near else "correct the name"
            raise UserError(f"there is no {self.what} {word!r}", self.words, cure)
        try:
            return self._adopt(import_object(word))
        except TypeError as error:
            raise UserError(
                f"{word} is no {self.what} ({error})", self.words, "correct it"
            ) from error

    def _require_entry(self, thing: Any) -> E:
        kind = type(next(iter(self._entries.values())))
        if not isinstance(thing, kind):
            raise TypeError(
                f"it is of type {type(thing).__name__}, not {kind.__module__}.{kind.__qualname__}"
            )
        return thing


def is_object(word: str) -> bool:
    """Whether a word has the form `MODULE:OBJECT` or `PATH.py:OBJECT`."""
    return _OBJECT.fullmatch(word) is not None


def load(thing: Any) -> Any:
    """The object that a field of an entry names as `module:object`; other things are themselves."""
    return import_object(thing) if isinstance(thing, str) else thing


def import_object(word: str) -> Any:
    """The object that `MODULE:OBJECT` or `PATH.py:OBJECT` names.

    A module is imported as usual; a file is run once, with its folder on `sys.path` meanwhile.
    Where the word leads to neither any more, the file that `record` was given is taken.

    Raises:
      UserError: there is no such module, file or object, or it cannot be imported.
    """
    found = _OBJECT.fullmatch(word)
    if found is None:
        raise UserError(
            f"{word!r} names no object", "MODULE:OBJECT or PATH.py:OBJECT", "correct it"
        )
    module = _import_module(word, found["place"])
    try:
        return getattr(module, found["name"])
    except AttributeError as error:
        names = [name for name in vars(module) if not name.startswith("_")]
        near = ", ".join(difflib.get_close_matches(found["name"], names, 3) or names[:8])
        raise UserError(
            f"{found['place']} has no {found['name']}", f"one of {near}", "correct the name"
        ) from error


def file_of(word: str) -> pathlib.Path | None:
    """The file that the object of a word comes from; None where no file is known."""
    found = _OBJECT.fullmatch(word)
    if found is None:
        return None
    file = getattr(_import_module(word, found["place"]), "__file__", None)
    return pathlib.Path(file).resolve() if file else None


def digest_of(word: str) -> str | None:
    """Hex of the SHA-256 of the file that an object comes from; None where no file is known."""
    file = file_of(word)
    return hashlib.sha256(file.read_bytes()).hexdigest() if file else None


def record(word: str, file: str | pathlib.Path) -> None:
    """Tells where an object was found earlier, for when its word no longer leads there."""
    _RECORDED[word] = pathlib.Path(file)


@contextlib.contextmanager
def on_path(folder: str | pathlib.Path) -> Iterator[None]:
    """Within the block, modules are also looked for in this folder."""
    place = str(pathlib.Path(folder).resolve())
    sys.path.insert(0, place)
    try:
        yield
    finally:
        with contextlib.suppress(ValueError):
            sys.path.remove(place)


def _import_module(word: str, place: str) -> ModuleType:
    try:
        if place.endswith(".py"):
            return _run_file(_find_file(word, place))
        return _import_by_name(word, place)
    except UserError:
        raise
    except (Exception, SystemExit) as error:  # whatever a module may do
        reason = f"{type(error).__name__}: {error}"
        raise UserError(
            f"{place} cannot be imported ({reason})", "a Python module", "correct it"
        ) from error


def _find_file(word: str, place: str) -> pathlib.Path:
    for folder in ("", *sys.path):
        path = pathlib.Path(folder, place).expanduser()
        if path.is_file():
            return path.resolve()
    if word in _RECORDED and _RECORDED[word].is_file():
        return _RECORDED[word]
    raise _missing(word, place)


def _import_by_name(word: str, place: str) -> ModuleType:
    try:
        with on_path("."):
            return importlib.import_module(place)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{place}.".startswith(f"{error.name}."):
            raise  # the module is there, and lacks something that it imports
        if word in _RECORDED and _RECORDED[word].is_file():
            return _run_file(_RECORDED[word])
        raise _missing(word, place) from error


def _run_file(path: pathlib.Path) -> ModuleType:
    if path not in _MODULES:
        name = f"tf_ttur_file_{hashlib.sha256(str(path).encode()).hexdigest()[:12]}"
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None and spec.loader is not None  # as the suffix is .py
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module  # which Keras and pickle ask for
        with on_path(path.parent):
            spec.loader.exec_module(module)
        _MODULES[path] = module
    return _MODULES[path]


def _missing(word: str, place: str) -> UserError:
    what = "file" if place.endswith(".py") else "module"
    was = f"; it was {_RECORDED[word]}" if word in _RECORDED else ""
    return UserError(
        f"there is no {what} {place}, which {word} names{was}",
        "a module that Python can import, or the path of a .py file",
        "correct the name, or put the file back",
    )
