"""The Inception Score in its original definition (Salimans et al. 2016, section 4), streamed.

exp(mean over images of KL(p(y|x) || p(y))), once for each of a few parts of the images; the score
is the mean over the parts. p(y|x) is the softmax of the network's logits, p(y) its mean over the
images of the part.
"""

import numpy as np
import scipy.special

SPLITS = 10  # parts of the published scores


class InceptionScore:
    """Takes logits batch by batch, in O(splits * classes) memory and float64.

    Args:
      num_images: how many will come; part k holds the images k * num_images // splits up to the
        next part's first, in the order in which they come, as in the original code.
      splits: number of parts.

    Raises:
      ValueError: fewer images than parts.
    """

    def __init__(self, num_images, splits=SPLITS):
        if not 1 <= splits <= num_images:
            raise ValueError(f"{splits} splits of {num_images} images; expected 1 ... {num_images}")
        self.num_images, self.count = num_images, 0
        self._ends = np.arange(1, splits + 1) * num_images // splits
        self._sums = None  # (splits, classes): of p(y|x)
        self._negative_entropies = np.zeros(splits)  # sums of p log p

    def update(self, logits):
        """Takes in logits of shape (n, classes), any float dtype."""
        log_p = scipy.special.log_softmax(np.asarray(logits, np.float64), axis=1)
        p = np.exp(log_p)
        if self._sums is None:
            self._sums = np.zeros((len(self._ends), p.shape[1]))
        parts = np.searchsorted(self._ends, self.count + np.arange(len(p)), side="right")
        if len(p) and parts[-1] == len(self._ends):
            raise ValueError(f"more than the {self.num_images} images that were announced")
        np.add.at(self._sums, parts, p)
        np.add.at(self._negative_entropies, parts, np.sum(p * log_p, axis=1))
        self.count += len(p)

    @property
    def scores(self):
        """(splits,) float64 scores of the parts, each in 1 ... classes. The Inception Score is
        their mean.
        """
        if self.count != self.num_images:
            raise ValueError(f"{self.count} images of the {self.num_images} that were announced")
        sizes = np.diff(self._ends, prepend=0)
        marginal = self._sums / sizes[:, None]
        return np.exp(
            self._negative_entropies / sizes
            - np.sum(scipy.special.xlogy(marginal, marginal), axis=1)
        )
