"""Data sets made ready once: cropped, resized, and stored as one array with a record of how.

A prepared folder holds `images.npy`, uint8 (n, size, size, 3), and `prepared.json`. While it is
being made it is called FOLDER.partial, and its record says how far it is; it gets its name when it
is whole. An interrupted preparation goes on when it is started again, and ends with the same bytes
as one that was not interrupted.
"""

import io
import json
import os
import pathlib
import shutil
import time

import numpy as np

from tf_ttur.data import sources
from tf_ttur.data.images import Images, UnreadableImage
from tf_ttur.errors import UserError
from tf_ttur.io import console, digest, files

# What the experiments of the paper take: crop, size, and how many images there are.
DATA_SETS = {
    "celeba": ("108", 64, 202_599),
    "lsun": ("square", 64, 3_033_042),
    "svhn": ("none", 32, 73_257),
    "cifar10": ("none", 32, 50_000),
}
_BATCH = 256
_EVERY_SECONDS = 10  # between two records of how far it is


def prepare(
    data_set, word, output, crop=None, size=None, trust_pickle=False, skip_unreadable=False
):
    """Writes the prepared folder `output`, or goes on with it; one that is there already is left as
    it is.

    Args:
      data_set: one of DATA_SETS.
      word: of the source, as in `sources.open_source`.
      output: the folder.
      crop, size: as in `Images`; None takes those of the data set.
      trust_pickle: as in `sources.open_source`.
      skip_unreadable: leaves out images that cannot be decoded or are not RGB with 8 bits, and
        names them.

    Returns:
      The record: dict with data_set, source, source_identity, size, crop, resize, versions, read
        (how many images of the
      source), num_images (how many of them are in the folder), images_digest (see `digest`),
      skipped (names of the others).

    Raises:
      UserError: the source cannot be used, or the folder is of another preparation or of something
        else.
    """
    usual_crop, usual_size, usual_count = DATA_SETS[data_set]
    source = sources.open_source(word, trust_pickle=trust_pickle)
    images = Images(source, size or usual_size, crop or usual_crop)
    recipe = {
        "data_set": data_set,
        "source": source.word,
        "source_identity": source.identity,
        **images.preparation,
    }
    output = pathlib.Path(os.path.abspath(os.path.expanduser(output)))
    if (output / sources.PREPARED_RECORD).is_file():
        record = _read_record(output, recipe, skip_unreadable)
        sources.open_source(output)  # refuses one that has been damaged since
        console.STDERR.print(
            f"{output} is there already, made from this source in this way",
            soft_wrap=True,
            markup=False,
        )
        return record
    if output.exists() and (not output.is_dir() or any(output.iterdir())):
        raise UserError(
            f"{output} holds other things",
            "a new folder, or one that this tool wrote",
            "choose another folder",
        )
    if images.num_images != usual_count:
        note = f"note: {word} has {images.num_images:,} images; the {data_set} of the paper has {usual_count:,}"
        console.STDERR.print(note, soft_wrap=True, markup=False)
    recipe["versions"] = {name: files.version(name) for name in ("tf_ttur", "tensorflow", "numpy")}
    with _Partial(
        output.with_name(f"{output.name}.partial"), recipe, images.num_images, skip_unreadable
    ) as partial:
        with console.Status(
            f"preparing {word}", partial.record["read"], images.num_images
        ) as status:
            for batch in images.readable(_BATCH, partial.record["read"]):
                if not isinstance(batch, UnreadableImage):
                    partial.add(batch)
                elif skip_unreadable:
                    partial.skip(batch)
                else:
                    raise batch
                status.show(partial.record["read"], {})
        partial.finish(output)
    return partial.record


class _Partial:
    """The folder of a preparation that is not finished. Used as a context manager.

    Args:
      folder: where it is, or will be.
      recipe: dict with all that decides what the images become.
      total: images of the source.
      skip_unreadable: whether images may have been left out before.

    Attributes:
      record: what will stand in the record at the end, as far as it is.
    """

    def __init__(self, folder, recipe, total, skip_unreadable):
        self._folder, self._total, self._size = folder, total, recipe["size"]
        path = folder / sources.PREPARED_RECORD
        if not path.is_file():
            folder.mkdir(parents=True, exist_ok=True)
            if any(not file.name.startswith(f".{path.name}.") for file in folder.iterdir()):
                raise UserError(
                    f"{folder} holds other things",
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
        images = folder / sources.PREPARED_IMAGES
        self._file = open(images, "r+b" if images.exists() else "w+b")
        self._lock()
        self.record = _read_record(folder, recipe, skip_unreadable)
        for left in folder.glob(
            f".{path.name}.*"
        ):  # by a process that was killed while it wrote a record
            left.unlink()
        self._go_on()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with self._file:
            if not self._folder.exists():  # it is finished
                return
            if self.record["read"]:
                self._keep()
            else:
                shutil.rmtree(self._folder)

    def add(self, images):
        """Takes in a batch of prepared images."""
        record = self.record
        self._file.write(images.tobytes())
        self.record = record | {  # in one step, so that Ctrl-C finds it before or after
            "read": record["read"] + len(images),
            "num_images": record["num_images"] + len(images),
            "images_digest": digest.to_hex(digest.add(int(record["images_digest"], 16), images)),
        }
        if time.monotonic() - self._kept >= _EVERY_SECONDS:
            self._keep()

    def skip(self, unreadable):
        """Takes note of an `UnreadableImage`."""
        console.STDERR.print(f"left out: {unreadable.found}", soft_wrap=True, markup=False)
        record = self.record
        self.record = record | {
            "read": record["read"] + 1,
            "skipped": [*record["skipped"], unreadable.name],
        }

    def finish(self, output):
        """Gives the whole folder its name."""
        record = self.record
        if record["read"] != self._total:
            raise UserError(
                f"{record['source']} gave {record['read']} images",
                f"the {self._total} that it says it has",
                "fetch it again",
            )
        if not record["num_images"]:
            raise UserError(
                f"{record['source']} has no image that can be read", "images", "name another source"
            )
        self._file.seek(0)
        self._file.write(self._header())
        self._keep()
        os.rename(self._folder, output)

    def _lock(self):
        if not files.take(self._file):
            raise UserError(
                f"{self._folder} is being written by another process",
                "one at a time",
                "wait for that one",
            )

    def _go_on(self):
        """Puts the file of images where the record says it is."""
        record = self.record
        image_bytes = self._size**2 * 3
        start = len(self._header()) + record["num_images"] * image_bytes
        if record["num_images"] and self._file.seek(0, os.SEEK_END) < start:
            raise UserError(
                f"{self._folder} has lost images",
                f"{record['num_images']} of them",
                "remove it, and begin again",
            )
        needed, free = (
            (self._total - record["read"]) * image_bytes,
            shutil.disk_usage(self._folder).free,
        )
        if needed > free:
            found, expected = (f"{size / 2**30:.1f} GiB" for size in (free, needed))
            raise UserError(
                f"{self._folder} has room for {found}",
                expected,
                "make room, or choose another folder",
            )
        self._file.seek(0)
        self._file.write(self._header())
        self._file.truncate(start)
        self._file.seek(start)
        self._kept = time.monotonic()
        if record["read"]:
            console.STDERR.print(f"going on after {record['read']:,} images", markup=False)

    def _header(self):
        """How a .npy of the images so far begins. Its length does not depend on how many there are:
        NumPy leaves room.
        """
        header = io.BytesIO()
        shape = (self.record["num_images"], self._size, self._size, 3)
        np.lib.format.write_array_header_1_0(
            header, {"descr": "|u1", "fortran_order": False, "shape": shape}
        )
        return header.getvalue()

    def _keep(self):
        """Writes how far it is, after the images that the record counts."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self._write_record()
        self._kept = time.monotonic()

    def _write_record(self):
        with files.atomic(self._folder / sources.PREPARED_RECORD, "w") as file:
            file.write(json.dumps(self.record, indent=2) + "\n")


def _read_record(folder, recipe, skip_unreadable):
    """The record in a folder, which must be of this recipe and must not have left out what may not
    be left out.
    """
    path = folder / sources.PREPARED_RECORD
    other = "choose another folder, or remove this one"
    try:
        record = json.loads(path.read_text())
        found = {key: record[key] for key in recipe}
        skipped = record["skipped"]
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise UserError(
            f"{path} cannot be read ({type(error).__name__}: {error})",
            "a record of this tool",
            other,
        ) from error
    if found["source_identity"] != recipe["source_identity"]:
        raise UserError(
            f"{folder} was made from another source, or {found['source']} has changed since",
            "the same files",
            other,
        )
    for key, value in recipe.items():
        if (
            found[key] != value and key != "source"
        ):  # the identity tells sources apart, by whatever name
            raise UserError(
                f"{folder} was made with {key} {found[key]}",
                f"{key} {value}, as asked for now",
                other,
            )
    if skipped and not skip_unreadable:
        found = f"{folder} leaves out {len(skipped)} images, the first of them {skipped[0]}"
        raise UserError(found, "all images", f"say --skip-unreadable again, or {other}")
    return record
