"""How messages guess what a mistyped name means, count, and shorten lists."""

import difflib
from collections.abc import Callable, Iterable, Sequence

_ALIKE = 0.6  # likeness from which on a name is suggested
_AS_GOOD = 0.12  # a name that is less like the typed one than the best by more is not suggested


def nearest(typed: str, names: Iterable[str], most: int = 3) -> list[str]:
    """The names that a mistyped one may mean, the most likely first.

    The last parts of dotted names decide, and then what stands before them. "-" counts as "_", and
    case does not count. Abbreviations of learning_rate are its initials, a word of it, and its
    beginning: lr, rate, learn.

    Args:
      typed: what the user typed, such as "generator.lr".
      names: that exist, such as "generator.learning_rate".
      most: how many to return at most.
    """
    likeness = {name: _likeness(_plain(typed), _plain(name)) for name in names}
    least = max(likeness.values(), default=0.0) - _AS_GOOD
    near = [name for name, value in likeness.items() if value >= least and value > 0]
    return sorted(near, key=lambda name: -likeness[name])[:most]


def did_you_mean(
    typed: str,
    names: Iterable[str],
    otherwise: str = "correct the name",
    form: Callable[[str], str] = str,
) -> str:
    """What to do about a mistyped name, for `UserError`.

    Args:
      typed, names: as in `nearest`.
      otherwise: the text where no name is near.
      form: function that returns a name as the user types it, such as "--config.seed".
    """
    near = " or ".join(map(form, nearest(typed, names)))
    return f"did you mean {near}?" if near else otherwise


def counted(number: int, noun: str, plural: str = "") -> str:
    """A number and what it counts: "1 image", "2,000 images".

    Args:
      number: how many.
      noun: the singular.
      plural: "" appends an s.
    """
    return f"{number:,} {noun if number == 1 else plural or f'{noun}s'}"


def listed(words: Sequence[str], most: int = 3) -> str:
    """The first words, and how many more there are: "a, b, c and 497 more"."""
    rest = len(words) - most
    return ", ".join(words[:most]) + (f" and {rest:,} more" if rest > 0 else "")


def _plain(name: str) -> str:
    return name.strip("-").replace("-", "_").casefold()


def _likeness(typed: str, name: str) -> float:
    """0 of a name that is not meant; the greater, the more likely it is."""
    if typed == name:
        return 2.0
    typed_head, _, typed_last = typed.rpartition(".")
    head, _, last = name.rpartition(".")
    value = _likeness_of_parts(typed_last, last)
    if head and not typed_head:
        value = max(value, difflib.SequenceMatcher(None, typed, name).ratio())
    if value < _ALIKE:
        return 0.0
    return value + _likeness_of_parts(typed_head, head) * (0.5 if typed_head else 0.1)


def _likeness_of_parts(typed: str, part: str) -> float:
    if typed == part:
        return 1.0
    if typed and f"_{typed}_" in f"_{part}_":
        return 0.95  # size of image_size
    initials = "".join(word[:1] for word in part.split("_"))
    if len(typed) > 1 and typed == initials:
        return 0.9
    if len(typed) > 1 and part.startswith(typed):
        return 0.8
    return difflib.SequenceMatcher(None, typed, part).ratio()
