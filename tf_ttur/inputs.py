"""The words of the command lines, where images meet metrics."""

import zipfile

import numpy as np

from tf_ttur import config as configs
from tf_ttur.data import sources
from tf_ttur.data.images import Images
from tf_ttur.errors import UserError
from tf_ttur.metrics import statistics
from tf_ttur.training import evaluation


def open_images(word, count=50_000, seed=0):
    """The images that SOURCE names: a word of `data.sources`, or `config:PATH[:VARIANT]` for an experiment's data."""
    if word.startswith("config:"):
        return evaluation.open_images(configs.load(word.removeprefix("config:")))
    return Images(sources.open_source(word, count, seed))


def is_statistics(word):
    """Whether the word names an .npz that is not one of images."""
    if not word.endswith(".npz"):
        return False
    try:
        with np.load(word, allow_pickle=False) as content:
            return "images" not in content.files and (len(content.files) != 1 or content.files[0] in ("mu", "sigma"))
    except (OSError, ValueError, EOFError, zipfile.BadZipFile):
        return True  # reading it as statistics says what is wrong


def load_statistics(word, network, count, seed, batch_size):
    """Statistics of a word: read from a file, or computed from its images by `network`, a function that loads it."""
    if is_statistics(word):
        return statistics.load(word)
    return evaluation.image_statistics(open_images(word, count, seed), network(), batch_size)
