"""The Inception Score as a measure; `metrics.inception_score` has its mathematics."""

import dataclasses
import functools
from collections.abc import Callable, Mapping

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
      splits: number of parts.
    """

    def __init__(self, dimension: int, num_images: int, splits: int = SPLITS) -> None:
        self._score = InceptionScore(num_images, splits)

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
        """(splits,) float64."""
        return self._score.scores


@functools.cache  # one collector for all measures with this number of parts
def _scores_of(splits: int) -> Callable[[int, int], Scores]:
    return functools.partial(Scores, splits=splits)


@dataclasses.dataclass(frozen=True)
class Score(Measure):
    """The mean score over parts of the source's images, with the standard deviation over them.

    Attributes:
      splits: number of parts.

    Raises:
      ValueError: splits is below 1.
    """

    splits: int = SPLITS

    title = "the Inception Score"
    needs = Needs.SOURCE_IMAGES
    needs_logits = True
    values = ("inception_score",)

    def __post_init__(self) -> None:
        if self.splits < 1:
            raise ValueError("splits is 1 or more")

    @property
    def collects(self) -> tuple[Callable[[int, int], Scores], ...]:  # type: ignore[override]
        """The scores of the parts."""
        return (_scores_of(self.splits),)

    def least_images(self, dimension: int) -> int:
        return self.splits

    def results(self, comparison: Comparison) -> Mapping[str, Result]:
        scores = comparison.source.collected(_scores_of(self.splits)).scores
        mean = scores.mean()
        results = {"value": mean, "std": scores.std()}
        if self.splits > 1:
            standard_error = scores.std(ddof=1) / np.sqrt(self.splits)
            results |= with_interval(mean, standard_error, self.splits)
        return {"inception_score": results}
