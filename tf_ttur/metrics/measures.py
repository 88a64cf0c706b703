"""Every measure of one comparison out of one pass over the images of each side."""

import warnings

import numpy as np

from tf_ttur.errors import UserError
from tf_ttur.metrics import statistics, uncertainty
from tf_ttur.metrics.inception import metric_name
from tf_ttur.metrics.inception_score import SPLITS, InceptionScore
from tf_ttur.metrics.kernel_distance import kernel_distance
from tf_ttur.metrics.neighbours import NEAREST, neighbours
from tf_ttur.metrics.uncertainty import GROUPS, GroupedMoments

NAMES = ("fid", "fid_inf", "kid", "is", "prdc")
_OF_FEATURES = {"kid", "prdc"}  # they need the features themselves, of both sides


class Side:
    """One side of a comparison, and what is collected while its images pass through the network.

    Args:
      name: how messages call it.
      names: the measures that will be asked for, out of `NAMES`.
      dimension: of the features.
      num_images: how many will pass; None for a side of which only statistics are known.

    Attributes:
      statistics: `statistics.Statistics`, to be set when the pass is over.
    """

    def __init__(self, name, names, dimension, num_images=None):
        self.name, self.num_images, self.statistics = name, num_images, None
        self.groups = self.score = self.features = None
        if num_images is None:
            return
        if num_images >= 2 * GROUPS:
            self.groups = GroupedMoments(dimension)
        if "is" in names:
            self.score = InceptionScore(num_images)
        if _OF_FEATURES & set(names):
            self.features = []

    def observe(self, pool_3, logits):
        """Takes in the network's outputs for a batch."""
        if self.groups is not None:
            self.groups.update(pool_3)
        if self.score is not None:
            self.score.update(logits)
        if self.features is not None:
            self.features.append(np.asarray(pool_3, np.float32))

    @property
    def sample(self):
        """What `uncertainty` takes: groups where there are some, else moments that count as exact."""
        return self.groups if self.groups is not None else self.moments

    @property
    def moments(self):
        """(mean, covariance)."""
        return self.statistics.mu, self.statistics.sigma

    @property
    def has_known_error(self):
        """Whether its sampling error is known: from groups, or 0 as only statistics are given."""
        return self.groups is not None or self.num_images is None


def check_counts(names, dimension, source, reference):
    """Refuses, before any work, measures for which there are too few images.

    Args:
      names: out of `NAMES`.
      dimension: of the features.
      source, reference: numbers of images; None where only statistics are known.

    Raises:
      UserError: naming the measure.
    """
    least = {"is": SPLITS, "kid": 2, "prdc": NEAREST + 1, "fid_inf": uncertainty.enough(dimension)}
    for name in names:
        for count in (source,) if name == "is" else (source, reference):
            if count is not None and count < least.get(name, 0):
                raise UserError(
                    f"{name} of {count} images",
                    f"{least[name]:,} or more",
                    "name more images, or leave it out",
                )


def check(names, source_has_images, reference_has_images):
    """Refuses, before any work, measures that these sides cannot give.

    Raises:
      UserError: naming the measure.
    """
    for name in names:
        if name not in NAMES:
            raise UserError(f"there is no metric {name}", ", ".join(NAMES), "name some of those")
        if name in _OF_FEATURES and not (source_has_images and reference_has_images):
            raise UserError(
                f"{name} with a side of which only statistics are known",
                "images on both sides",
                "name the images, or leave it out",
            )
        if name == "is" and not source_has_images:
            raise UserError(
                "is (the Inception Score) of a statistics file",
                "images, of which it is a measure",
                "name the images, or leave it out",
            )
        if name == "fid_inf" and not (source_has_images or reference_has_images):
            raise UserError(
                "fid_inf between two statistics files",
                "images on one side at least",
                "name the images, or leave it out",
            )


def collect(names, opened, network, extract, allow_mixed=False):
    """The sides of a comparison, after one pass over the images of each. All that can be checked
    is, before the long work on any side.

    Args:
      names: out of `NAMES`; they must have passed `check`.
      opened: list of (name, `statistics.Statistics`, or images with `num_images` and `shape`); the
        source first. A shape that is not known is None.
      network: as in `extraction.compute`; None if there are statistics only.
      extract: function (images, observers) -> `statistics.Statistics`, the observers as in
        `extraction.compute`.
      allow_mixed: whether features may be of different precision.

    Returns:
      List of `Side`.

    Raises:
      UserError: sides that do not belong together, or images that cannot be used.
    """
    is_known = [isinstance(side, statistics.Statistics) for _, side in opened]
    shapes = [None if known else side.shape for known, (_, side) in zip(is_known, opened)]
    if network:
        check_counts(
            names,
            network.dimension,
            *[None if known else side.num_images for known, (_, side) in zip(is_known[:2], opened)],
        )
    first = next(filter(None, shapes), None)
    for known, shape, (name, side) in zip(is_known, shapes, opened):
        if known:
            statistics.check_whole(side)
            if network:
                statistics.check(side, network, first, allow_mixed)
        elif shape not in (first, None):
            found = f"{name} has images of {shape[1]}x{shape[0]} pixels, another side of {first[1]}x{first[0]}"
            raise UserError(found, "one size", "resize them")
        images = side.provenance.get("num_images") if known else None
        if "fid_inf" in names and images and images < uncertainty.enough(len(side.mu)):
            warnings.warn(
                f"{name} is of {images:,} images and counts as exact: the fid_inf holds the bias of so few",
                stacklevel=2,
            )
    sides = []
    for known, (name, side) in zip(is_known, opened):
        wanted = [each for each in names if each != "is" or not sides]  # the score is the source's
        sides.append(
            Side(name, wanted, len(side.mu))
            if known
            else Side(name, wanted, network.dimension, side.num_images)
        )
        sides[-1].statistics = side if known else extract(side, [sides[-1].observe])
    for side in sides[1:]:
        statistics.check_pair(sides[0].statistics, side.statistics, allow_mixed)
    return sides


def network_name(sides):
    """Of the network of some `Side`s' features, as far as they tell; else "unknown"."""
    return next(
        (side.statistics.provenance["network"] for side in sides if side.statistics.provenance),
        "unknown",
    )


def measure(names, network, source, reference, seed=0):
    """The measures.

    Args:
      names: out of `NAMES`.
      network: its name, for the names of the results ("fid" is of the original network alone).
      source, reference: `Side`s whose pass is over; the score, precision and density are the
        source's.
      seed: of the blocks of KID.

    Returns:
      {name of a value: dict with value, where known standard_error, low and high (95 % interval),
      and of the score std}.

    The counts must have passed `check_counts`.
    """
    results = {}

    def add(name, value, **more):
        results[metric_name(network, name)] = {"value": value, **more}

    digests = [side.statistics.provenance.get("images_digest") for side in (source, reference)]
    same = (
        digests[0] is not None and digests[0] == digests[1]
    )  # no two samples: there is nothing to be unsure of
    has_error = not same and source.has_known_error and reference.has_known_error
    samples = [side.sample if has_error else side.moments for side in (source, reference)]
    estimate = uncertainty.frechet(*samples) if {"fid", "fid_inf"} & set(names) else None
    features = (
        [np.concatenate(side.features) for side in (source, reference)]
        if _OF_FEATURES & set(names)
        else None
    )
    for name in names:
        match name:
            case "fid":
                add(
                    "fid",
                    estimate.value,
                    **_spread(estimate.value, estimate.standard_error, estimate.groups),
                )
            case "fid_inf":
                add(
                    "fid_inf",
                    estimate.corrected,
                    **_spread(estimate.corrected, estimate.standard_error, estimate.groups),
                )
            case "kid":
                value, error, blocks = kernel_distance(*features, seed=seed)
                add("kid", value, **_spread(value, 0 if same else error, blocks))
            case "is":
                scores = source.score.scores
                error = scores.std(ddof=1) / np.sqrt(SPLITS)
                add(
                    "inception_score",
                    float(scores.mean()),
                    std=float(scores.std()),
                    **_spread(scores.mean(), error, SPLITS),
                )
            case "prdc":
                generated, real = features
                for part, (value, error) in neighbours(real, generated).items():
                    most = np.inf if part == "density" else 1.0  # of all values that it can have
                    add(part, value, **_spread(value, 0 if same else error, GROUPS, 0.0, most))
    return results


def _spread(value, standard_error, parts, least=-np.inf, most=np.inf):
    """What a result says of its uncertainty, which comes from so many parts of the data; the 95 %
    interval ends at `least` and `most`.

    Nothing where the error is NaN, and where it is 0: either both sides are exact, or all parts
    agree, as of a share of none, which does not make it sure.
    """
    if not standard_error > 0:
        return {}
    low, high = uncertainty.interval(value, standard_error, parts)
    return {
        "standard_error": float(standard_error),
        "low": max(low, least),
        "high": min(high, most),
    }


def compare(first, second, reference):
    """Whether the first side is nearer to the reference than the second.

    The difference of the distances decides, "inconclusive" where its 95 % interval holds 0. Where
    there are enough images it is corrected for their number; else both sides must have the same
    number, so that their biases are alike.

    Returns:
      dict: answer ("yes", "no" or "inconclusive"), difference (first minus second), corrected
        (whether it is), standard_error,
      low, high.

    Raises:
      UserError: too few images of unequal number, or the same images twice.
    """
    known = {}
    for side in (first, second, reference):
        other = known.setdefault(side.statistics.provenance.get("images_digest") or side, side)
        if other is not side:
            raise UserError(
                f"{other.name} and {side.name} are the same images",
                "three sets of images that are independent",
                "name others",
            )
    estimate = uncertainty.difference(first.sample, second.sample, reference.sample)
    corrected = can_compare(
        len(first.statistics.mu), first.num_images, second.num_images, reference.num_images
    )
    centre = estimate.corrected if corrected else estimate.value
    low, high = estimate.interval(centre)
    answer = "yes" if high < 0 else "no" if low > 0 else "inconclusive"
    return {
        "answer": answer,
        "difference": centre,
        "corrected": corrected,
        "standard_error": estimate.standard_error,
        "low": low,
        "high": high,
    }


def can_compare(dimension, first, second, reference):
    """Whether the difference of two sides of these numbers of images can be corrected for the
    numbers (else they are equal).

    Raises:
      UserError: neither.
    """
    least, few = uncertainty.enough(dimension), 2 * GROUPS
    counts = [count for count in (first, second, reference) if count is not None]
    if min(counts) >= least:
        return True
    if first != second or min(counts) < few:
        raise UserError(
            f"sets of {first} and {second} images",
            f"equal numbers of {few} or more, or {least:,} or more of each",
            "take the same number of both",
        )
    return False
