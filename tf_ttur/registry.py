"""Names that a config or a command line may choose, and user-defined objects instead of names.

A registry is a dictionary that is defined next to the functions it names. To add a name, add one
entry: the config's rules, `--help` and the documentation are made from the entries. Entries name
their functions as `module:object`, so that looking at a registry imports neither TensorFlow nor
Keras.

Wherever a name is allowed, `MODULE:OBJECT` or `PATH.py:OBJECT` is allowed too. It names an object
of your own.
"""

import contextlib
import dataclasses
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
from tf_ttur.wording import did_you_mean, listed

Value = bool | int | float | str

_OBJECT = re.compile(r"(?P<place>[A-Za-z_][\w.]*|.+\.py):(?P<name>[A-Za-z_]\w*)")
_MODULES: dict[pathlib.Path, ModuleType] = {}  # {file: the module that was read from it}
_OURS = ("tf_ttur", "tensorflow")  # entries of this package name these: nothing may stand before
_OF_FILES = "tf_ttur_file_"  # how modules that were read from files are called
_FOLDERS: list[pathlib.Path] = []  # of the cards that are being read
_RECORDED: dict[str, pathlib.Path] = {}  # {word: file of its object in an earlier process}
_GIVEN: dict[str, Any] = {}  # {name: object that was given from Python}
_GIVEN_PLACE = "given"
_LISTED = 8  # names of a module in a message
_TYPES = {bool: "True or False", int: "a whole number", float: "a number", str: "text"}
_PREPARATIONS: set[Callable[[], Any]] = set()  # called before a module of the user's is imported


class Decides(enum.Enum):
    """What a config key decides, and therefore whether it may change when a run is resumed."""

    WEIGHTS = "weights"  # must not change
    CURVE = "curve"  # must not change once a value has been measured: others are not comparable
    NOTHING = "nothing"  # may change


class Rule(NamedTuple):
    """Which values a key may have.

    Attributes:
      words: the rule in words, for messages.
      test: function (value, flat config) that returns whether the value is allowed.
    """

    words: str
    test: Callable[[Any, Mapping[str, Any]], bool]


def rule(words: str, test: Callable[[Any], bool]) -> Rule:
    """A `Rule` about the value alone.

    Args:
      words: the rule in words, for messages.
      test: function of the value that returns whether it is allowed.
    """
    return Rule(words, lambda value, _: test(value))


def one_of(*values: Value) -> Rule:
    """A `Rule` that allows exactly these values."""
    return rule(f"one of {', '.join(map(str, values))}", lambda value: value in values)


ANYTHING = rule("", lambda value: True)
POSITIVE = rule("a number above 0", lambda value: value > 0)
NOT_NEGATIVE = rule("0 or more", lambda value: value >= 0)
FRACTION = rule("at least 0 and below 1", lambda value: 0 <= value < 1)


@dataclasses.dataclass(frozen=True)
class Key:
    """One key of a config.

    Attributes:
      default: the value of the key unless a card or a flag sets it. Its type is the type of the
        key.
      meaning: one line of help.
      rule: which values the key may have.
      decides: what the key decides about a run.
      choices: the registry whose names the key takes; None for other keys.
      exclusive: whether a value other than the default is an error unless the entry that declares
        the key is chosen. Other keys are ignored then.
    """

    default: Value
    meaning: str
    rule: Rule = ANYTHING
    decides: Decides = Decides.WEIGHTS
    choices: "Registry | None" = None
    exclusive: bool = False

    @property
    def type_in_words(self) -> str:
        """What kind of value the key takes, for messages."""
        return _TYPES[type(self.default)]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Entry:
    """What a registry holds for one name.

    Attributes:
      help: one line of help.
      keys: {name: `Key`} of the config keys that have a meaning only with this entry.
      requires: {name: `Rule`} that other keys must satisfy if this entry is chosen.
    """

    help: str = ""
    keys: Mapping[str, Key] = dataclasses.field(default_factory=dict)
    requires: Mapping[str, Rule] = dataclasses.field(default_factory=dict)


E = TypeVar("E")


class Registry(Mapping[str, E], Generic[E]):
    """A read-only mapping from names to entries.

    Args:
      what: what messages call one of the named things, such as "loss".
      entries: {name: entry}.
      adopt: function that turns a user-defined object into an entry, and raises `TypeError` if the
        object is unsuitable. Without it, the object must be an entry itself.

    Attributes:
      what: as above.
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
        """The allowed words, as messages list them."""
        names = f"one of {', '.join(self)}, or " if self else ""
        return f"{names}MODULE:OBJECT or PATH.py:OBJECT"

    def key(self, default: str, meaning: str, decides: Decides = Decides.WEIGHTS) -> Key:
        """A config key whose value is a name of this registry, or names a user-defined object.

        Args:
          default, meaning, decides: as in `Key`. The default may be "", for nothing.
        """
        words = self.words if default else f"empty, or {self.words}"
        return Key(default, meaning, rule(words, self._allows(default)), decides, self)

    def _allows(self, default: str) -> Callable[[str], bool]:
        return lambda word: word == default or word in self._entries or is_object(word)

    def find(self, word: str) -> E:
        """The entry for a name, `MODULE:OBJECT` or `PATH.py:OBJECT`.

        Raises:
          UserError: there is no such name or object, or the object is unsuitable.
        """
        if word in self._entries:
            return self._entries[word]
        if not is_object(word):
            cure = did_you_mean(word, self)
            raise UserError(f"there is no {self.what} {word!r}", self.words, cure)
        try:
            entry = self._adopt(import_object(word))
            self._check_own(entry)
        except TypeError as error:
            raise UserError(
                f"{word} is not a valid {self.what} ({error})", self.words, "correct it"
            ) from error
        return entry

    def _check_own(self, entry: E) -> None:
        """Imports what a user's own entry names, and refuses keys that nothing reads."""
        if not isinstance(entry, Entry):
            return
        declared = {name for other in self.values() for name in getattr(other, "keys", ())}
        for name in entry.keys:
            if name not in declared:
                raise TypeError(f"it has the key {name}, which no {self.what} of tf_ttur has")
        for field in dataclasses.fields(entry):
            value = getattr(entry, field.name)
            if isinstance(value, str) and field.name != "help" and is_object(value):
                import_object(value)

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
    """The object that a field of an entry names.

    Args:
      thing: a string `module:object`, or the object itself.

    Returns:
      The named object, or `thing` if it is no string.

    Raises:
      UserError: the named object cannot be imported.
    """
    return import_object(thing) if isinstance(thing, str) else thing


@contextlib.contextmanager
def given(objects: Mapping[str, Any]) -> Iterator[None]:
    """Makes objects that are given from Python known by words, within the block.

    A config takes the words of `word_of_given` wherever it takes `MODULE:OBJECT`.

    Args:
      objects: {name: object}; a name is a Python identifier such as "generator".
    """
    before = dict(_GIVEN)
    _GIVEN.update(objects)
    try:
        yield
    finally:
        _GIVEN.clear()
        _GIVEN.update(before)


def is_given(word: str) -> bool:
    """Whether a word stands for an object that was given from Python."""
    return word.startswith(f"{_GIVEN_PLACE}:")


def prepare_imports(function: Callable[[], Any]) -> None:
    """Has a function called whenever a module of the user's own is about to be imported."""
    _PREPARATIONS.add(function)


def word_of_given(name: str) -> str:
    """The word of an object that was given under a name, such as "given:generator"."""
    return f"{_GIVEN_PLACE}:{name}"


def import_object(word: str) -> Any:
    """The object that `MODULE:OBJECT` or `PATH.py:OBJECT` names.

    The places are, in this order: the folder of the card that is being read (`searching`), the file
    in which the word was found before (`record`), the current folder, and where Python looks for
    modules. A file is run once per process, with its folder on `sys.path` while it runs. A word of
    `given` stands for the object that was given.

    Raises:
      UserError: there is no such module, file or object, or it cannot be imported.
    """
    if is_given(word):
        return _find_given(word)
    found = _OBJECT.fullmatch(word)
    if found is None:
        raise UserError(
            f"{word!r} does not name an object", "MODULE:OBJECT or PATH.py:OBJECT", "correct it"
        )
    module = _import_module(word, found["place"])
    try:
        return getattr(module, found["name"])
    except AttributeError as error:
        names = [
            name
            for name, thing in vars(module).items()
            if not name.startswith("_") and not isinstance(thing, ModuleType)
        ]
        raise UserError(
            f"{found['place']} has no {found['name']}",
            f"one of {listed(names, _LISTED)}" if names else "a file with this object",
            did_you_mean(found["name"], names),
        ) from error


def _find_given(word: str) -> Any:
    name = word.partition(":")[2]
    if name not in _GIVEN:
        raise UserError(
            f"{word} stands for an object that was given from Python",
            "the same object again",
            f"call tf_ttur.train(config, workdir, {name}=...), or name the object in the config as"
            " MODULE:OBJECT or PATH.py:OBJECT, which is found again by every command",
        )
    return _GIVEN[name]


def file_of(word: str) -> pathlib.Path | None:
    """The absolute path of the file that defines the object of a word.

    Returns:
      None if the word does not name an object, if the object was given from Python, or if its
      module has no file.

    Raises:
      UserError: the module or file cannot be imported.
    """
    found = _OBJECT.fullmatch(word)
    if found is None or found["place"] == _GIVEN_PLACE:
        return None
    file = getattr(_import_module(word, found["place"]), "__file__", None)
    return pathlib.Path(file).resolve() if file else None


def digest_of(word: str) -> str | None:
    """The SHA-256 of `file_of(word)`, 64 hexadecimal digits; None if there is no file.

    Raises:
      UserError: as in `file_of`.
    """
    file = file_of(word)
    return hashlib.sha256(file.read_bytes()).hexdigest() if file else None


def record(word: str, file: str | pathlib.Path) -> None:
    """Records the file in which an object was found, so that its word leads there again."""
    _RECORDED[word] = pathlib.Path(file)


@contextlib.contextmanager
def searching(folder: str | pathlib.Path) -> Iterator[None]:
    """Looks for objects in a folder first, and has it first on `sys.path`, within the block.

    Modules that the block imports from the folder are forgotten afterwards: another folder may have
    others of the same names.
    """
    place = pathlib.Path(folder).resolve()
    was_there = str(place) in sys.path
    before = set(sys.modules)
    _FOLDERS.append(place)
    try:
        with _on_path(place):
            yield
    finally:
        _FOLDERS.remove(place)
        for name in set(sys.modules) - before:
            if not was_there and _is_below(sys.modules[name], place):
                del sys.modules[name]


def _is_below(module: ModuleType, folder: pathlib.Path) -> bool:
    """Whether a module was imported by its name from a folder."""
    file = getattr(module, "__file__", None)
    if not file or module.__name__.startswith(_OF_FILES):
        return False
    return pathlib.Path(file).resolve().is_relative_to(folder)


def _import_module(word: str, place: str) -> ModuleType:
    try:
        if place.partition(".")[0] in _OURS:
            return importlib.import_module(place)
        for prepare in _PREPARATIONS:
            prepare()
        module = _import_file(word, place) if place.endswith(".py") else _import_name(word, place)
    except UserError:
        raise
    except (Exception, SystemExit) as error:  # a module may raise anything
        reason = f"{type(error).__name__}: {error}"
        raise UserError(
            f"{place} cannot be imported ({reason})", "a Python module", "correct it"
        ) from error
    if file := getattr(module, "__file__", None):
        record(word, pathlib.Path(file).resolve())
    return module


def _import_file(word: str, place: str) -> ModuleType:
    """The module of `PATH.py`: beside the card, where it was before, or from the current folder."""
    candidates = [folder / pathlib.Path(place).expanduser() for folder in reversed(_FOLDERS)]
    if word in _RECORDED:
        candidates.append(_RECORDED[word])
    candidates += [pathlib.Path(folder, place).expanduser() for folder in ("", *sys.path)]
    for path in candidates:
        if path.is_file():
            return _run_file(path.resolve())
    raise _missing(word, place)


def _import_name(word: str, place: str) -> ModuleType:
    """The module of `MODULE`: beside the card, where it was before, or as Python finds it."""
    for folder in reversed(_FOLDERS):
        path = folder / f"{place}.py"
        if path.is_file():
            return _run_file(path)
    recorded = _RECORDED.get(word)
    if recorded is not None and recorded.is_file() and "." not in place:
        return _run_file(recorded)
    roots = [pathlib.Path.cwd()]
    if recorded is not None and recorded.is_file():
        depth = place.count(".") + (recorded.name == "__init__.py")
        roots.insert(0, recorded.parents[depth])
    try:
        with contextlib.ExitStack() as stack:
            for root in reversed(roots):
                stack.enter_context(_on_path(root))
            return importlib.import_module(place)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{place}.".startswith(f"{error.name}."):
            raise  # the module exists, but something that it imports does not
        raise _missing(word, place) from error


def _run_file(path: pathlib.Path) -> ModuleType:
    if path not in _MODULES:
        name = f"{_OF_FILES}{hashlib.sha256(str(path).encode()).hexdigest()[:12]}"
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None and spec.loader is not None  # as the suffix is .py
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module  # Keras and pickle look it up there
        with _on_path(path.parent):
            spec.loader.exec_module(module)
        _MODULES[path] = module
    return _MODULES[path]


@contextlib.contextmanager
def _on_path(folder: pathlib.Path) -> Iterator[None]:
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        with contextlib.suppress(ValueError):
            sys.path.remove(str(folder))


def _missing(word: str, place: str) -> UserError:
    what = "file" if place.endswith(".py") else "module"
    was = f"; it used to be {_RECORDED[word]}" if word in _RECORDED else ""
    return UserError(
        f"there is no {what} {place}, which {word} names{was}",
        "a module that Python can import, or the path of a .py file",
        "correct the name, or put the file back",
    )
