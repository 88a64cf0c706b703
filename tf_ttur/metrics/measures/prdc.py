"""Precision, recall, density and coverage as a measure; `neighbours` has its mathematics."""

import dataclasses
from collections.abc import Mapping

import numpy as np

from tf_ttur.metrics.measures import Measure, Needs, Result
from tf_ttur.metrics.measures.collectors import Features
from tf_ttur.metrics.measures.comparison import Comparison, with_interval
from tf_ttur.metrics.uncertainty import GROUPS


@dataclasses.dataclass(frozen=True)
class PRDC(Measure):
    """Where the features of the source lie among those of the reference, and the reverse.

    Attributes:
      k: which neighbour sets the radius of a ball.

    Raises:
      ValueError: k is below 1.
    """

    k: int = 5

    title = "precision, recall, density and coverage"
    needs = Needs.IMAGES_OF_BOTH
    values = ("precision", "recall", "density", "coverage")
    collects = (Features,)

    def __post_init__(self) -> None:
        if self.k < 1:
            raise ValueError("k is 1 or more")

    def least_images(self, dimension: int) -> int:
        return self.k + 1

    def results(self, comparison: Comparison) -> Mapping[str, Result]:
        from tf_ttur.metrics.neighbours import neighbours  # imports TensorFlow, which checks do not

        generated, real = (side.collected(Features).features for side in comparison.sides)
        results = {}
        for name, (value, error) in neighbours(real, generated, self.k).items():
            error = 0.0 if comparison.is_of_same_images else error
            most = np.inf if name == "density" else 1.0
            results[name] = with_interval(value, error, GROUPS, 0.0, most)
        return results
