"""The Fréchet Inception Distance as a measure; `frechet` has its mathematics."""

from collections.abc import Mapping

from tf_ttur.metrics.measures import Measure, Needs, Result
from tf_ttur.metrics.measures.collectors import Groups
from tf_ttur.metrics.measures.comparison import Comparison, with_interval


class FID(Measure):
    """The Fréchet distance of the images that there are, with its bias; see `uncertainty`."""

    title = "the Fréchet Inception Distance"
    needs = Needs.STATISTICS
    values = ("fid",)
    falls = True
    collects = (Groups,)
    for_intervals = (Groups,)

    def results(self, comparison: Comparison) -> Mapping[str, Result]:
        estimate = comparison.frechet
        result = with_interval(estimate.value, estimate.standard_error, estimate.groups)
        return {"fid": result}
