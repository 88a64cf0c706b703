"""Measures FID and Inception Score while images are disturbed more and more.

Heusel et al. 2017, figure 3 and section A1.2.
"""

import json
import pathlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from tf_ttur.data import disturbances
from tf_ttur.data.disturbances import DISTURBANCES, LEVELS, MIXED, MIXED_ALPHAS
from tf_ttur.data.images import Images
from tf_ttur.errors import UserError
from tf_ttur.io import console, files, paths
from tf_ttur.metrics import statistics
from tf_ttur.metrics.inception_score import SPLITS, InceptionScore
from tf_ttur.metrics.moments import Moments
from tf_ttur.metrics.statistics import Statistics
from tf_ttur.wording import counted

UNDISTURBED = "undisturbed"
LOG = "disturb.jsonl"

Row = dict[str, Any]
Settings = dict[str, Any]


def title(name: str) -> str:
    """A disturbance in words, for figures and tables."""
    return "mixed with other images" if name == MIXED else DISTURBANCES[name].title


def measure(
    images: Images,
    network: Any,
    reference: Statistics,
    output: str | pathlib.Path,
    *,
    count: int,
    batch_size: int = 100,
    seed: int = 0,
    others: Images | None = None,
    names: Sequence[str] | None = None,
    swirl_radius: float | None = None,
) -> tuple[list[Row], Settings]:
    """FID and Inception Score at every level of every disturbance.

    Each result is written to `output`/disturb.jsonl at once. A second call with the same settings
    resumes from there.

    Args:
      images: square and of one size; the first `count` are disturbed.
      network: gives pool_3 and logits, as `metrics.inception.Inception`.
      reference: of undisturbed images.
      output: folder.
      count: number of images.
      batch_size: images that go through the network at a time.
      seed: of the disturbances.
      others: images of another data set to mix in; None leaves that disturbance out.
      names: the disturbances, keys of `DISTURBANCES` in any order; None takes all.
      swirl_radius: in pixels; None takes that of the original code.

    Returns:
      (rows, settings): a list of dicts with disturbance, level, alpha, fid, inception_score and
      inception_score_std (over the splits); and the settings that they belong to.

    Raises:
      UserError: too few images, images that are not square, or an output folder with other
        settings.
    """
    shape = _check_images(images, count)
    statistics.check(reference, network, shape)
    if reference.provenance.get("num_images") != count:  # else there was a warning before
        statistics.warn_if_few(count, network.dimension, images.source.word)
    settings = {
        "source": images.source.word,
        "source_identity": images.identity,
        "images": count,
        "seed": seed,
        "swirl_radius": swirl_radius or disturbances.original_swirl_radius(shape[0]),
        **statistics.identity(network),
        "reference": reference.origin,
        "mixed_in": others and others.source.word,
        "mixed_in_identity": others and others.identity,
    }
    log = _Log(paths.local(output, "--output") / LOG, settings)
    study = _Study(images, network, reference, batch_size, settings)
    study.fill(log, others, list(DISTURBANCES) if names is None else names)
    return log.rows, settings


def _check_images(images: Images, count: int) -> tuple[int, int, int]:
    """The shape of the images. Raises `UserError` unless they are enough and square."""
    word = images.source.word
    if count < SPLITS:
        found = f"{word} has {counted(count, 'image')}"
        raise UserError(found, f"at least {SPLITS}, better 50,000", "name a larger source")
    height, width, channels = images.shape
    if height != width:
        raise UserError(
            f"{word} has images of {width}x{height} pixels",
            "square images",
            f"pass --size {min(height, width)}, or name an experiment, such as config:celeba",
        )
    return height, width, channels


class _Study:
    """The measurements of one set of images."""

    def __init__(
        self,
        images: Images,
        network: Any,
        reference: Statistics,
        batch_size: int,
        settings: Settings,
    ) -> None:
        self._images = images
        self._network = network
        self._reference = reference
        self._batch_size = batch_size
        self._count = settings["images"]
        self._seed = settings["seed"]
        self._swirl_radius = settings["swirl_radius"]

    def fill(self, log: "_Log", others: Images | None, names: Sequence[str]) -> None:
        """Measures what the log does not hold yet."""
        mixed = [(MIXED, level) for level in LEVELS[1:]] if others else []
        if not all(log.holds(*key) for key in [(UNDISTURBED, 0), *mixed]):
            log.add(self.undisturbed_and_mixed(others))
        for name in names:
            for level in LEVELS[1:]:
                if not log.holds(name, level):
                    log.add([self.disturbed(name, level)])

    def disturbed(self, name: str, level: int) -> Row:
        """One level of one disturbance."""
        meter = self._meter()
        batches = self._disturb(name, level)
        for batch in console.track(batches, f"{title(name)}, level {level}", self._count):
            meter.update(*self._network(batch))
        return meter.row(name, level, DISTURBANCES[name].alphas[level])

    def undisturbed_and_mixed(self, others: Images | None) -> list[Row]:
        """Level 0, and in the same pass the mixture with other images, where there are any."""
        if others is None:
            mixture = None
            levels: tuple[int, ...] = ()
        else:
            mixture = _Mixture(others, self._network, self._batch_size, self._count, self._seed)
            levels = LEVELS[1:]
        meters = {level: self._meter() for level in (0, *levels)}
        first = 0
        batches = self._images.in_order(self._batch_size, count=self._count)
        for batch in console.track(batches, UNDISTURBED, self._count):
            outputs = [np.array(output) for output in self._network(batch)]
            meters[0].update(*outputs)
            if mixture is not None:
                for level in levels:
                    meters[level].update(*mixture.replace(outputs, level, first))
            first += len(batch)
        rows = [meters[0].row(UNDISTURBED, 0, 0)]
        return rows + [meters[level].row(MIXED, level, MIXED_ALPHAS[level]) for level in levels]

    def _meter(self) -> "_Meter":
        return _Meter(self._network, self._reference, self._count)

    def _disturb(self, name: str, level: int) -> Iterator[np.ndarray]:
        first = 0
        for batch in self._images.in_order(self._batch_size, count=self._count):
            scaled = batch / np.float32(127.5) - 1
            disturbed = disturbances.disturb(
                scaled, name, level, self._seed, first, self._swirl_radius
            )
            yield (disturbed + 1) * np.float32(127.5)
            first += len(batch)


class _Mixture:
    """The network's outputs of other images, and which images they replace at each level."""

    def __init__(
        self, others: Images, network: Any, batch_size: int, count: int, seed: int
    ) -> None:
        self._chosen = {
            level: disturbances.replacements(count, others.num_images, MIXED_ALPHAS[level], seed)
            for level in LEVELS[1:]
        }
        # Every level takes from these.
        self._needed = np.setdiff1d(self._chosen[LEVELS[-1]], [-1])
        batches = console.track(
            _select(others.in_order(batch_size), self._needed),
            f"features of {others.source.word}",
            len(self._needed),
        )
        outputs = zip(*(network(batch) for batch in batches), strict=True)
        self._outputs = [np.concatenate(batches) for batches in outputs]

    def replace(self, outputs: Sequence[np.ndarray], level: int, first: int) -> list[np.ndarray]:
        """The outputs of a batch, with those that are replaced at this level.

        Args:
          outputs: arrays (n, ...) of the batch's own images.
          level: 1, 2 or 3.
          first: number of the batch's first image.
        """
        numbers = self._chosen[level][first : first + len(outputs[0])]
        replaced = (numbers >= 0)[:, None]
        place = np.searchsorted(self._needed, numbers)
        pairs = zip(outputs, self._outputs, strict=True)
        return [np.where(replaced, other[place], own) for own, other in pairs]


def _select(batches: Iterable[np.ndarray], numbers: np.ndarray) -> Iterator[np.ndarray]:
    """Yields the images with these numbers (sorted), batch by batch."""
    first = 0
    for batch in batches:
        low, high = np.searchsorted(numbers, (first, first + len(batch)))
        if low < high:
            yield batch[numbers[low:high] - first]
        first += len(batch)


class _Meter:
    """Both measures of one stream of network outputs."""

    def __init__(self, network: Any, reference: Statistics, count: int) -> None:
        self._network = network
        self._moments = Moments(network.dimension)
        self._score = InceptionScore(count)
        self._reference = reference

    def update(self, pool_3: np.ndarray, logits: np.ndarray) -> None:
        self._moments.update(pool_3)
        self._score.update(logits)

    def row(self, name: str, level: int, alpha: float) -> Row:
        """What was measured, as `measure` returns it."""
        reference = self._reference
        provenance = {
            **statistics.identity(self._network),
            "image_shape": reference.provenance.get("image_shape"),  # checked by `measure`
        }
        disturbed = Statistics(self._moments.mean, self._moments.covariance, provenance, name)
        scores = self._score.scores
        return {
            "disturbance": name,
            "level": level,
            "alpha": alpha,
            "fid": statistics.distance(disturbed, reference),
            "inception_score": float(np.mean(scores)),
            "inception_score_std": float(np.std(scores)),
        }


class _Log:
    """The rows so far, in a file whose first line has the settings that they belong to."""

    def __init__(self, path: pathlib.Path, settings: Settings) -> None:
        self._path = path
        settings = json.loads(json.dumps(settings))
        lines = files.read_json_lines(path)[0] if path.exists() else [settings]
        keys = {"disturbance", "level", "alpha", "fid", "inception_score", "inception_score_std"}
        if not lines or any(line.keys() != keys for line in lines[1:]):
            raise UserError(
                f"{path} is not what this study writes",
                "its settings and a row for each level",
                "move it away, or choose another --output",
            )
        if lines[0] != settings:
            changed = [key for key in settings if lines[0].get(key) != settings[key]]
            raise UserError(
                f"{path} holds values of another {', '.join(changed)}",
                "the same settings",
                "choose another --output",
            )
        self._settings = settings
        self.rows = lines[1:]
        self._write()

    def holds(self, name: str, level: int) -> bool:
        return any((row["disturbance"], row["level"]) == (name, level) for row in self.rows)

    def add(self, rows: Iterable[Row]) -> None:
        self.rows += [row for row in rows if not self.holds(row["disturbance"], row["level"])]
        self._write()

    def _write(self) -> None:
        with files.atomic(self._path, "w") as file:
            file.write("".join(json.dumps(line) + "\n" for line in (self._settings, *self.rows)))
