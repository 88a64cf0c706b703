"""Where raw images come from. A source is named by one word, the same for every command.

`SOURCES` has one entry for each kind of word; `describe_sources` lists them. To add a kind, write a
function that opens it and its entry here. This file imports no TensorFlow.
"""

import dataclasses
import pathlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tf_ttur.data import published_archives
from tf_ttur.data.sources.source import PREPARED_RECORD, Options, Source
from tf_ttur.errors import UserError
from tf_ttur.registry import Entry, Registry, load

if TYPE_CHECKING:
    from tf_ttur.data.images import Images

__all__ = [
    "SOURCES",
    "Options",
    "Source",
    "SourceKind",
    "describe_sources",
    "open_source",
]


@dataclasses.dataclass(frozen=True, kw_only=True)
class SourceKind(Entry):
    """An entry of `SOURCES`.

    Attributes:
      form: what words of this kind look like.
      matches: function (word, path) that says whether a word is of this kind. The path is that of
        the word as a file or folder, which may not be there.
      open: function (word, path, options) that gives the `Source`, or `module:object` of it; see
        `Options`. It raises `UserError` where the word names nothing that can be used.
    """

    form: str
    matches: Callable[[str, pathlib.Path], bool]
    open: Any


def _begins(prefix: str) -> Callable[[str, pathlib.Path], bool]:
    return lambda word, path: word.startswith(prefix)


def _is_file(*suffixes: str) -> Callable[[str, pathlib.Path], bool]:
    return lambda word, path: path.suffix in suffixes and path.is_file()


def _holds(name: str) -> Callable[[str, pathlib.Path], bool]:
    return lambda word, path: (path / name).is_file()


def _is_cifar10(word: str, path: pathlib.Path) -> bool:
    is_tar = path.name.endswith(published_archives.TARS) and path.is_file()
    return is_tar or published_archives.is_cifar10(path)


def _open_card(word: str, path: pathlib.Path, options: Options) -> "Images":
    # By its name, as this room does not know configs.
    return load("tf_ttur.config.examples:open_images")(word)


# A word is of the first kind that matches it, so special folders come before `folder`.
SOURCES: Registry[SourceKind] = Registry(
    "kind of source",
    {
        "tfds": SourceKind(
            form="tfds:NAME/SPLIT",
            help="TensorFlow Datasets, prepared on first use under TFDS_DATA_DIR",
            matches=_begins("tfds:"),
            open="tf_ttur.data.sources.tfds:open_tfds",
        ),
        "digits": SourceKind(
            form="digits:N[:SEED]",
            help="N street-number-like images of 32x32 pixels, drawn by the program",
            matches=_begins("digits:"),
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
            help="your own array, Source, or function; also python:MODULE:OBJECT",
            matches=_begins("python:"),
            open="tf_ttur.data.sources.own:open_python",
        ),
        "generator": SourceKind(
            form="EXPORT/",
            help="an exported generator (holds saved_model.pb), which makes images",
            matches=_holds("saved_model.pb"),
            open="tf_ttur.data.sources.generator:open_generator",
        ),
        "prepared": SourceKind(
            form="PREPARED/",
            help="what tf-ttur prepare wrote",
            matches=_holds(PREPARED_RECORD),
            open="tf_ttur.data.sources.prepared:open_prepared",
        ),
        "lmdb": SourceKind(
            form="LSUN_lmdb/",
            help="folder with data.mdb, an LMDB whose values are png, jpg or webp",
            matches=_holds("data.mdb"),
            open="tf_ttur.data.sources.on_disk:open_lmdb",
        ),
        "cifar10": SourceKind(
            form="FILE.tar.gz",
            help="CIFAR-10's archive, also unpacked: its training images",
            matches=_is_cifar10,
            open="tf_ttur.data.sources.arrays:open_cifar10",
        ),
        "folder": SourceKind(
            form="FOLDER/",
            help="png, jpg, jpeg, webp; recursive, in sorted order, without hidden files",
            matches=lambda word, path: path.is_dir(),
            open="tf_ttur.data.sources.on_disk:open_folder",
        ),
        "zip": SourceKind(
            form="FILE.zip",
            help="the same out of a zip",
            matches=_is_file(".zip"),
            open="tf_ttur.data.sources.on_disk:open_zip",
        ),
        "array": SourceKind(
            form="FILE.npy, FILE.npz",
            help="uint8 array (n, height, width, 3), the only one or the one named images",
            matches=_is_file(".npy", ".npz"),
            open="tf_ttur.data.sources.arrays:open_array",
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
) -> "Source | Images":
    """What a word names: a `Source`, or for `config:CARD` the card's `Images`.

    Args:
      word: of one of the kinds in `SOURCES`.
      count, seed, quantisation, trust_pickle, trust: as in `Options`. Only an exported generator
        and CIFAR-10 heed them.

    Raises:
      UserError: there is no such thing, nothing in it, or more in it than can be trusted.
    """
    word = str(word)
    if not word:
        raise UserError("an empty word for images", _forms(), "name the images")
    path = pathlib.Path(word).expanduser()
    options = Options(count, seed, quantisation, trust_pickle, trust)
    for kind in SOURCES.values():
        if kind.matches(word, path):
            return load(kind.open)(word, path, options)
    if path.exists():
        raise UserError(f"{word} is a file of another kind", _forms(), "convert it to one of these")
    raise UserError(f"{word} does not exist", _forms(), "correct the path, or put the data there")


def describe_sources() -> str:
    """The table of the words that name images, for `--help`: one line for each kind."""
    width = max(len(kind.form) for kind in SOURCES.values())
    return "\n".join(f"  {kind.form.ljust(width)}  {kind.help}" for kind in _files_first())


def _forms() -> str:
    return ", ".join(kind.form for kind in _files_first())


def _files_first() -> list[SourceKind]:
    return sorted(SOURCES.values(), key=lambda kind: ":" in kind.form)
