"""From images to statistics: one pass through the network, which an interruption does not lose."""

import hashlib
import json
import pathlib
import time

import numpy as np

from tf_ttur.errors import UserError
from tf_ttur.io import console, digest, files
from tf_ttur.metrics import statistics
from tf_ttur.metrics.moments import Moments
from tf_ttur.metrics.statistics import Statistics, identity, shard_range, warn_if_few


class Extraction:
    """Statistics in the making, which an interruption does not lose.

    Args:
      dimension: of the features.
      path: where the state so far is kept, for the caller to remove at the end; None keeps it in
        memory only.
      settings: what must be the same for the state at `path` to be continued; what JSON can hold.
      digest: whether to digest the images.

    Attributes:
      moments: `Moments` of the features so far.
      image_shape: [height, width, 3] of the images, or None before the first.
    """

    EVERY_SECONDS = 60  # between two writes of the state

    def __init__(self, dimension, path=None, settings=None, digest=True):
        self.moments, self.image_shape = Moments(dimension), None
        self._digest = 0 if digest else None
        self._path, self._settings = (
            path and pathlib.Path(path),
            json.dumps(settings, sort_keys=True),
        )
        if self._path and self._path.exists():
            self._restore()
        self._written = time.monotonic()

    def update(self, batch, pool_3):
        """Takes in a batch of images and their features."""
        shape = [int(side) for side in batch.shape[1:]]
        if self.image_shape not in (None, shape):
            raise UserError(
                f"images of shapes {self.image_shape} and {shape} in one set",
                "images of one size",
                "resize them beforehand",
            )
        if self._digest is not None:
            self._digest = digest.add(self._digest, batch)
        self.image_shape = shape
        self.moments.update(pool_3)
        if self._path and time.monotonic() - self._written >= self.EVERY_SECONDS:
            self._keep()

    @property
    def digest(self):
        """Hex of the images' `digest`, which does not depend on their order; None without one."""
        return None if self._digest is None else digest.to_hex(self._digest)

    def write(self, file, **more):
        """Writes the state, with `more` arrays, as an .npz into an open file."""
        moments = {
            "count": self.moments.count,
            "mean": self.moments.mean,
            "scatter": self.moments.scatter,
        }
        np.savez(
            file,
            **moments,
            digest=np.array(self.digest or ""),
            image_shape=self.image_shape,
            **more,
        )

    def take(self, state):
        """Takes the state out of an open .npz that `write` made; all of it or, where that raises,
        nothing.
        """
        moments = Moments.of(int(state["count"]), state["mean"], state["scatter"])
        known, shape = (
            int(str(state["digest"]), 16) if str(state["digest"]) else None,
            state["image_shape"].tolist(),
        )
        self.moments, self._digest, self.image_shape = moments, known, shape

    def _keep(self):
        with files.atomic(self._path) as file:
            self.write(file, settings=np.array(self._settings))
        self._written = time.monotonic()

    def _restore(self):
        try:
            with np.load(self._path, allow_pickle=False) as state:
                if str(state["settings"]) != self._settings:
                    console.STDERR.print(
                        f"{self._path} belongs to another extraction; starting anew", soft_wrap=True
                    )
                    return
                self.take(state)
        except (*files.UNREADABLE, KeyError) as error:
            console.STDERR.print(
                f"{self._path} cannot be read ({error}); starting anew", soft_wrap=True
            )
            return
        console.STDERR.print(f"going on after {self.moments.count:,} images", soft_wrap=True)


def compute(batches, network, provenance, name, extraction=None, observers=()):
    """Statistics of every image of `batches`.

    Args:
      batches: iterable of (n, height, width, 3) images in 0 ... 255, uint8 or float; any n, also in
        the last one.
      network: a callable with `dimension`, `network`, `digest` and `precision`, such as
        `inception.Inception`.
      provenance: what is known of the images (source, preparation, quantisation).
      name: how messages call the result.
      extraction: an `Extraction` to go on with, whose images `batches` leaves out; None begins one.
      observers: functions that are given (pool_3, logits) of every batch as they pass.

    Raises:
      UserError: fewer than two images.
    """
    extraction = extraction or Extraction(network.dimension)
    moments = extraction.moments
    for batch in batches:
        pool_3, logits = network(batch)
        extraction.update(batch, pool_3)
        for observe in observers:
            observe(pool_3, logits)
    if moments.count < 2:
        raise UserError(
            f"{name} has {moments.count} images",
            "at least 2, better 10,000",
            "name a larger source",
        )
    if "shard" not in provenance:
        warn_if_few(moments.count, network.dimension, name)
    provenance = provenance | {
        "num_images": moments.count,
        "images_digest": extraction.digest,
        "image_shape": extraction.image_shape,
        **identity(network),
        "versions": {
            "tf_ttur": files.version(),
            "tensorflow": files.version("tensorflow"),
            "numpy": np.__version__,
        },
    }
    return Statistics(moments.mean, moments.covariance, provenance, name)


def cached_statistics(images, network, batch_size, limit=0):
    """`image_statistics`, computed and cached on first use."""
    path = reference_path(images, network, limit)
    return statistics.cached(
        path, lambda partial: image_statistics(images, network, batch_size, limit, partial=partial)
    )


def reference_path(images, network, limit=0):
    """Where the statistics of these images by this network are cached."""
    key = json.dumps([images.identity, network.digest, network.precision, limit])
    name = "".join(
        c if c.isalnum() else "_" for c in images.source.word.rstrip("/").rpartition("tfds:")[2]
    )[-40:]
    return (
        files.cache_dir()
        / "statistics"
        / f"{name}-{hashlib.sha256(key.encode()).hexdigest()[:16]}.npz"
    )


def image_statistics(
    images, network, batch_size=100, limit=0, observers=(), partial=None, shard=None, workers=None
):
    """Statistics of images in their order. Shows a progress bar.

    Args:
      images: `Images`.
      network: as in `compute`.
      batch_size: images that go through the network at a time.
      limit: takes the first ones only, if it is not 0.
      observers: as in `compute`; not together with `partial`.
      partial: where the state is kept, so that an interrupted call goes on (`Extraction`).
      shard: (i, n): only the i-th of n parts in order; None takes all.
      workers: a `beam.Workers` of these images and this network, which computes the features
        instead of this process; not together with `observers` or `partial`.

    Raises:
      UserError: images that cannot be used, or fewer than the source says it has.
    """
    total = min(images.num_images, limit or images.num_images)
    first, end = shard_range(total, *(shard or (1, 1)))
    if workers:
        extraction = workers.extract(images, network, batch_size, first, end)
    else:
        settings = [images.identity, identity(network), batch_size, total, shard]
        extraction = Extraction(network.dimension, partial, settings)
    remaining = end - first - extraction.moments.count
    name = images.source.word + (f", shard {shard[0]}/{shard[1]}" if shard else "")
    batches = images.in_order(batch_size, end - remaining, remaining) if remaining else ()
    batches = console.track(batches, f"statistics of {name}", remaining)
    provenance = {
        "source": images.source.word,
        "source_identity": images.source.identity,
        "preparation": images.preparation,
        "quantisation": images.source.quantisation,
        "formats": images.source.formats,
    }
    if images.skipped:
        provenance["skipped"] = images.skipped
    if shard:
        provenance |= {"shard": shard[0], "shards": shard[1], "shards_total": total}
    made = compute(batches, network, provenance, name, extraction, observers)
    if made.provenance["num_images"] != end - first:
        raise UserError(
            f"{name} gave {made.provenance['num_images']} images",
            f"the {end - first} that it says it has",
            "prepare it anew",
        )
    return made
