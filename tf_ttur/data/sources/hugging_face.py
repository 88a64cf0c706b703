"""Images of a data set of the Hugging Face library `datasets`, which is an optional extra."""

import contextlib
import pathlib
import re
import sys
from collections.abc import Iterator
from typing import Any

from tf_ttur.data.sources.on_disk import of_encoded
from tf_ttur.data.sources.source import Options, Source, identity_of
from tf_ttur.errors import UserError
from tf_ttur.io import hosts, paths
from tf_ttur.wording import counted

_FORM = "hf:DATASET/SPLIT, with the name of a data set, its folder, or a Parquet file"
_WORD = re.compile(r"hf:(?P<name>.+?)(?::(?P<config>[^:/\\]+))?/(?P<split>[^/]+)")
_OF_HUB = re.compile(r"[\w-][\w.-]*(/[\w.-]+)?")  # the name of a data set that is downloaded
_SAVED = ("dataset_dict.json", "state.json")  # files that `save_to_disk` writes


def is_data_set(thing: Any) -> bool:
    """Whether an object is one of the library's; it need not be installed."""
    library = sys.modules.get("datasets")
    kinds = ("Dataset", "DatasetDict", "IterableDataset", "IterableDatasetDict")
    return library is not None and isinstance(
        thing, tuple(getattr(library, kind) for kind in kinds if hasattr(library, kind))
    )


def open_hugging_face(word: str, path: pathlib.Path, options: Options) -> Source:
    """The images of `hf:DATASET/SPLIT` or `hf:DATASET:CONFIG/SPLIT`.

    DATASET is the name of a data set, which is downloaded on first use; or a folder that
    `save_to_disk` wrote; or a Parquet file, or a folder of such files.

    Raises:
      UserError: the library is missing, or there is no such data set or split, or no images.
    """
    try:
        import datasets
    except ImportError as error:
        raise UserError(
            f"{word}: the Python package datasets is missing ({error})",
            "the extra hf",
            "install it: pip install 'tf_ttur[hf]'",
        ) from error
    matched = _WORD.fullmatch(word)
    if not matched:
        raise UserError(word, _FORM, "for example hf:ylecun/mnist/train")
    try:
        data_set = _load(datasets, matched["name"], matched["config"], matched["split"])
    except UserError:
        raise
    except Exception as error:  # the library raises errors of many types
        reason = (str(error).strip().splitlines() or [""])[0]
        raise UserError(
            f"{word} cannot be opened ({type(error).__name__}: {reason})",
            _FORM,
            "correct the word; to download a data set an internet connection is needed",
        ) from error
    return of_data_set(word, data_set, options)


def _load(datasets: Any, name: str, config: str | None, split: str) -> Any:
    place = paths.local(name, "SOURCE")
    if any((place / file).is_file() for file in _SAVED):
        saved = datasets.load_from_disk(str(place))
        if isinstance(saved, datasets.Dataset):
            given = str(saved.split or "train")
            saved = datasets.DatasetDict({given: saved})
        if split not in saved:
            raise UserError(
                f"{name} has no split {split}", f"one of {', '.join(saved)}", "correct the split"
            )
        return saved[split]
    if place.exists():
        files = sorted(map(str, place.glob("**/*.parquet"))) if place.is_dir() else [str(place)]
        if not files or not files[0].endswith(".parquet"):
            raise UserError(
                f"{name} holds no Parquet files, and save_to_disk has not written it",
                _FORM,
                "a folder of image files needs no hf: before it",
            )
        return datasets.load_dataset("parquet", data_files={split: files}, split=split)
    if not _OF_HUB.fullmatch(name):
        raise UserError(f"{name} does not exist", _FORM, "correct the path")
    with _offline_if_unreachable(datasets):
        return datasets.load_dataset(name, config, split=split)


@contextlib.contextmanager
def _offline_if_unreachable(datasets: Any) -> Iterator[None]:
    """Within the block, only what was downloaded before is opened if the host does not answer.

    The library by itself tries for half a minute.
    """
    from huggingface_hub import constants

    before = (datasets.config.HF_HUB_OFFLINE, constants.HF_HUB_OFFLINE)
    problem = hosts.unreachable([datasets.config.HF_ENDPOINT]) if not any(before) else ""
    try:
        if problem:
            datasets.config.HF_HUB_OFFLINE = constants.HF_HUB_OFFLINE = True
        yield
    except Exception as error:
        if problem:
            raise ConnectionError(problem) from error
        raise
    finally:
        datasets.config.HF_HUB_OFFLINE, constants.HF_HUB_OFFLINE = before


def of_data_set(word: str, data_set: Any, options: Options | None = None) -> Source:
    """The `Source` of a `datasets.Dataset` that has a column of images.

    Args:
      word: of the source.
      data_set: the data set.
      options: of the command line, for image files that are not RGB.

    Raises:
      UserError: it is of another kind, or has no such column.
    """
    import datasets

    if not isinstance(data_set, datasets.Dataset):
        if isinstance(data_set, dict):
            cure = f"take one of its splits, such as data_set[{next(iter(data_set), 'train')!r}]"
        else:
            cure = "load it without streaming=True"
        found = f"{word}: a datasets.{type(data_set).__name__}"
        raise UserError(found, "a datasets.Dataset", cure)
    images = datasets.Image(decode=False)
    names = [name for name, kind in data_set.features.items() if type(kind) is type(images)]
    if "image" in names:
        names = ["image"]
    if len(names) != 1 or not len(data_set):
        raise UserError(
            f"{word}: {counted(len(data_set), 'example')} of {_columns(data_set)}",
            "one column of type datasets.Image, or one of this type that is called image",
            "name another data set, or data_set.cast_column(name, datasets.Image())",
        )
    [name] = names
    encoded = data_set.select_columns([name]).cast_column(name, images).with_format(None)

    def fetch(index: int) -> bytes:
        value = encoded[int(index)][name]
        return value["bytes"] or pathlib.Path(value["path"]).read_bytes()

    return of_encoded(
        word,
        identity_of("datasets", data_set._fingerprint, name, len(data_set)),
        len(data_set),
        lambda index: f"image {index}",
        fetch,
        options or Options(),
    )


def _columns(data_set: Any) -> str:
    columns = [f"{name} ({type(kind).__name__})" for name, kind in data_set.features.items()]
    return ", ".join(columns[:6]) + (", ..." if len(columns) > 6 else "")
