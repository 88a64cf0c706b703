"""Precision, recall, density and coverage as a measure; `neighbours` has its mathematics."""

from collections.abc import Mapping

import numpy as np

from tf_ttur.metrics.measures import Measure, Needs, Result
from tf_ttur.metrics.measures.collectors import Features
from tf_ttur.metrics.measures.comparison import Comparison, with_interval
from tf_ttur.metrics.neighbours import NEAREST, neighbours
from tf_ttur.metrics.uncertainty import GROUPS


class PRDC(Measure):
    """Where the features of the source lie among those of the reference, and the reverse."""

    title = "precision, recall, density and coverage"
    needs = Needs.IMAGES_OF_BOTH
    collects = (Features,)

    def least_images(self, dimension: int) -> int:
        return NEAREST + 1

    def results(self, comparison: Comparison) -> Mapping[str, Result]:
        generated, real = (side.collected(Features).features for side in comparison.sides)
        results = {}
        for name, (value, error) in neighbours(real, generated).items():
            error = 0.0 if comparison.is_of_same_images else error
            most = np.inf if name == "density" else 1.0
            results[name] = with_interval(value, error, GROUPS, 0.0, most)
        return results
