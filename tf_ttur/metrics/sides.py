"""The two sides of a comparison, by their words: statistics where a file holds them, else images."""

import pathlib
from typing import TYPE_CHECKING, Any

import numpy as np

from tf_ttur.io import files
from tf_ttur.metrics import statistics
from tf_ttur.metrics.statistics import Statistics

if TYPE_CHECKING:
    from tf_ttur.data.images import Images


def is_statistics(word: str) -> bool:
    """Whether a word names an .npz that is not one of images."""
    path = pathlib.Path(word).expanduser()
    if path.suffix != ".npz":
        return False
    try:
        with np.load(path, allow_pickle=False) as content:
            names = content.files
    except files.UNREADABLE:
        return True  # reading it as statistics says what is wrong
    return "images" not in names and (len(names) != 1 or names[0] in ("mu", "sigma"))


def open_side(word: str, **options: Any) -> "Statistics | Images":
    """One side of a comparison: `Statistics` where the word names a file of them, else `Images`.

    Args:
      word: the name of the side.
      options: of `data.images.open_images`.

    Raises:
      UserError: there is no such thing, or it cannot be read.
    """
    if is_statistics(word):
        return statistics.load(pathlib.Path(word).expanduser())
    from tf_ttur.data.images import open_images  # imports TensorFlow, which statistics do without

    return open_images(word, **options)
