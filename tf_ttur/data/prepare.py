"""Prepares a data set once: crops, resizes, and stores it as one array with a record.

A prepared folder holds `images.npy`, uint8 (n, size, size, 3), and `prepared.json`, the record of
how it was made. Until it is complete it is called FOLDER.partial, and its record says how many
images are done. If interrupted, run it again: it resumes, and ends with the same bytes as a
preparation that was never interrupted.
"""

import io
import json
import os
import pathlib
import shutil
import time
from types import TracebackType
from typing import Any, NamedTuple

import numpy as np

from tf_ttur.data import sources
from tf_ttur.data.decoding import UnreadableImage
from tf_ttur.data.images import Images, open_raw
from tf_ttur.data.sources.source import PREPARED_IMAGES, PREPARED_RECORD
from tf_ttur.errors import UserError
from tf_ttur.io import console, digest, files, paths
from tf_ttur.wording import counted


class DataSet(NamedTuple):
    """A data set as the paper's experiments use it.

    Attributes:
      crop, size: as in `Images`.
      num_images: the number of images in the paper; None for your own images.
    """

    crop: str
    size: int
    num_images: int | None


DATA_SETS = {
    "celeba": DataSet("108", 64, 202_599),
    "lsun": DataSet("square", 64, 3_033_042),
    "svhn": DataSet("none", 32, 73_257),
    "cifar10": DataSet("none", 32, 50_000),
    "images": DataSet("square", 64, None),
}
# What a record mentions only if it is not this.
_OPTIONAL = {"jpeg_quality": 0, "background": "", "depth": 0}
_BATCH = 256
_EVERY_SECONDS = 10  # between two records of the progress


def prepare(
    data_set: str,
    word: str | pathlib.Path,
    output: str | pathlib.Path,
    crop: str | None = None,
    size: int | None = None,
    trust_pickle: bool = False,
    skip_unreadable: bool = False,
    jpeg_quality: int = 0,
    background: str = "",
    depth: int = 0,
) -> dict[str, Any]:
    """Writes the prepared folder `output`, or resumes an interrupted preparation.

    Args:
      data_set: one of DATA_SETS.
      word: of the source, as in `sources.open_source`.
      output: the folder. If it is already complete, it is left unchanged.
      crop, size: as in `Images`; None takes those of the data set.
      trust_pickle: as in `sources.open_source`.
      skip_unreadable: whether to leave out, and name, images that cannot be decoded or are not RGB
        with 8 bits.
      jpeg_quality: as in `cropping.Cropping`.
      background, depth: as in `pillow.conversion`.

    Returns:
      The record: dict with data_set, source, source_identity, size, crop, resize, jpeg_quality,
      background and depth (if they are not the default), versions, read (number of images read
      from the source), num_images (number of images in the folder), images_digest (see `digest`),
      skipped (names of the images that were left out), grey and opaque_alpha (see
      `pillow.Picture`; if not 0).

    Raises:
      UserError: the source cannot be used, or the folder belongs to another preparation or holds
        something else.
    """
    usual = DATA_SETS[data_set]
    source = open_raw(word, trust_pickle, background, depth)
    images = Images(source, size or usual.size, crop or usual.crop, jpeg_quality=jpeg_quality)
    recipe = {
        "data_set": data_set,
        "source": source.word,
        "source_identity": source.identity,
        **images.preparation,
    }
    output = pathlib.Path(os.path.abspath(paths.local(output, "--output")))
    if (output / PREPARED_RECORD).is_file():
        record = _read_record(output, recipe, skip_unreadable)
        sources.open_source(output)  # refuses a folder that has been damaged since
        console.say(f"{output} is there already, prepared from this source with these settings")
        return record
    _check_free(output)
    _note_count(data_set, word, images.num_images)
    recipe["versions"] = {name: files.version(name) for name in ("tf_ttur", "tensorflow", "numpy")}
    folder = output.with_name(f"{output.name}.partial")
    with _Partial(folder, recipe, images.num_images, skip_unreadable) as partial:
        _fill(partial, images, word, skip_unreadable)
        partial.finish(output)
    return partial.record


def _note_count(data_set: str, word: str | pathlib.Path, num_images: int) -> None:
    """Says where a source has another number of images than the data set of the paper."""
    expected = DATA_SETS[data_set].num_images
    if expected is not None and num_images != expected:
        console.say(
            f"note: {word} has {counted(num_images, 'image')}; "
            f"the {data_set} of the paper has {expected:,}"
        )


def _check_free(output: pathlib.Path) -> None:
    """Refuses a folder that already holds something."""
    if output.exists() and (not output.is_dir() or any(output.iterdir())):
        raise UserError(
            f"{output} holds other things",
            "a new folder, or one that tf-ttur prepare wrote",
            "choose another folder",
        )


def _fill(
    partial: "_Partial", images: Images, word: str | pathlib.Path, skip_unreadable: bool
) -> None:
    """Adds the images that are still missing."""
    total = images.num_images
    with console.Status(f"preparing {word}", partial.record["read"], total) as status:
        for batch in images.readable(_BATCH, partial.record["read"]):
            if not isinstance(batch, UnreadableImage):
                read = partial.record["read"]
                partial.add(batch, images.counts(read, read + len(batch)))
            elif skip_unreadable:
                partial.skip(batch)
            else:
                raise batch
            status.show(partial.record["read"])


class _Partial:
    """The folder of an unfinished preparation. Used as a context manager.

    Args:
      folder: the folder; it is created if it is missing.
      recipe: dict with everything that determines the prepared images.
      total: number of images of the source.
      skip_unreadable: whether an earlier start may have left out images.

    Attributes:
      record: the record so far.
    """

    def __init__(
        self, folder: pathlib.Path, recipe: dict[str, Any], total: int, skip_unreadable: bool
    ) -> None:
        self._folder = folder
        self._total = total
        self._size: int = recipe["size"]
        path = folder / PREPARED_RECORD
        if not path.is_file():
            self._start(path, recipe)
        images = folder / PREPARED_IMAGES
        mode = "r+b" if images.exists() else "w+b"
        self._file = open(images, mode)  # noqa: SIM115  because __exit__ closes it
        self._lock()
        self.record = _read_record(folder, recipe, skip_unreadable)
        # Remove what a process left that was killed while it wrote a record.
        for leftover in folder.glob(f".{path.name}.*"):
            leftover.unlink()
        self._resume()

    def _start(self, path: pathlib.Path, recipe: dict[str, Any]) -> None:
        """Creates the folder, with the record of a preparation without images yet."""
        self._folder.mkdir(parents=True, exist_ok=True)
        leftovers = f".{path.name}."
        if any(not file.name.startswith(leftovers) for file in self._folder.iterdir()):
            raise UserError(
                f"{self._folder} holds other things",
                "a preparation that was interrupted, or nothing",
                "choose another output",
            )
        self.record = recipe | {
            "read": 0,
            "num_images": 0,
            "images_digest": digest.to_hex(0),
            "skipped": [],
        }
        self._write_record()

    def __enter__(self) -> "_Partial":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._file:
            if not self._folder.exists():  # `finish` has renamed it
                return
            if self.record["read"]:
                self._keep()
            else:
                shutil.rmtree(self._folder)

    def add(self, images: np.ndarray, counts: dict[str, int]) -> None:
        """Adds a batch of prepared images.

        Args:
          images: uint8 (n, size, size, 3).
          counts: as `Images.counts` of these images.
        """
        record = self.record
        self._file.write(images.tobytes())
        self.record = record | {  # one assignment, so that Ctrl-C cannot interrupt between keys
            "read": record["read"] + len(images),
            "num_images": record["num_images"] + len(images),
            "images_digest": digest.to_hex(digest.add(int(record["images_digest"], 16), images)),
            **{name: record.get(name, 0) + count for name, count in counts.items()},
        }
        if time.monotonic() - self._kept_at >= _EVERY_SECONDS:
            self._keep()

    def skip(self, unreadable: UnreadableImage) -> None:
        """Records an image that is left out."""
        console.say(f"left out: {unreadable.found}")
        record = self.record
        self.record = record | {
            "read": record["read"] + 1,
            "skipped": [*record["skipped"], unreadable.name],
        }

    def finish(self, output: pathlib.Path) -> None:
        """Renames the folder to `output`. Raises `UserError` if it is incomplete or empty."""
        record = self.record
        if record["read"] != self._total:
            raise UserError(
                f"{record['source']} gave {counted(record['read'], 'image')}",
                f"the {self._total} that it says it has",
                "download it again",
            )
        if not record["num_images"]:
            raise UserError(
                f"{record['source']} has no image that can be read", "images", "name another source"
            )
        self._file.seek(0)
        self._file.write(self._header())
        self._keep()
        os.rename(self._folder, output)

    def _lock(self) -> None:
        if not files.take(self._file):
            raise UserError(
                f"{self._folder} is being written by another process",
                "one at a time",
                "wait for that one",
            )

    def _resume(self) -> None:
        """Truncates the file of images to what the record counts, and continues from there."""
        record = self.record
        image_bytes = self._size**2 * 3
        start = len(self._header()) + record["num_images"] * image_bytes
        if record["num_images"] and self._file.seek(0, os.SEEK_END) < start:
            raise UserError(
                f"{self._folder} has lost images",
                f"{record['num_images']} of them",
                "remove the folder, and start again",
            )
        needed_bytes = (self._total - record["read"]) * image_bytes
        free_bytes = shutil.disk_usage(self._folder).free
        if needed_bytes > free_bytes:
            raise UserError(
                f"{self._folder} has room for {free_bytes / 2**30:.1f} GiB",
                f"{needed_bytes / 2**30:.1f} GiB",
                "free some space, or choose another folder",
            )
        self._file.seek(0)
        self._file.write(self._header())
        self._file.truncate(start)
        self._file.seek(start)
        self._kept_at = time.monotonic()
        if record["read"]:
            console.say(f"resuming after {counted(record['read'], 'image')}")

    def _header(self) -> bytes:
        """The header of the .npy file of the images so far.

        NumPy pads it, so that its length does not depend on the number of images.
        """
        header = io.BytesIO()
        shape = (self.record["num_images"], self._size, self._size, 3)
        np.lib.format.write_array_header_1_0(
            header, {"descr": "|u1", "fortran_order": False, "shape": shape}
        )
        return header.getvalue()

    def _keep(self) -> None:
        """Writes the record, after the images that it counts."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self._write_record()
        self._kept_at = time.monotonic()

    def _write_record(self) -> None:
        with files.atomic(self._folder / PREPARED_RECORD, "w") as file:
            file.write(json.dumps(self.record, indent=2) + "\n")


def _read_record(
    folder: pathlib.Path, recipe: dict[str, Any], skip_unreadable: bool
) -> dict[str, Any]:
    """Reads the record in a folder.

    Args:
      folder: a prepared folder, or an unfinished one.
      recipe: what the record must agree with.
      skip_unreadable: whether images may have been left out.

    Raises:
      UserError: the record is damaged, has another recipe, or names images that were left out
        although none may be.
    """
    path = folder / PREPARED_RECORD
    cure = "choose another folder, or remove this one"
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        recipe = _OPTIONAL | recipe
        recorded = {key: record[key] for key in recipe if key not in _OPTIONAL}
        recorded |= {key: record.get(key, default) for key, default in _OPTIONAL.items()}
        skipped = record["skipped"]
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise UserError(
            f"{path} cannot be read ({type(error).__name__}: {error})",
            "a record of tf-ttur prepare",
            cure,
        ) from error
    if recorded["source_identity"] != recipe["source_identity"]:
        raise UserError(
            f"{folder} was made from another source, or {recorded['source']} has changed since",
            "the same files",
            cure,
        )
    for key, value in recipe.items():
        # The identity distinguishes sources; the same source may have two names.
        if recorded[key] != value and key != "source":
            raise UserError(
                f"{folder} was made with {key} {recorded[key] or 'none'}",
                f"{key} {value or 'none'}, as requested now",
                cure,
            )
    if skipped and not skip_unreadable:
        raise UserError(
            f"{folder} leaves out {counted(len(skipped), 'image')}, the first of them {skipped[0]}",
            "all images",
            f"pass --skip-unreadable again, or {cure}",
        )
    return record
