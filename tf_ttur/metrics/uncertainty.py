"""The uncertainty of a distance, and its limit for infinitely many images: the delete-a-group
jackknife.

Every sample is divided into G groups. Leaving out each group in turn gives the standard error of
any statistic of the moments, and its bias to first order in 1/n (Quenouille 1956; Tukey 1958; Shao
and Tu 1995, section 2.3). Both halves of the groups give the order 1/n^2 as well. In this way the
Fréchet distance is extrapolated to infinitely many images (FID infinity; Chong and Forsyth 2020
extrapolate to first order, by a regression over random subsets). With few images per feature,
higher orders matter and the correction is wrong: see `enough`.
"""

import dataclasses
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import scipy.special

from tf_ttur.metrics.frechet import frechet_distance
from tf_ttur.metrics.moments import Moments

if TYPE_CHECKING:
    from tf_ttur.metrics.device_moments import DeviceMoments

GROUPS = 10

# Images per feature from which on the correction holds, by simulation (docs/metrics.md).
_PER_FEATURE = 8

# (mean, covariance), (d,) and (d, d), that count as exact.
Exact = tuple[np.ndarray, np.ndarray]


def enough(dimension: int) -> int:
    """The number of images of each side from which on `Estimate.corrected` may be used."""
    return max(_PER_FEATURE * dimension, 2 * GROUPS)


@dataclasses.dataclass(frozen=True)
class Estimate:
    """A statistic with its uncertainty.

    Attributes:
      value: of all the data; it has the bias that the statistic has for this number of images.
      corrected: without the bias of the orders 1/n and 1/n^2.
      standard_error: of both, from sampling alone.
      groups: G.
    """

    value: float
    corrected: float
    standard_error: float
    groups: int

    def interval(
        self, centre: float | None = None, confidence: float = 0.95
    ) -> tuple[float, float]:
        """(low, high) by Student's t with G - 1 degrees of freedom.

        Args:
          centre: of the interval; None takes `value`.
          confidence: the share of such intervals that hold the true value.
        """
        if centre is None:
            centre = self.value
        return interval(centre, self.standard_error, self.groups, confidence)


def interval(
    centre: float, standard_error: float, num_parts: int, confidence: float = 0.95
) -> tuple[float, float]:
    """(low, high) around a centre, by Student's t.

    Args:
      centre: of the interval.
      standard_error: of the centre.
      num_parts: the number of parts of the data that the standard error was estimated from.
      confidence: the share of such intervals that hold the true value.
    """
    reach = scipy.special.stdtrit(num_parts - 1, (1 + confidence) / 2) * standard_error
    return float(centre - reach), float(centre + reach)


def jackknife_error(*samples: np.ndarray | list[float]) -> float:
    """The standard error of a statistic, from its values with each group left out in turn.

    Args:
      *samples: for each of the independent samples, (G,) values without each of its groups.
    """
    return float(np.sqrt(sum((len(values) - 1) * np.var(values) for values in samples)))


class GroupedMoments:
    """Moments of features in G groups of equal size.

    Of every G consecutive features each group gets one, in a random order. Files are often sorted
    by class, or their classes alternate, and the groups should be alike in either case. The order
    depends on nothing but the number of the feature.

    Args:
      dimension: d, of the features.
      groups: G.
      make: makes the moments of one group; None adds features up where they are: arrays on the
        host, tensors where `device_moments.create` says.
    """

    # Features that are collected before an update, which costs as much as the covariance is large,
    # however few features it adds.
    _BUFFER = 1000

    def __init__(
        self,
        dimension: int,
        groups: int = GROUPS,
        make: "Callable[[int], Moments | DeviceMoments] | None" = None,
    ) -> None:
        self._dimension = dimension
        self._num_groups = groups
        self._make = make
        self._groups: list[Any] = []
        self._on_host: list[Moments] = []  # empty where they are not all the features
        self._count = 0
        self._waiting: list[Any] = []
        self._numbers: list[np.ndarray] = []

    def update(self, features: Any) -> None:
        """Adds features of shape (n, d), an array or a tensor."""
        self._on_host = []
        self._waiting.append(features)
        self._numbers.append(group_numbers(self._count, len(features), self._num_groups))
        self._count += len(features)
        if sum(map(len, self._waiting)) >= self._BUFFER:
            self._flush()

    def _flush(self) -> None:
        if not self._groups:
            make = self._make or self._maker()
            self._groups = [make(self._dimension) for _ in range(self._num_groups)]
        if not self._waiting:
            return
        numbers = np.concatenate(self._numbers)
        for group, features in zip(self._groups, self._by_group(numbers), strict=True):
            group.update(features)
        self._waiting = []
        self._numbers = []

    def _maker(self) -> "Callable[[int], Moments | DeviceMoments]":
        if all(isinstance(features, np.ndarray) for features in self._waiting):
            return Moments
        from tf_ttur.metrics import device_moments  # imports TensorFlow, which has made them

        return device_moments.create

    def _by_group(self, numbers: np.ndarray) -> Iterator[Any]:
        """Yields the waiting features of each group: (n, d), with the numbers of the groups."""
        if all(isinstance(features, np.ndarray) for features in self._waiting):
            joined = np.concatenate(self._waiting)
            for number in range(self._num_groups):
                yield joined[numbers == number]
            return
        import tensorflow as tf

        # One row of indices goes to the device, and not one for each group.
        rows = tf.gather(tf.concat(self._waiting, 0), np.argsort(numbers, kind="stable"))
        ends = np.cumsum(np.bincount(numbers, minlength=self._num_groups))
        for start, end in zip([0, *ends[:-1]], ends, strict=True):
            yield rows[start:end]

    @property
    def groups(self) -> list[Moments]:
        """The `Moments` of each group."""
        if not self._on_host:
            self._flush()
            self._on_host = [group.on_host() for group in self._groups]
        return self._on_host

    def total(self) -> Moments:
        """The `Moments` of all groups."""
        return merged(self.groups)

    def without_one(self) -> Iterator[Moments]:
        """Yields, for each group, the moments of all the others."""
        for left_out in range(self._num_groups):
            yield merged(group for number, group in enumerate(self.groups) if number != left_out)


Sample = GroupedMoments | Exact


def group_numbers(first: int, count: int, groups: int = GROUPS) -> np.ndarray:
    """The groups that `GroupedMoments` puts features in.

    Args:
      first: number of the first feature.
      count: of features.
      groups: G.

    Returns:
      (count,) integers in 0 ... G - 1.
    """
    blocks = range(first // groups, (first + count + groups - 1) // groups)
    orders = [np.random.default_rng(block).permutation(groups) for block in blocks]
    return np.concatenate(orders)[first % groups :][:count] if orders else np.zeros(0, int)


def merged(samples: Iterable[Moments]) -> Moments:
    """The `Moments` of several samples together, at least one."""
    samples = iter(samples)
    first = next(samples)
    total = Moments(len(first.mean))
    total.merge(first)
    for sample in samples:
        total.merge(sample)
    return total


def frechet(source: Sample, reference: Sample) -> Estimate:
    """The Fréchet distance between two samples, with its uncertainty.

    Args:
      source, reference: each a `GroupedMoments`, or a (mean, covariance) pair that counts as exact.

    Returns:
      An `Estimate`; its error is 0 where both are exact.
    """
    first = _exact(source)
    second = _exact(reference)
    value = frechet_distance(*first, *second)
    return _estimate(
        value,
        _leave_out(source, value, lambda subset: frechet_distance(*subset, *second)),
        _leave_out(reference, value, lambda subset: frechet_distance(*first, *subset)),
    )


def difference(first: Sample, second: Sample, reference: Sample) -> Estimate:
    """How much farther `first` is from the reference than `second` is.

    Args:
      first, second, reference: as in `frechet`.

    Returns:
      An `Estimate` of the difference between the two distances.
    """
    a = _exact(first)
    b = _exact(second)
    r = _exact(reference)
    distance_a = frechet_distance(*a, *r)
    distance_b = frechet_distance(*b, *r)
    value = distance_a - distance_b

    def by_reference(subset: Exact) -> float:
        return frechet_distance(*a, *subset) - frechet_distance(*b, *subset)

    return _estimate(
        value,
        _leave_out(first, value, lambda subset: frechet_distance(*subset, *r) - distance_b),
        _leave_out(second, value, lambda subset: distance_a - frechet_distance(*subset, *r)),
        _leave_out(reference, value, by_reference),
    )


class _Jackknife(NamedTuple):
    """The bias that one sample causes, and the (G,) values without each of its groups."""

    bias: float
    values: np.ndarray


def _exact(sample: Sample) -> Exact:
    return _pair(sample.total()) if isinstance(sample, GroupedMoments) else sample


def _pair(moments: Moments) -> Exact:
    return moments.mean, moments.covariance


def _leave_out(
    sample: Sample, value: float, statistic: Callable[[Exact], float]
) -> _Jackknife | None:
    """The jackknife of one sample; None for a sample that counts as exact.

    Args:
      sample: whose groups are left out.
      value: the statistic of all its groups.
      statistic: the statistic as a function of this sample's (mean, covariance).
    """
    if not isinstance(sample, GroupedMoments):
        return None
    values = np.array([statistic(_pair(others)) for others in sample.without_one()])
    count = len(values)
    halves = [
        statistic(_pair(merged(half)))
        for half in (sample.groups[: count // 2], sample.groups[count // 2 :])
    ]
    # Let value = limit + a + b, with a and b of the orders 1/n and 1/n^2. Leaving out groups then
    # measures a + (x + 1) b, and the halves measure a + 3 b.
    x = count / (count - 1)
    from_groups = (count - 1) * (values.mean() - value)
    from_halves = np.mean(halves) - value
    bias = from_groups - x / (2 - x) * (from_halves - from_groups)
    return _Jackknife(bias, values)


def _estimate(value: float, *jackknives: _Jackknife | None) -> Estimate:
    sampled = [jackknife for jackknife in jackknives if jackknife is not None]
    bias = sum(jackknife.bias for jackknife in sampled)
    samples = [jackknife.values for jackknife in sampled]
    return Estimate(
        value=float(value),
        corrected=float(value - bias),
        standard_error=jackknife_error(*samples),
        groups=min(map(len, samples), default=2),
    )
