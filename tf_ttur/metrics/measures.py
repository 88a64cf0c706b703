"""Every measure of one comparison out of one pass over the images of each side."""

import numpy as np

from tf_ttur.errors import UserError
from tf_ttur.metrics import uncertainty
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
        self.name, self.statistics = name, None
        self.groups = self.score = self.features = None
        if num_images is None:
            return
        if num_images >= 2 * GROUPS:
            self.groups = GroupedMoments(dimension)
        if "is" in names and num_images >= SPLITS:
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
        return self.groups if self.groups is not None else (self.statistics.mu, self.statistics.sigma)


def check(names, source_has_images, reference_has_images):
    """Refuses, before any work, measures that these sides cannot give.

    Raises:
      UserError: naming the measure.
    """
    for name in names:
        if name not in NAMES:
            raise UserError(f"there is no metric {name}", ", ".join(NAMES), "correct --metrics")
        if name in _OF_FEATURES and not (source_has_images and reference_has_images):
            raise UserError(f"{name} with a side of which only statistics are known", "images on both sides", "name the images, or leave it out")
        if name == "is" and not source_has_images:
            raise UserError("is (the Inception Score) of a statistics file", "images as SOURCE", "name the images, or leave it out")
        if name == "fid_inf" and not (source_has_images or reference_has_images):
            raise UserError("fid_inf between two statistics files", "images on one side at least", "name the images, or leave it out")


def measure(names, network, source, reference, seed=0):
    """The measures.

    Args:
      names: out of `NAMES`.
      network: its name, for the names of the results ("fid" is of the original network alone).
      source, reference: `Side`s whose pass is over; the score, precision and density are the source's.
      seed: of the blocks of KID.

    Returns:
      {name of a value: dict with value, and where known standard_error, low and high (95 % interval), or std}.

    Raises:
      UserError: too few images for a measure.
    """
    results = {}

    def add(name, value, **more):
        results[metric_name(network, name)] = {"value": value, **more}

    estimate = uncertainty.frechet(source.sample, reference.sample) if {"fid", "fid_inf"} & set(names) else None
    for name in names:
        match name:
            case "fid" if estimate.standard_error == 0:
                add("fid", estimate.value)
            case "fid":
                low, high = estimate.interval()
                add("fid", estimate.value, standard_error=estimate.standard_error, low=low, high=high)
            case "fid_inf":
                if estimate.standard_error == 0:
                    raise UserError(f"fid_inf of fewer than {2 * GROUPS} images", f"{2 * GROUPS} or more", "name a larger source")
                low, high = estimate.interval(estimate.corrected)
                add("fid_inf", estimate.corrected, standard_error=estimate.standard_error, low=low, high=high)
            case "kid":
                value, error = kernel_distance(*_features(source, reference), seed=seed)
                add("kid", value, **({} if np.isnan(error) else {"standard_error": error, "low": value - 1.96 * error, "high": value + 1.96 * error}))
            case "is":
                if source.score is None:
                    raise UserError(f"the Inception Score of fewer than {SPLITS} images", f"{SPLITS} or more", "name a larger source")
                scores = source.score.scores
                add("inception_score", float(scores.mean()), std=float(scores.std()))
            case "prdc":
                real, generated = reversed(_features(source, reference))
                if min(len(real), len(generated)) <= NEAREST:
                    raise UserError(f"prdc of {len(generated)} and {len(real)} images", f"more than {NEAREST} of each", "name a larger source")
                for part, value in neighbours(real, generated).items():
                    add(part, value)
    return results


def _features(source, reference):
    return [np.concatenate(side.features) for side in (source, reference)]


def compare(first, second, reference):
    """Whether the first side is nearer to the reference than the second.

    The difference of the distances, corrected for the number of images, decides; "inconclusive" where its 95 % interval
    holds 0.

    Returns:
      dict: answer ("yes", "no" or "inconclusive"), difference (first minus second), standard_error, low, high.
    """
    estimate = uncertainty.difference(first.sample, second.sample, reference.sample)
    low, high = estimate.interval(estimate.corrected)
    answer = "yes" if high < 0 else "no" if low > 0 else "inconclusive"
    return {"answer": answer, "difference": estimate.corrected, "standard_error": estimate.standard_error, "low": low, "high": high}
