"""How sure a distance is, and what it would be for infinitely many images: the delete-a-group
jackknife.

Every sample is cut into G groups. Leaving out one group after the other gives the standard error of
any statistic of the moments, and its bias to first order in 1/n (Quenouille 1956; Tukey 1958; Shao
and Tu 1995, section 2.3); both halves of the groups give the order 1/n^2 as well. So the Fréchet
distance is extrapolated to infinitely many images (FID infinity; Chong and Forsyth 2020 extrapolate
to first order, by a regression over random subsets). Where there are only a few images for each
feature higher orders matter and the correction goes wrong: see `enough`.
"""

import dataclasses

import numpy as np
import scipy.stats

from tf_ttur.metrics.frechet import frechet_distance
from tf_ttur.metrics.moments import Moments

GROUPS = 10
_PER_FEATURE = (
    8  # images for each feature from which on the correction holds, by simulation (docs/metrics.md)
)


def enough(dimension):
    """The number of images of each side from which on `Estimate.corrected` may be used."""
    return max(_PER_FEATURE * dimension, 2 * GROUPS)


@dataclasses.dataclass(frozen=True)
class Estimate:
    """A statistic with its uncertainty.

    Attributes:
      value: of all the data; biased as the statistic is for this number of images.
      corrected: without the bias of the orders 1/n and 1/n^2.
      standard_error: of both, from sampling alone.
      groups: G.
    """

    value: float
    corrected: float
    standard_error: float
    groups: int

    def interval(self, centre=None, confidence=0.95):
        """(low, high): of Student's t with G - 1 degrees of freedom, around `value` or another
        centre.
        """
        return interval(
            self.value if centre is None else centre, self.standard_error, self.groups, confidence
        )


def interval(centre, standard_error, parts, confidence=0.95):
    """(low, high) around a centre whose standard error comes from so many parts of the data, by
    Student's t.
    """
    reach = scipy.stats.t.ppf((1 + confidence) / 2, parts - 1) * standard_error
    return float(centre - reach), float(centre + reach)


def jackknife_error(*samples):
    """The standard error of a statistic, from its values with one group left out after the other.

    Args:
      *samples: for each of the independent samples (G,) values without each of its groups.
    """
    return float(np.sqrt(sum((len(values) - 1) * np.var(values) for values in samples)))


class GroupedMoments:
    """Moments of features in G groups of equal size.

    Of every G consecutive features each group gets one, in a random order: files are often sorted
    by class, or their classes take turns, and the groups should be alike either way. The order
    depends on nothing but the number of the feature.
    """

    _BUFFER = 1000  # features that are kept until an update, whose cost is that of the covariance and not of the features

    def __init__(self, dimension, groups=GROUPS):
        self._groups = [Moments(dimension) for _ in range(groups)]
        self._count, self._waiting, self._numbers = 0, [], []

    def update(self, features):
        """Takes in features of shape (n, d)."""
        self._waiting.append(np.asarray(features))
        self._numbers.append(group_numbers(self._count, len(features), len(self._groups)))
        self._count += len(features)
        if sum(map(len, self._waiting)) >= self._BUFFER:
            self._flush()

    def _flush(self):
        if self._waiting:
            features, numbers = np.concatenate(self._waiting), np.concatenate(self._numbers)
            for number, group in enumerate(self._groups):
                group.update(features[numbers == number])
            self._waiting, self._numbers = [], []

    @property
    def groups(self):
        """List of the groups' `Moments`."""
        self._flush()
        return self._groups

    def total(self):
        """`Moments` of all groups."""
        return merged(self.groups)

    def without_one(self):
        """Yields, for each group, the moments of all the others."""
        for left_out in range(len(self.groups)):
            yield merged(group for number, group in enumerate(self.groups) if number != left_out)


def group_numbers(first, count, groups=GROUPS):
    """(count,) the groups of the features from number `first` on, as `GroupedMoments` deals them."""
    blocks = range(first // groups, (first + count + groups - 1) // groups)
    orders = [np.random.default_rng(block).permutation(groups) for block in blocks]
    return np.concatenate(orders)[first % groups :][:count] if orders else np.zeros(0, int)


def merged(parts):
    """The `Moments` of several ones together."""
    parts = iter(parts)
    first = next(parts)
    total = Moments(len(first.mean))
    total.merge(first)
    for part in parts:
        total.merge(part)
    return total


def frechet(source, reference):
    """The Fréchet distance between two samples, with its uncertainty.

    Args:
      source, reference: each a `GroupedMoments`, or a (mean, covariance) pair that counts as exact.

    Returns:
      An `Estimate`; its error is 0 where both are exact.
    """
    a, b = _whole(source), _whole(reference)
    value = frechet_distance(*a, *b)
    parts = [
        _leave_out(source, value, lambda part: frechet_distance(*part, *b)),
        _leave_out(reference, value, lambda part: frechet_distance(*a, *part)),
    ]
    return _estimate(value, parts)


def difference(first, second, reference):
    """How much farther `first` is from the reference than `second`; arguments and result as of
    `frechet`.
    """
    a, b, r = _whole(first), _whole(second), _whole(reference)
    values = [frechet_distance(*side, *r) for side in (a, b)]
    value = values[0] - values[1]
    parts = [
        _leave_out(first, value, lambda part: frechet_distance(*part, *r) - values[1]),
        _leave_out(second, value, lambda part: values[0] - frechet_distance(*part, *r)),
        _leave_out(
            reference, value, lambda part: frechet_distance(*a, *part) - frechet_distance(*b, *part)
        ),
    ]
    return _estimate(value, parts)


def _whole(sample):
    return _pair(sample.total()) if isinstance(sample, GroupedMoments) else sample


def _pair(moments):
    return moments.mean, moments.covariance


def _leave_out(sample, value, statistic):
    """(bias, values without each group) of one sample, or None for one that counts as exact."""
    if not isinstance(sample, GroupedMoments):
        return None
    values = np.array([statistic(_pair(part)) for part in sample.without_one()])
    count = len(values)
    halves = [
        statistic(_pair(merged(half)))
        for half in (sample.groups[: count // 2], sample.groups[count // 2 :])
    ]
    # With value = limit + a + b, a and b of the orders 1/n and 1/n^2, leaving out groups measures a
    # + (x + 1) b, and the halves a + 3 b.
    x = count / (count - 1)
    from_groups, from_halves = (count - 1) * (values.mean() - value), np.mean(halves) - value
    bias = from_groups - x / (2 - x) * (from_halves - from_groups)
    return bias, values


def _estimate(value, parts):
    parts = [part for part in parts if part is not None]
    bias, samples = sum(part[0] for part in parts), [part[1] for part in parts]
    return Estimate(
        float(value),
        float(value - bias),
        jackknife_error(*samples),
        min(map(len, samples), default=2),
    )
