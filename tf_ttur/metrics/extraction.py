"""From images to statistics: one pass through the network, which an interruption does not lose."""

import hashlib
import json
import pathlib
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from tf_ttur.data.resizing import cure_of_sizes
from tf_ttur.errors import UserError
from tf_ttur.io import cache, console, digest, files
from tf_ttur.metrics import features, networks, statistics
from tf_ttur.metrics.features import Features, Keeper
from tf_ttur.metrics.moments import Moments
from tf_ttur.metrics.networks import FeatureNetwork
from tf_ttur.metrics.statistics import Statistics, identity, shard_range, warn_if_few
from tf_ttur.wording import counted

if TYPE_CHECKING:
    from tf_ttur.data.images import Images
    from tf_ttur.metrics.beam import Workers
    from tf_ttur.metrics.device_moments import DeviceMoments

# A function that is given the network's (features, logits) of every batch.
Observer = Callable[[Any, Any], None]

# Batches that are sent to the device before the host looks at what came of them. While it looks the
# device has nothing to do.
_AHEAD = 8


class Extraction:
    """Statistics in the making, which an interruption does not lose.

    Args:
      dimension: of the features.
      path: where the state so far is kept, for the caller to remove at the end; None keeps it in
        memory only.
      settings: what must be the same for the state at `path` to be continued; what JSON can hold.
      digest: whether to digest the images.
      spatial_dimension: of the spatial features; 0 without any.
      make: makes the moments, as `device_moments.create` does.

    Attributes:
      moments: `Moments`, or `DeviceMoments`, of the features so far.
      spatial: those of the spatial features; None without any.
      image_shape: [height, width, 3] of the images, or None before the first.
    """

    EVERY_SECONDS: float = 60  # between two writes of the state

    def __init__(
        self,
        dimension: int,
        path: str | pathlib.Path | None = None,
        settings: Any = None,
        digest: bool = True,
        spatial_dimension: int = 0,
        make: "Callable[[int], Moments | DeviceMoments]" = Moments,
    ) -> None:
        self.moments: Any = make(dimension)
        self.spatial: Any = make(spatial_dimension) if spatial_dimension else None
        self.image_shape: list[int] | None = None
        self._digest = 0 if digest else None
        self._path = pathlib.Path(path) if path else None
        self._settings = json.dumps(settings, sort_keys=True)
        if self._path is not None and self._path.exists():
            self._restore(self._path)
        self._written_at = time.monotonic()

    def update(self, batch: Any, features: Any, spatial: Any = None) -> None:
        """Adds a batch.

        Args:
          batch: (n, height, width, 3) images.
          features: (n, d) of the images.
          spatial: (n, s) spatial features, where there are any.

        Raises:
          UserError: images of another size than before.
        """
        shape = [int(side) for side in batch.shape[1:]]
        if self.image_shape not in (None, shape):
            raise UserError(
                f"images of shapes {self.image_shape} and {shape} in one set",
                "images of one size",
                cure_of_sizes(min(shape[:2])),
            )
        if self._digest is not None:
            self._digest = digest.add(self._digest, batch)
        self.image_shape = shape
        self.moments.update(features)
        if self.spatial is not None:
            self.spatial.update(spatial)
        if self._path and self.is_due:
            self._keep(self._path)

    @property
    def is_due(self) -> bool:
        """Whether the next update writes the state."""
        return bool(self._path) and time.monotonic() - self._written_at >= self.EVERY_SECONDS

    @property
    def digest(self) -> str | None:
        """Hex of the images' `digest`, which does not depend on their order; None without one."""
        return None if self._digest is None else digest.to_hex(self._digest)

    def write(self, file: IO[bytes], **more: Any) -> None:
        """Writes the state as an .npz.

        Args:
          file: open for writing.
          **more: further arrays.
        """
        state: dict[str, Any] = {
            "count": self.moments.count,
            "mean": self.moments.mean,
            "scatter": self.moments.scatter,
            "digest": np.array(self.digest or ""),
            "image_shape": self.image_shape,
        }
        if self.spatial is not None:
            state["spatial_mean"] = self.spatial.mean
            state["spatial_scatter"] = self.spatial.scatter
        np.savez(file, **state, **more)

    def take(self, state: Mapping[str, np.ndarray]) -> None:
        """Takes the state out of an open .npz that `write` made; nothing where that raises."""
        make = type(self.moments).of
        moments = make(int(state["count"]), state["mean"], state["scatter"])
        text = str(state["digest"])
        total = int(text, 16) if text else None
        shape = state["image_shape"].tolist()
        if self.spatial is not None:
            spatial = [state["spatial_mean"], state["spatial_scatter"]]
            self.spatial = make(moments.count, *spatial)
        self.moments = moments
        self._digest = total
        self.image_shape = shape

    def _keep(self, path: pathlib.Path) -> None:
        with files.atomic(path) as file:
            self.write(file, settings=np.array(self._settings))
        self._written_at = time.monotonic()

    def _restore(self, path: pathlib.Path) -> None:
        try:
            with np.load(path, allow_pickle=False) as state:
                if str(state["settings"]) != self._settings:
                    console.say(f"{path} belongs to another extraction; starting over")
                    return
                self.take(state)
        except (*files.UNREADABLE, KeyError) as error:
            console.say(f"{path} cannot be read ({error}); starting over")
            return
        console.say(f"going on after {counted(self.moments.count, 'image')}")


def compute(
    batches: Iterable[Any],
    network: FeatureNetwork,
    provenance: Mapping[str, Any],
    name: str,
    extraction: Extraction | None = None,
    observers: Sequence[Observer] = (),
) -> Statistics:
    """Statistics of every image of `batches`.

    Args:
      batches: (n, height, width, 3) images in 0 ... 255, uint8 or float; any n, also in the last
        one.
      network: the feature network.
      provenance: what is known of the images (source, preparation, quantisation).
      name: how messages call the result.
      extraction: one to continue, whose images `batches` leaves out; None starts one.
      observers: what else takes the outputs of the network.

    Raises:
      UserError: fewer than two images, or features that are not finite.
    """
    extraction = extraction or start(network)
    seen: list[networks.Outputs] = []  # and not shown to the observers
    for batch in batches:
        outputs = networks.run(network, batch)
        seen.append(outputs)
        if len(seen) == _AHEAD or extraction.is_due:
            _show(seen, observers)
            _check_finite(extraction, name)
        # A state that this writes is never ahead of what the observers have kept.
        extraction.update(batch, outputs.features, outputs.spatial)
    _show(seen, observers)
    _check_finite(extraction, name)
    moments = extraction.moments.on_host()
    if moments.count < 2:
        raise UserError(
            f"{name} has {counted(moments.count, 'image')}",
            "at least 2, better 10,000",
            "name a larger source",
        )
    if "shard" not in provenance:
        warn_if_few(moments.count, network.dimension, name)
    complete = {
        **provenance,
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
    spatial = None
    if extraction.spatial is not None:
        of_spatial = extraction.spatial.on_host()
        spatial = (of_spatial.mean, of_spatial.covariance)
    return Statistics(moments.mean, moments.covariance, complete, name, spatial)


def _show(seen: list[networks.Outputs], observers: Sequence[Observer]) -> None:
    """Gives the outputs to the observers, in their order, and forgets them."""
    for outputs in seen:
        for observe in observers:
            observe(outputs.features, outputs.logits)
    seen.clear()


def _check_finite(extraction: Extraction, name: str) -> None:
    """Waits for the features so far. Raises `UserError` where some are not finite."""
    if not np.isfinite(extraction.moments.mean).all():
        raise UserError(
            f"features of {name} are NaN or infinite",
            "finite features of finite images",
            "look at the images, or at the weights of what has made them",
        )


def start(
    network: FeatureNetwork, path: str | pathlib.Path | None = None, settings: Any = None
) -> Extraction:
    """An `Extraction` of the features of a network.

    Args:
      network: the network.
      path, settings: as of `Extraction`.
    """
    spatial_dimension = getattr(network, "spatial_dimension", 0)
    if not getattr(network, "protocol", ""):
        spatial_dimension = 0
    from tf_ttur.metrics import device_moments  # imports TensorFlow, as the network has done

    return Extraction(
        network.dimension,
        path,
        settings,
        spatial_dimension=spatial_dimension,
        make=device_moments.create,
    )


def cached_statistics(
    images: "Images", network: FeatureNetwork, batch_size: int, limit: int = 0
) -> Statistics:
    """`image_statistics`, computed and cached on first use."""
    return statistics.cached(
        reference_path(images, network, limit),
        lambda partial: image_statistics(images, network, batch_size, limit, partial=partial),
        images.source.word,
    )


def cached_features(
    images: "Images", network: FeatureNetwork, batch_size: int, limit: int = 0
) -> Features:
    """The features of images; computed and cached on first use.

    Args:
      images, network, batch_size, limit: as in `image_statistics`.
    """
    path = reference_path(images, network, limit, "features")

    def load() -> Features:
        return features.load(path, images.source.word)

    def make() -> Features:
        keep_features(images, network, Keeper(path), batch_size, limit)
        return load()

    return cache.read(path, load, make)


def keep_features(
    images: "Images",
    network: FeatureNetwork,
    keeper: Keeper,
    batch_size: int = 100,
    limit: int = 0,
) -> Statistics:
    """As `image_statistics`, and keeps the features.

    An interrupted call resumes when it is called again.

    Args:
      images, network, batch_size, limit: as in `image_statistics`.
      keeper: writes the file.
    """
    partial = statistics.partial_path(keeper.path)
    result = image_statistics(images, network, batch_size, limit, partial=partial, keeper=keeper)
    keeper.finish(result)
    partial.unlink(missing_ok=True)
    return result


def reference_path(
    images: "Images", network: FeatureNetwork, limit: int = 0, kind: str = "statistics"
) -> pathlib.Path:
    """Where the statistics, or the features, of these images by this network are cached."""
    known = identity(network)
    protocol = [known["protocol"]] if "protocol" in known else []
    key = json.dumps([images.identity, network.digest, network.precision, limit, *protocol])
    word = images.source.word.rstrip("/").rpartition("tfds:")[2]
    name = "".join(letter if letter.isalnum() else "_" for letter in word)[-40:]
    suffix = hashlib.sha256(key.encode()).hexdigest()[:16]
    return cache.folder() / kind / f"{name}-{suffix}.npz"


def image_statistics(
    images: "Images",
    network: FeatureNetwork,
    batch_size: int = 100,
    limit: int = 0,
    *,
    observers: Sequence[Observer] = (),
    partial: pathlib.Path | None = None,
    shard: tuple[int, int] | None = None,
    workers: "Workers | None" = None,
    keeper: Keeper | None = None,
) -> Statistics:
    """Statistics of images in their order. Shows a progress bar.

    Args:
      images: what `data.images.open_images` gives.
      network: the feature network.
      batch_size: images that go through the network at a time.
      limit: takes only so many of the first images; 0 takes all.
      observers: as in `compute`; not together with `partial`.
      partial: where the state is kept, so that an interrupted call can resume (`Extraction`).
      shard: (i, n): only the i-th of n parts in order; None takes all.
      workers: of these images and this network, which compute the features instead of this process;
        not together with `observers` or `partial`.
      keeper: is given all features, also with `partial`; the caller lets it finish.

    Raises:
      UserError: images that cannot be used, or fewer than the source says it has.
    """
    total = min(images.num_images, limit or images.num_images)
    first, end = shard_range(total, *(shard or (1, 1)))
    extraction: Extraction
    if workers:
        extraction = workers.extract(images, network, batch_size, first, end)
    else:
        settings = [images.identity, identity(network), batch_size, total, shard]
        extraction = _begin(network, partial, settings, keeper)
        observers = [*observers, keeper.update] if keeper else observers
    remaining = end - first - extraction.moments.count
    name = images.source.word + (f", shard {shard[0]}/{shard[1]}" if shard else "")
    batches = images.in_order(batch_size, end - remaining, remaining) if remaining else ()
    tracked = console.track(batches, f"statistics of {name}", remaining)
    provenance = _provenance(images)
    if shard:
        provenance |= {"shard": shard[0], "shards": shard[1], "shards_total": total}
    result = compute(tracked, network, provenance, name, extraction, observers)
    if result.provenance["num_images"] != end - first:
        raise UserError(
            f"{name} gave {counted(result.provenance['num_images'], 'image')}",
            f"the {end - first} that it says it has",
            "prepare it anew",
        )
    result.provenance.update(images.counts(first, end))
    return result


def _begin(
    network: FeatureNetwork,
    partial: pathlib.Path | None,
    settings: list[Any],
    keeper: Keeper | None,
) -> Extraction:
    """The extraction that an earlier call has begun, where it can be resumed; else a new one."""
    if keeper is None:
        return start(network, partial, settings)
    settings = [*settings, keeper.settings]
    extraction = start(network, partial, settings)
    if keeper.begin(extraction.moments.count):
        return extraction
    console.say(f"the features of {keeper.path} so far are missing; starting over")
    if partial:
        partial.unlink(missing_ok=True)
    keeper.begin(0)
    return start(network, partial, settings)


def _provenance(images: "Images") -> dict[str, Any]:
    """What statistics say of their images."""
    provenance: dict[str, Any] = {
        "source": images.source.word,
        "source_identity": images.source.identity,
        "preparation": images.preparation,
        "quantisation": images.source.quantisation,
        "formats": images.source.formats,
    }
    if images.resizing is not None:
        provenance["resizing"] = images.resizing.record
    if images.source.value_range is not None:
        provenance["value_range"] = list(images.source.value_range)
    if images.source.left_out:
        provenance["left_out"] = images.source.left_out
    if images.skipped:
        provenance["skipped"] = images.skipped
    if images.selection:
        provenance["selection"] = images.selection
    return provenance
