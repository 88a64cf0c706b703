"""What the evaluator of guided-diffusion measures beside the FID, in its own definitions."""

from collections.abc import Mapping

import numpy as np

from tf_ttur.metrics.frechet import frechet_distance
from tf_ttur.metrics.inception_score import InceptionScore
from tf_ttur.metrics.measures import Measure, Needs, Result
from tf_ttur.metrics.measures.collectors import Features
from tf_ttur.metrics.measures.comparison import Comparison
from tf_ttur.metrics.measures.inception_score import Scores

_SPLIT_SIZE = 5000  # images of one score


class SFID(Measure):
    """The Fréchet distance of spatial features (Nash et al. 2021)."""

    title = "the FID of spatial features"
    needs = Needs.STATISTICS
    of_spatial_features = True

    def results(self, comparison: Comparison) -> Mapping[str, Result]:
        first, second = (side.statistics.spatial for side in comparison.sides)
        assert first is not None and second is not None  # as `sides.gather` has checked
        return {"sfid": {"value": frechet_distance(*first, *second)}}


class SplitScores(Scores):
    """The scores of every 5,000 images of a side, and of the rest.

    Args:
      dimension: of the features, which do not matter.
      num_images: how many will pass.
    """

    def __init__(self, dimension: int, num_images: int) -> None:
        ends = [*range(_SPLIT_SIZE, num_images, _SPLIT_SIZE), num_images]
        self._score = InceptionScore(num_images, ends=ends)


class Score(Measure):
    """The mean of the scores of every 5,000 images of the source; the rest counts as much."""

    title = "the Inception Score"
    needs = Needs.SOURCE_IMAGES
    collects = (SplitScores,)

    def results(self, comparison: Comparison) -> Mapping[str, Result]:
        scores = comparison.source.collected(SplitScores).scores
        return {"adm_inception_score": {"value": scores.mean(), "std": scores.std()}}


class PrecisionRecall(Measure):
    """Precision and recall with balls to the 3rd nearest neighbour; see `adm_neighbours`."""

    title = "precision and recall"
    needs = Needs.IMAGES_OF_BOTH
    collects = (Features,)

    def least_images(self, dimension: int) -> int:
        return 4

    def results(self, comparison: Comparison) -> Mapping[str, Result]:
        from tf_ttur.metrics.adm_neighbours import precision_recall  # imports TensorFlow

        samples, reference = (
            np.asarray(side.collected(Features).features) for side in comparison.sides
        )
        precision, recall = precision_recall(reference, samples)
        return {"adm_precision": {"value": precision}, "adm_recall": {"value": recall}}
