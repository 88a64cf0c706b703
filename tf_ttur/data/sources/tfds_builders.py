"""Finds a data set of TFDS on disk, or prepares it.

What is prepared is opened without access to a network. Before anything else is downloaded, the
host is tried: TFDS by itself repeats for minutes, in silence, and leaves folders behind.
"""

import pathlib
from typing import Any

from tf_ttur.errors import UserError
from tf_ttur.io import console, hosts

_RECORDS = ("dataset_info.json", "features.json")  # files of a prepared data set


def prepared_builder(name: str, split: str) -> Any:
    """The TFDS builder of a data set, which is prepared if necessary.

    Args:
      name: NAME, NAME/CONFIG, NAME:VERSION or NAME/CONFIG:VERSION, as TFDS takes it.
      split: of the word, for messages.

    Raises:
      UserError: there is no such data set, or it cannot be prepared.
    """
    import tensorflow_datasets as tfds  # slow to import, and not needed for files

    others = _others(name, split)
    try:
        builder = tfds.builder(name, try_gcs=False)
        is_prepared = builder.is_prepared()
    except tfds.core.DatasetNotFoundError as error:
        raise UserError(
            f"TFDS has no data set {name}",
            "tfds:NAME/SPLIT of a data set of TFDS",
            others or "for example tfds:cifar10/train or tfds:svhn_cropped/train",
        ) from error
    except Exception as error:  # TFDS raises errors of many types for a version or configuration
        raise UserError(
            f"TFDS has no {name} ({_reason(error)})",
            f"a version and configuration that TFDS prepares, or that lies under {_folders()}",
            others or "correct the word, or leave the version out",
        ) from error
    if not is_prepared:
        _prepare(builder, name, others)
    return builder


def _prepare(builder: Any, name: str, others: str) -> None:
    """Downloads and prepares a data set. Raises `UserError`."""
    expected = f"{name} prepared under {_folders()}, or an internet connection"
    cure = others or (
        "set TFDS_DATA_DIR to a folder that holds it, or name files of the same data instead"
    )
    full_name = builder.info.full_name
    unreachable = _unreachable(builder)
    if unreachable:
        raise UserError(f"TFDS has no prepared {full_name}, and {unreachable}", expected, cure)
    console.say(f"TFDS has no prepared {full_name}; downloading it to {builder.data_dir}")
    if others:
        console.say(f"note: {others}")
    folders = _Folders(builder)
    try:
        builder.download_and_prepare()
    except BaseException as error:  # also an interruption leaves no empty folders behind
        folders.remove_new_empty()
        if not isinstance(error, Exception):
            raise
        raise UserError(
            f"TFDS cannot prepare {name} ({type(error).__name__}: {_reason(error)})", expected, cure
        ) from error


def _reason(error: Exception) -> str:
    """The first line of a message, without what TFDS puts before it."""
    line = str(error).strip().partition("\n")[0]
    return line.rpartition('}": ')[2]


def _folders() -> str:
    return ", ".join(map(str, _data_dirs()))


def _data_dirs() -> list[pathlib.Path]:
    from tensorflow_datasets.core.utils import file_utils  # slow, as in `prepared_builder`

    return [pathlib.Path(folder) for folder in file_utils.list_data_dirs()]


def _others(name: str, split: str) -> str:
    """Which words name the prepared versions of a data set; "" for none.

    Those of the same configuration come alone, if there are any.
    """
    requested = name.partition(":")[0]
    data_set = requested.partition("/")[0]
    words = []
    for data_dir in _data_dirs():
        folder = data_dir / data_set
        for record in sorted([*folder.glob("*/features.json"), *folder.glob("*/*/features.json")]):
            version = record.parent
            if all((version / file).is_file() for file in _RECORDS):
                config = f"/{version.parent.name}" if version.parent != folder else ""
                words.append(f"tfds:{data_set}{config}:{version.name}/{split}")
    same = [word for word in words if word.startswith(f"tfds:{requested}:")]
    return f"prepared there: {', '.join(same or words)}" if words else ""


def _unreachable(builder: Any) -> str:
    """Which host that a download needs does not answer, and why; "" if one does, or none is known.

    Nothing is asked where an earlier start has downloaded files already.
    """
    urls = list(getattr(builder, "url_infos", None) or {})
    if not urls or _has_downloads(builder):
        return ""
    return hosts.unreachable(urls)


def _has_downloads(builder: Any) -> bool:
    """Whether files of an earlier start lie in the folder of downloads.

    Beside every complete download TFDS writes a file that ends in .INFO.
    """
    from tensorflow_datasets.core.download import resource

    for data_dir in _data_dirs():
        folder = data_dir / "downloads"
        for url, info in builder.url_infos.items():
            names = (resource.get_dl_fname(url, info.checksum), resource.get_dl_fname(url))
            places = (folder, folder / builder.name)
            if any((place / f"{name}.INFO").is_file() for place in places for name in names):
                return True
    return False


class _Folders:
    """The folders that TFDS may make while it prepares a data set.

    Args:
      builder: of the data set.
    """

    def __init__(self, builder: Any) -> None:
        self._name = builder.name
        self._before = set(self._existing())

    def remove_new_empty(self) -> None:
        """Removes those that are empty and were not there at the beginning."""
        for folder in self._existing():
            if folder not in self._before and not any(folder.iterdir()):
                folder.rmdir()

    def _existing(self) -> list[pathlib.Path]:
        """Those that exist, the deepest first."""
        folders: list[pathlib.Path] = []
        for data_dir in _data_dirs():
            downloads = data_dir / "downloads"
            folders += [data_dir, data_dir / self._name, downloads, downloads / "extracted"]
            folders += [downloads / self._name, *(downloads / self._name).glob("*")]
            folders += (data_dir / self._name).glob("**/*")
        existing = [folder for folder in folders if folder.is_dir()]
        return sorted(existing, key=lambda folder: -len(folder.parts))
