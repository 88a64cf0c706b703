"""Data that may lie in one of several places: `data/celeba|tfds:celeb_a/train`.

Cards name first what `tf-ttur prepare` writes, then where the data come from otherwise. A training
takes the first place that is there, and its `config.json` names that one alone.
"""

from tf_ttur.errors import UserError
from tf_ttur.io import paths

_MARK = "|"


def split(word: str) -> list[str]:
    """The places that a word names, at least one. A path that holds the mark and exists is one."""
    if _MARK not in word or paths.local(word, "the place of the data").exists():
        return [word]
    return [place for part in word.split(_MARK) if (place := part.strip())] or [word]


def choose(word: str, earlier: str = "") -> str:
    """One of the places that a word names.

    Args:
      word: of one place, or of several with "|" between.
      earlier: the place that a run has used so far, or "". It is taken if it is one of them and
        still there.

    Returns:
      The first place that is there; the word itself if it names one place, or none is there.
    """
    places = split(word)
    if len(places) == 1:
        return word
    here = [place for place in places if _is_here(place)]
    if earlier in here:
        return earlier
    return here[0] if here else word


def the_one(word: str) -> str:
    """As `choose`. Raises `UserError` if none of several places is there."""
    chosen = choose(word)
    if len(split(chosen)) > 1:
        raise UserError(
            f"there is neither {' nor '.join(split(word))}",
            "the data in one of these places",
            "name them with --config.data.source, or config.data.dir for lines; "
            "tf-ttur prepare --help says where to download them and how to prepare them",
        )
    return chosen


def _is_here(place: str) -> bool:
    """Whether a path exists. Other words, such as tfds:NAME/SPLIT, are taken to be there."""
    path = paths.local(place, "the place of the data")
    return path.exists() or ":" in place
