"""Images of a folder that `tf-ttur prepare` wrote."""

import json
import pathlib

import numpy as np

from tf_ttur.data.sources.arrays import of_array
from tf_ttur.data.sources.source import (
    PREPARED_IMAGES,
    PREPARED_RECORD,
    Options,
    Source,
    identity_of,
)
from tf_ttur.errors import UserError
from tf_ttur.io import files


def open_prepared(word: str, path: pathlib.Path, options: Options) -> Source:
    """The images of a prepared folder.

    Raises:
      UserError: it is damaged, or holds lines instead of images.
    """
    expected = "a complete folder that tf-ttur prepare wrote"
    cure = "prepare the data again, into another folder"
    try:
        record = json.loads((path / PREPARED_RECORD).read_text(encoding="utf-8"))
        if "num_lines" in record:
            raise ValueError("it holds lines, for config.data.dir")
        images = np.load(path / PREPARED_IMAGES, mmap_mode="r", allow_pickle=False)
        size = record["size"]
        preparation = {key: record[key] for key in ("size", "crop", "resize")}
        for key in ("jpeg_quality", "background", "depth"):  # recorded if it is not the default
            if key in record:
                preparation[key] = record[key]
        identity = identity_of(record["images_digest"], record["source_identity"], preparation)
        shape = (record["num_images"], size, size, 3)
    except (*files.UNREADABLE, KeyError) as error:
        reason = f"{type(error).__name__}: {error}"
        raise UserError(f"{word} cannot be read ({reason})", expected, cure) from error
    if images.dtype != np.uint8 or images.shape != shape:
        raise UserError(
            f"{word} holds {images.dtype} of shape {images.shape}",
            f"{expected}: uint8 of shape {shape}",
            cure,
        )
    return of_array(word, images, identity, preparation)
