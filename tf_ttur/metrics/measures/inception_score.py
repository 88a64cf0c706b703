"""The Inception Score as a measure; `metrics.inception_score` has its mathematics."""

from collections.abc import Mapping

import numpy as np

from tf_ttur.errors import UserError
from tf_ttur.metrics.inception_score import SPLITS, InceptionScore
from tf_ttur.metrics.measures import Measure, Needs, Result
from tf_ttur.metrics.measures.comparison import Comparison, with_interval


class Scores:
    """The scores of the parts of a side's images.

    Args:
      dimension: of the features, which do not matter.
      num_images: how many will pass.
    """

    def __init__(self, dimension: int, num_images: int) -> None:
        self._score = InceptionScore(num_images)

    def update(self, features: np.ndarray, logits: np.ndarray | None) -> None:
        """Takes in the logits of a batch. Raises `UserError` where there are none."""
        if logits is None:
            raise UserError(
                "the Inception Score by a network without logits",
                "a network that classifies",
                "leave the score out",
            )
        self._score.update(logits)

    @property
    def scores(self) -> np.ndarray:
        """(SPLITS,) float64."""
        return self._score.scores


class Score(Measure):
    """The mean score over parts of the source's images, with the standard deviation over them."""

    title = "the Inception Score"
    needs = Needs.SOURCE_IMAGES
    collects = (Scores,)

    def least_images(self, dimension: int) -> int:
        return SPLITS

    def results(self, comparison: Comparison) -> Mapping[str, Result]:
        scores = comparison.source.collected(Scores).scores
        mean = scores.mean()
        standard_error = scores.std(ddof=1) / np.sqrt(SPLITS)
        interval = with_interval(mean, standard_error, SPLITS)
        return {"inception_score": {"value": mean, "std": scores.std(), **interval}}
