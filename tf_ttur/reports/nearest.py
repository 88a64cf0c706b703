"""The training images that are nearest to samples: whether a generator repeats what it has seen."""

import dataclasses
import pathlib
from typing import Any

import numpy as np
import PIL.Image

from tf_ttur import config as configs
from tf_ttur.errors import UserError
from tf_ttur.io import console
from tf_ttur.reports import again, pictures
from tf_ttur.reports.pictures import Samples
from tf_ttur.runs import Run

_SAMPLES = 8  # that are looked for
_NEAREST = 4  # training images of each
_BATCH = 100


@dataclasses.dataclass(frozen=True)
class Search:
    """What to look through, and with what.

    Attributes:
      count: training images, from the first.
      inception, trust: the network, as `metrics.inception.load` takes them. A run that was measured
        by pixels is searched by pixels.
    """

    count: int
    inception: str | pathlib.Path | None = None
    trust: bool = False


@dataclasses.dataclass(frozen=True)
class Found:
    """The training images that are nearest to some samples, in the space of features.

    Attributes:
      samples: (n, height, width, 3) uint8.
      nearest: (n, k, height, width, 3) uint8, nearest first.
      distances: (n, k) Euclidean distances of their features.
      num_images: how many training images were looked through.
      network: the name of the network.
    """

    samples: np.ndarray
    nearest: np.ndarray
    distances: np.ndarray
    num_images: int
    network: str

    @property
    def caption(self) -> str:
        """What the picture shows."""
        return (
            f"One row per sample. First the sample, then the {self.nearest.shape[1]} nearest of "
            f"{self.num_images:,} training images, by the features of the network {self.network}."
        )

    def picture(self) -> PIL.Image.Image:
        """One row per sample: the sample, and its nearest training images."""
        rows = np.concatenate([self.samples[:, None], self.nearest], axis=1)
        return pictures.grid(rows.reshape(-1, *rows.shape[2:]), rows.shape[1])


def find(run: Run, samples: Samples, search: Search) -> Found | str:
    """Looks for the training images that are nearest to the first samples of the last time.

    Args:
      run: of images.
      samples: of it.
      search: what to look through.

    Returns:
      What was found; or why nothing was looked for, in words.
    """
    try:
        images = configs.kind_of(run.config).open_examples(run.config.data)
        network = _network(run, search)
    except UserError as error:
        return str(error).partition("\n")[0]
    return _find(samples.images[-1][:_SAMPLES], images, network, search.count)


def _network(run: Run, search: Search) -> Any:
    from tf_ttur.metrics import inception
    from tf_ttur.metrics.pixels import PixelPooling

    if (again.evaluation_of(run) or {}).get("network") == PixelPooling.network:
        return PixelPooling()
    return inception.load(search.inception, run.config.evaluation.precision, search.trust)


def _find(samples: np.ndarray, images: Any, network: Any, count: int) -> Found:
    """The nearest of the first `count` images, with those of a batch in memory at a time."""
    wanted = _features(network, samples)
    best = np.full((len(samples), 0), np.inf)
    kept = np.zeros((len(samples), 0, *samples.shape[1:]), np.uint8)
    count = min(count, images.num_images)
    seen = 0
    for batch in console.track(images.in_order(_BATCH, 0, count), "training images", count):
        seen += len(batch)
        batch = np.broadcast_to(batch, (*batch.shape[:-1], 3))  # grey as RGB, like the samples
        # Differences, and not products: equal images have a distance of exactly 0.
        differences = wanted[:, None] - _features(network, batch)[None]
        distances = np.sqrt(np.square(differences).sum(-1))
        best = np.concatenate([best, distances], axis=1)
        repeated = np.broadcast_to(batch[None], (len(samples), *batch.shape))
        kept = np.concatenate([kept, repeated], axis=1)
        order = np.argsort(best, axis=1, kind="stable")[:, :_NEAREST]
        best = np.take_along_axis(best, order, axis=1)
        kept = np.take_along_axis(kept, order[:, :, None, None, None], axis=1)
    return Found(samples, kept, best, seen, network.network)


def _features(network: Any, images: np.ndarray) -> np.ndarray:
    return np.asarray(network(images)[0], np.float64)
