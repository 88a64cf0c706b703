"""Sources of raw images. Every command names a source by the same word, its SOURCE.

`SOURCES` has one entry for each kind of word; `describe_sources` lists them. To add a kind, write a
function that opens it, and add an entry here. This file imports no TensorFlow.
"""

import dataclasses
import pathlib
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from tf_ttur.data import alternatives, published_archives
from tf_ttur.data.sources import unknown
from tf_ttur.data.sources.source import (
    GIVEN,
    PREPARED_RECORD,
    Options,
    Source,
    identity_of,
)
from tf_ttur.errors import UserError
from tf_ttur.io import paths
from tf_ttur.registry import Entry, Registry, load

if TYPE_CHECKING:
    from tf_ttur.data.images import Images

__all__ = [
    "OPTIONS_OF_GIVEN",
    "SOURCES",
    "Options",
    "Source",
    "SourceKind",
    "describe_sources",
    "identity_of",
    "kind_of",
    "open_source",
    "opens_at_once",
    "options_of",
    "refuse_unused",
]

_SIZES = frozenset({"size", "crop", "filter"})  # have an effect on all images
# The options that have an effect on images which a Python program passes.
OPTIONS_OF_GIVEN = _SIZES | {"value_range", "quantisation", "num_images", "latent_size", "latent"}
_OF_FILES = frozenset({"background", "depth"})


@dataclasses.dataclass(frozen=True, kw_only=True)
class SourceKind(Entry):
    """An entry of `SOURCES`.

    Attributes:
      form: what words of this kind look like; "" leaves the kind out of lists.
      matches: function (word, path) that returns whether a word is of this kind. `path` is the word
        taken as the path of a file or folder, which need not exist.
      open: function (word, path, options) that returns the `Source`, or `module:object` of it; see
        `Options`. It raises `UserError` if the word names nothing that can be used.
      uses: the options that have an effect on images of this kind, apart from size, crop and
        filter, which always have one, and from permissions such as `trust`.
      at_once: whether opening it neither downloads anything nor reads all of it.
    """

    form: str
    matches: Callable[[str, pathlib.Path], bool]
    open: Any
    uses: frozenset[str] = frozenset()
    at_once: bool = True


def _begins(prefix: str) -> Callable[[str, pathlib.Path], bool]:
    return lambda word, path: word.startswith(prefix)


def _is_file(*suffixes: str) -> Callable[[str, pathlib.Path], bool]:
    return lambda word, path: path.name.lower().endswith(suffixes) and path.is_file()


def _holds(name: str) -> Callable[[str, pathlib.Path], bool]:
    return lambda word, path: (path / name).is_file()


def _is_cifar10(word: str, path: pathlib.Path) -> bool:
    return published_archives.is_cifar10(path)


def _is_shards(word: str, path: pathlib.Path) -> bool:
    return re.search(r"\{\d+\.\.\d+\}", word) is not None and word.lower().endswith(
        published_archives.TARS
    )


def _open_card(word: str, path: pathlib.Path, options: Options) -> "Images":
    # Imported by name, because this package does not depend on configs.
    return load("tf_ttur.config.examples:open_images")(word)


def _refuse_given(word: str, path: pathlib.Path, options: Options) -> Source:
    raise UserError(
        "the examples were passed from a Python program, and no word names them",
        "the same program, which passes them again: tf_ttur.train(..., examples=...)",
        "run that program, or name the same images with config.data.source",
    )


# The first kind that matches a word is taken, so special folders come before `folder`.
SOURCES: Registry[SourceKind] = Registry(
    "kind of source",
    {
        "tfds": SourceKind(
            form="tfds:NAME/SPLIT",
            help="TensorFlow Datasets, prepared on first use; also NAME/CONFIG:VERSION",
            matches=_begins("tfds:"),
            open="tf_ttur.data.sources.tfds:open_tfds",
            at_once=False,
        ),
        "digits": SourceKind(
            form="digits:N[:SEED]",
            help="N street-number-like images of 32x32 pixels, drawn by the program",
            matches=_begins("digits:"),
            open="tf_ttur.data.sources.digits:open_digits",
        ),
        "plain-digits": SourceKind(
            form="plain-digits:N[:SEED]",
            help="N images of one bright digit on a dark ground, drawn by the program",
            matches=_begins("plain-digits:"),
            open="tf_ttur.data.sources.digits:open_digits",
        ),
        "config": SourceKind(
            form="config:CARD",
            help="the images of an experiment, cropped and resized as in training",
            matches=_begins("config:"),
            open=_open_card,
        ),
        "python": SourceKind(
            form="python:FILE.py:OBJECT",
            help="your own array, data set, Source or function; also python:MODULE:OBJECT",
            matches=_begins("python:"),
            open="tf_ttur.data.sources.own:open_python",
        ),
        "hf": SourceKind(
            form="hf:DATASET/SPLIT",
            help="Hugging Face datasets (extra hf): a name, a saved folder, a Parquet file",
            matches=_begins("hf:"),
            open="tf_ttur.data.sources.hugging_face:open_hugging_face",
            uses=_OF_FILES,
            at_once=False,
        ),
        "given": SourceKind(
            form="",  # not for users: a config stores this word
            help="examples that a Python program has passed",
            matches=lambda word, path: word == GIVEN,
            open=_refuse_given,
        ),
        "generator": SourceKind(
            form="EXPORT/",
            help="an exported generator of images (a folder with saved_model.pb)",
            matches=_holds("saved_model.pb"),
            open="tf_ttur.data.sources.generator:open_generator",
            uses=frozenset({"quantisation", "num_images"}),
        ),
        "prepared": SourceKind(
            form="PREPARED/",
            help="a folder that tf-ttur prepare wrote",
            matches=_holds(PREPARED_RECORD),
            open="tf_ttur.data.sources.prepared:open_prepared",
        ),
        "lmdb": SourceKind(
            form="LSUN_lmdb/",
            help="folder with data.mdb, an LMDB whose values are image files",
            matches=_holds("data.mdb"),
            open="tf_ttur.data.sources.on_disk:open_lmdb",
            uses=_OF_FILES,
        ),
        "cifar10": SourceKind(
            form="CIFAR10/",
            help="the training images of CIFAR-10, as unpacked from its archive",
            matches=_is_cifar10,
            open="tf_ttur.data.sources.arrays:open_cifar10",
        ),
        "folder": SourceKind(
            form="FOLDER/",
            help="png, jpg, webp, bmp, gif, tiff, ppm, avif files; recursive, sorted",
            matches=lambda word, path: path.is_dir(),
            open="tf_ttur.data.sources.on_disk:open_folder",
            uses=_OF_FILES,
        ),
        "zip": SourceKind(
            form="FILE.zip",
            help="a zip with such files",
            matches=_is_file(".zip"),
            open="tf_ttur.data.sources.on_disk:open_zip",
            uses=_OF_FILES,
        ),
        "tar": SourceKind(
            form="FILE.tar, FILE.tar.gz",
            help="a tarball with such files, or CIFAR-10 as published",
            matches=_is_file(*published_archives.TARS),
            open="tf_ttur.data.sources.tar:open_tar",
            uses=_OF_FILES,
            at_once=False,
        ),
        "shards": SourceKind(
            form="'X-{000..009}.tar'",
            help="numbered tarballs, one after the other; in quotes",
            matches=_is_shards,
            open="tf_ttur.data.sources.tar:open_shards",
            uses=_OF_FILES,
            at_once=False,
        ),
        "array": SourceKind(
            form="FILE.npy, FILE.npz",
            help="uint8 or floats (n, height, width, 3) or grey; in an .npz: images or arr_0",
            matches=_is_file(".npy", ".npz"),
            open="tf_ttur.data.sources.arrays:open_array",
            uses=frozenset({"value_range"}),
        ),
        "svhn": SourceKind(
            form="FILE.mat",
            help="the cropped digits of SVHN",
            matches=_is_file(".mat"),
            open="tf_ttur.data.sources.arrays:open_svhn",
        ),
    },
)


def open_source(
    word: str | pathlib.Path,
    count: int = 50_000,
    seed: int = 0,
    quantisation: str = "round",
    trust_pickle: bool = False,
    trust: bool = False,
    background: str = "",
    depth: int = 0,
    value_range: tuple[float, float] | None = None,
    is_measured: bool = False,
) -> "Source | Images":
    """Opens the source that a word names.

    Args:
      word: of one of the kinds in `SOURCES`.
      count, seed, quantisation, trust_pickle, trust: as in `Options`. They apply only to an
        exported generator and to CIFAR-10.
      background, depth: as in `Options`. They apply only to image files.
      value_range, is_measured: as in `Options`. They apply only to arrays.

    Returns:
      A `Source`; for `config:CARD` the card's `Images`.

    Raises:
      UserError: the word names no images, or images that cannot be read or are not trusted.
    """
    word = str(word)
    if not word:
        raise UserError("SOURCE is empty", _forms(), "name the images")
    word = alternatives.the_one(word)
    path = _path_of(word)
    options = Options(
        count,
        seed,
        quantisation,
        trust_pickle,
        trust,
        background,
        depth,
        value_range,
        is_measured,
    )
    for kind in SOURCES.values():
        if kind.matches(word, path):
            return load(kind.open)(word, path, options)
    if path.exists():
        raise unknown.refusal(word, path, _forms())
    if "*" in word or "?" in word:
        raise unknown.refusal_of_pattern(word, path)
    raise UserError(f"{word} does not exist", _forms(), "correct the path, or put the data there")


def kind_of(word: str | pathlib.Path) -> str | None:
    """The name of the kind of source that a word is, in `SOURCES`; None for a word of no kind.

    Raises:
      UserError: the word is empty, or names a run folder or something on another machine.
    """
    word = alternatives.choose(str(word))
    path = _path_of(word)
    return next((name for name, kind in SOURCES.items() if kind.matches(word, path)), None)


def _path_of(word: str) -> pathlib.Path:
    """A word as a path, which need not exist. Raises `UserError` for one that cannot be meant."""
    path = paths.local(word, "SOURCE")
    unknown.refuse_run(path)
    return path


def opens_at_once(word: str | pathlib.Path) -> bool:
    """Whether a word can be opened at once, or refused; False for a path that is not there.

    Raises:
      UserError: as in `kind_of`.
    """
    kind = kind_of(word)
    if kind is None:
        return paths.local(alternatives.choose(str(word)), "SOURCE").exists()
    return SOURCES[kind].at_once


def options_of(word: str | pathlib.Path) -> frozenset[str] | None:
    """The options that have an effect on what a word names; None for a word of no kind.

    Raises:
      UserError: as in `kind_of`.
    """
    kind = kind_of(word)
    return None if kind is None else SOURCES[kind].uses | _SIZES


def refuse_unused(
    given: Mapping[str, str], sides: Iterable[tuple[str, Collection[str] | None]]
) -> None:
    """Refuses an option that has an effect on none of the sides. All tools do this here.

    Args:
      given: {option: how messages call it} of those that a user gives.
      sides: (name, options that have an effect on it) of each side; None where a word is of no
        kind: what opens it says what is wrong with it.

    Raises:
      UserError: names the option and the sides.
    """
    used = dict(sides)
    if None in used.values():
        return
    for option, called in given.items():
        if not any(option in uses for uses in used.values() if uses is not None):
            raise UserError(
                f"{called} has no effect on {' and '.join(used)}",
                _where_used(option),
                "leave it out, or name such a source",
            )


def _where_used(option: str) -> str:
    if option in _SIZES:
        return "images"
    places = [kind.form for kind in _files_first() if option in kind.uses]
    if option in OPTIONS_OF_GIVEN:
        places.append("images that a Python program passes")
    return ", ".join(places)


def describe_sources() -> str:
    """The table of the words that name images, for `--help`: one line per kind."""
    width = max(len(kind.form) for kind in SOURCES.values())
    return "\n".join(f"  {kind.form.ljust(width)}  {kind.help}" for kind in _files_first())


def _forms() -> str:
    return ", ".join(kind.form for kind in _files_first())


def _files_first() -> list[SourceKind]:
    """The kinds that users name: files first, then words with a colon."""
    named = [kind for kind in SOURCES.values() if kind.form]
    return sorted(named, key=lambda kind: ":" in kind.form)
