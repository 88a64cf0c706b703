"""Two sides whose images have passed through the network, and the measures of them."""

import dataclasses
import functools
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

import numpy as np

from tf_ttur.errors import UserError
from tf_ttur.metrics import measures, protocols, uncertainty
from tf_ttur.metrics.measures.collectors import Groups
from tf_ttur.metrics.statistics import Statistics

C = TypeVar("C")


class Side:
    """One side of a comparison, and what is collected while its images pass through the network.

    Args:
      name: how messages call it.
      dimension: of the features.
      num_images: how many will pass; None for a side of which only statistics are known.
      collectors: what to collect; of a side without images nothing is.

    Attributes:
      name, num_images: as given.
      statistics: of its features; to be set when the pass is over.
    """

    statistics: Statistics

    def __init__(
        self,
        name: str,
        dimension: int,
        num_images: int | None = None,
        collectors: Iterable[Callable[[int, int], Any]] = (),
    ) -> None:
        self.name = name
        self.num_images = num_images
        self._collected: dict[Any, Any] = {}
        if num_images is not None:
            self._collected = {make: make(dimension, num_images) for make in collectors}

    def observe(self, features: Any, logits: Any) -> None:
        """Takes in the network's outputs for a batch."""
        arrays: tuple[np.ndarray, np.ndarray | None] | None = None
        for collector in self._collected.values():
            if getattr(collector, "takes_tensors", False):
                collector.update(features, logits)
                continue
            if arrays is None:  # this waits for the device
                arrays = (
                    np.asarray(features, np.float32),
                    None if logits is None else np.asarray(logits),
                )
            collector.update(*arrays)

    def collected(self, kind: Callable[[int, int], C]) -> C:
        """What was collected by an entry of a measure's `collects`."""
        return self._collected[kind]

    @property
    def groups(self) -> uncertainty.GroupedMoments | None:
        """The moments in groups; None where there are none."""
        groups: Groups | None = self._collected.get(Groups)
        return None if groups is None else groups.moments

    @property
    def moments(self) -> tuple[np.ndarray, np.ndarray]:
        """(mean, covariance)."""
        return self.statistics.mu, self.statistics.sigma

    @property
    def sample(self) -> uncertainty.Sample:
        """What `uncertainty` takes: groups, or without any moments that count as exact."""
        return self.moments if self.groups is None else self.groups

    @property
    def has_known_error(self) -> bool:
        """Whether its sampling error is known: from groups, or 0 as only statistics are given."""
        return self.groups is not None or self.num_images is None


@dataclasses.dataclass(frozen=True)
class Comparison:
    """What a `Measure` is asked to measure.

    Attributes:
      source, reference: `Side`s whose pass is over.
      seed: of measures that draw at random.
    """

    source: Side
    reference: Side
    seed: int = 0

    @property
    def sides(self) -> tuple[Side, Side]:
        """(source, reference)."""
        return self.source, self.reference

    @property
    def is_of_same_images(self) -> bool:
        """Whether both sides are the same images. They are no two samples: nothing is uncertain."""
        digests = [side.statistics.provenance.get("images_digest") for side in self.sides]
        return digests[0] is not None and digests[0] == digests[1]

    @functools.cached_property
    def frechet(self) -> uncertainty.Estimate:
        """The Fréchet distance, for the measures whose `collects` holds `Groups`."""
        has_error = all(side.has_known_error for side in self.sides)
        if has_error and not self.is_of_same_images:
            return uncertainty.frechet(self.source.sample, self.reference.sample)
        return uncertainty.frechet(self.source.moments, self.reference.moments)


def with_interval(
    value: float,
    standard_error: float,
    num_parts: int,
    least: float = -np.inf,
    most: float = np.inf,
) -> dict[str, float]:
    """A result with its uncertainty.

    Args:
      value: the value.
      standard_error: of the value; NaN where it is not known.
      num_parts: parts of the data that the standard error comes from.
      least, most: the range of the value, where the 95 % interval ends.

    Returns:
      dict with value, standard_error, low and high; only the value where the standard error is NaN
      or 0. An error of 0 means that both sides are exact, or that all parts agree, as on a share of
      none. Agreement does not make the value certain.
    """
    result = {"value": float(value)}
    if standard_error > 0:
        low, high = uncertainty.interval(value, standard_error, num_parts)
        result["standard_error"] = float(standard_error)
        result["low"] = max(low, least)
        result["high"] = min(high, most)
    return result


def measure(
    names: Iterable[str],
    network: str,
    source: Side,
    reference: Side,
    seed: int = 0,
    protocol: str = protocols.OFFICIAL,
) -> dict[str, dict[str, float]]:
    """The measures of two sides.

    Args:
      names: as in `measures.find`. The counts must have passed `measures.check_counts`.
      network: its name, for the names of the results ("fid" is of the original network alone).
      source, reference: `Side`s whose pass is over. The Inception Score, precision and density are
        the source's.
      seed: of measures that draw at random.
      protocol: of `protocols.PROTOCOLS`, for the names of the results.

    Returns:
      {name of a value: dict with value, where known standard_error, low and high (95 % interval),
      and of the Inception Score std}.

    Raises:
      UserError: a measure of the user's own gives no results, or a side was made with another
        protocol.
    """
    comparison = Comparison(source, reference, seed)
    for side in comparison.sides:
        protocols.check(side.name, side.statistics.provenance, protocol)
    results = {}
    for name, chosen in measures.find(names).items():
        for kind, result in _checked(name, chosen.results(comparison)).items():
            numbers = {key: float(number) for key, number in result.items()}
            kind += measures.suffix(chosen)
            results[protocols.value_name(protocol, network, kind)] = numbers
    return results


def _checked(name: str, results: Any) -> Mapping[str, measures.Result]:
    if isinstance(results, Mapping) and all(
        isinstance(result, Mapping) and "value" in result for result in results.values()
    ):
        return results
    raise UserError(
        f"the results of {name} are {results!r}",
        '{name of a value: {"value": a number}}',
        "correct the measure",
    )
