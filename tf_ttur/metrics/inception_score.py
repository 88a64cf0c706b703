"""The Inception Score in its original definition (Salimans et al. 2016, section 4), streamed.

A score is exp(mean over images of KL(p(y|x) || p(y))), where p(y|x) is the softmax of the network's
logits and p(y) is its mean over the images. The images are divided into a few splits; the Inception
Score is the mean of the splits' scores.
"""

from collections.abc import Sequence

import numpy as np
import scipy.special
from numpy.typing import ArrayLike

SPLITS = 10  # of the published scores


class InceptionScore:
    """Takes logits batch by batch, in O(splits * classes) memory and float64.

    Args:
      num_images: how many will come. Split k holds the images from k * num_images // splits up to
        the next split's first, in the order in which they come, as in the original code.
      splits: number of splits.
      ends: the ends of the splits, ascending up to `num_images`; None divides them as above.

    Attributes:
      num_images: as above.
      count: how many images have come so far.

    Raises:
      ValueError: fewer images than splits.
    """

    def __init__(
        self, num_images: int, splits: int = SPLITS, ends: Sequence[int] | None = None
    ) -> None:
        if ends is not None:
            splits = len(ends)
        if not 1 <= splits <= num_images:
            raise ValueError(f"{splits} splits of {num_images} images; expected 1 ... {num_images}")
        self.num_images = num_images
        self.count = 0
        even = np.arange(1, splits + 1) * num_images // splits
        self._ends = even if ends is None else np.array(ends)
        self._sums: np.ndarray | None = None  # (splits, classes): of p(y|x)
        self._negative_entropies = np.zeros(splits)  # sums of p log p

    def update(self, logits: ArrayLike) -> None:
        """Takes logits of shape (n, classes), of any float dtype.

        Raises:
          ValueError: these are more images than announced.
        """
        log_p = scipy.special.log_softmax(np.asarray(logits, np.float64), axis=1)
        p = np.exp(log_p)
        if self._sums is None:
            self._sums = np.zeros((len(self._ends), p.shape[1]))
        splits = np.searchsorted(self._ends, self.count + np.arange(len(p)), side="right")
        if len(p) and splits[-1] == len(self._ends):
            raise ValueError(f"more than the {self.num_images} images that were announced")
        np.add.at(self._sums, splits, p)
        np.add.at(self._negative_entropies, splits, np.sum(p * log_p, axis=1))
        self.count += len(p)

    @property
    def scores(self) -> np.ndarray:
        """(splits,) float64 scores of the splits, each in 1 ... classes.

        The Inception Score is their mean.

        Raises:
          ValueError: fewer images have come than were announced.
        """
        if self.count != self.num_images or self._sums is None:
            raise ValueError(f"{self.count} images of the {self.num_images} that were announced")
        sizes = np.diff(self._ends, prepend=0)
        marginal = self._sums / sizes[:, None]
        return np.exp(
            self._negative_entropies / sizes
            - np.sum(scipy.special.xlogy(marginal, marginal), axis=1)
        )
