"""The words of the command lines, where images meet metrics."""

import pathlib

import numpy as np

from tf_ttur import config as configs
from tf_ttur import files
from tf_ttur.data import sources
from tf_ttur.data.images import Images
from tf_ttur.metrics import statistics
from tf_ttur.training import evaluation


def open_images(word, count=50_000, seed=0, quantisation="round", skip_unreadable=False, whole_batches=0, trust=False):
    """The images that SOURCE names.

    Args:
      word: a word of `data.sources`, or `config:PATH[:VARIANT]` for an experiment's data.
      count, seed, quantisation: of an exported generator.
      skip_unreadable: leaves out images that cannot be read, which takes a pass over all of them.
      whole_batches: a batch size; the last images that do not fill one are left out. 0 leaves none out.
      trust: whether an exported generator may hold any operation, as in `saved_model.load`.
    """
    if word.startswith("config:"):
        images = evaluation.open_images(configs.load(word.removeprefix("config:")))
    else:
        images = Images(sources.open_source(word, count, seed, quantisation, trust=trust))
    if skip_unreadable:
        images.leave_out_unreadable()
    if whole_batches:
        images.drop_remainder(whole_batches)
    return images


def is_statistics(word):
    """Whether the word names an .npz that is not one of images."""
    path = pathlib.Path(word).expanduser()
    if path.suffix != ".npz":
        return False
    try:
        with np.load(path, allow_pickle=False) as content:
            return "images" not in content.files and (len(content.files) != 1 or content.files[0] in ("mu", "sigma"))
    except files.UNREADABLE:
        return True  # reading it as statistics says what is wrong


def open_side(word, **how):
    """One side of a comparison: `statistics.Statistics` where the word names a file of them, else as `open_images`."""
    if is_statistics(word):
        return statistics.load(pathlib.Path(word).expanduser())
    return open_images(word, **how)
