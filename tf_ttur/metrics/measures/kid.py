"""The Kernel Inception Distance as a measure; `kernel_distance` has its mathematics."""

from collections.abc import Mapping

from tf_ttur.metrics.kernel_distance import kernel_distance
from tf_ttur.metrics.measures import Measure, Needs, Result
from tf_ttur.metrics.measures.collectors import Features
from tf_ttur.metrics.measures.comparison import Comparison, with_interval


class KID(Measure):
    """The squared maximum mean discrepancy of features, without bias."""

    title = "the Kernel Inception Distance"
    needs = Needs.IMAGES_OF_BOTH
    collects = (Features,)

    def least_images(self, dimension: int) -> int:
        return 2

    def results(self, comparison: Comparison) -> Mapping[str, Result]:
        source, reference = (side.collected(Features).features for side in comparison.sides)
        value, error, blocks = kernel_distance(source, reference, seed=comparison.seed)
        error = 0.0 if comparison.is_of_same_images else error
        return {"kid": with_interval(value, error, blocks)}
