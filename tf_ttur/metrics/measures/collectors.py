"""What several measures collect while the images of a side pass through the network."""

from typing import Any

import numpy as np

from tf_ttur.metrics.uncertainty import GROUPS, GroupedMoments


class Features:
    """All features of a side, in memory.

    Args:
      dimension: of the features.
      num_images: how many will pass.
    """

    def __init__(self, dimension: int, num_images: int) -> None:
        # In one piece from the start: to join batches at the end would take twice the memory.
        self._features = np.empty((num_images, dimension), np.float32)
        self._count = 0

    def update(self, features: np.ndarray, logits: np.ndarray | None) -> None:
        """Keeps the features of a batch."""
        end = self._count + len(features)
        self._features[self._count : end] = features
        self._count = end

    @property
    def features(self) -> np.ndarray:
        """(num_images, dimension) float32, in the order of the images."""
        return self._features[: self._count]


class Groups:
    """Moments of a side's features in groups, which tell the sampling error of a distance.

    They are added up where the features are: it takes tensors.

    Args:
      dimension: of the features.
      num_images: how many will pass.

    Attributes:
      moments: `uncertainty.GroupedMoments`; None where there are too few images for groups.
    """

    takes_tensors = True

    def __init__(self, dimension: int, num_images: int) -> None:
        self.moments: GroupedMoments | None = None
        if num_images >= 2 * GROUPS:
            self.moments = GroupedMoments(dimension)

    def update(self, features: Any, logits: Any) -> None:
        """Adds the features of a batch to their groups."""
        if self.moments is not None:
            self.moments.update(features)
