"""The FID of infinitely many images as a measure; `uncertainty` has its mathematics."""

from collections.abc import Mapping

from tf_ttur.metrics import uncertainty
from tf_ttur.metrics.measures import Measure, Needs, Result
from tf_ttur.metrics.measures.collectors import Groups
from tf_ttur.metrics.measures.comparison import Comparison, with_interval


class FIDInfinity(Measure):
    """The Fréchet distance without the bias of the numbers of images. Statistics count as exact."""

    title = "the FID of infinitely many images"
    needs = Needs.IMAGES_OF_ONE
    values = ("fid_inf",)
    falls = True
    collects = (Groups,)

    def least_images(self, dimension: int) -> int:
        return uncertainty.enough(dimension)

    def results(self, comparison: Comparison) -> Mapping[str, Result]:
        estimate = comparison.frechet
        result = with_interval(estimate.corrected, estimate.standard_error, estimate.groups)
        return {"fid_inf": result}
