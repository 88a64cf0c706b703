"""The Kernel Inception Distance as a measure; `kernel_distance` has its mathematics."""

import dataclasses
from collections.abc import Mapping

from tf_ttur.metrics.kernel_distance import BLOCK, DEGREE, kernel_distance
from tf_ttur.metrics.measures import Measure, Needs, Result
from tf_ttur.metrics.measures.collectors import Features
from tf_ttur.metrics.measures.comparison import Comparison, with_interval


@dataclasses.dataclass(frozen=True)
class KID(Measure):
    """The squared maximum mean discrepancy of features, without bias.

    Attributes:
      degree: of the kernel's polynomial.
      block: features of each side in a block.
      blocks: number of blocks; 0 takes all.

    Raises:
      ValueError: a value that is too small.
    """

    degree: int = DEGREE
    block: int = BLOCK
    blocks: int = 0

    title = "the Kernel Inception Distance"
    needs = Needs.IMAGES_OF_BOTH
    values = ("kid",)
    falls = True
    collects = (Features,)

    def __post_init__(self) -> None:
        if self.degree < 1 or self.block < 2 or self.blocks < 0:
            raise ValueError("degree is 1 or more, block 2 or more, blocks 0 or more")

    def least_images(self, dimension: int) -> int:
        if self.blocks:
            return self.block * self.blocks
        # With the usual size, a small side makes one smaller block.
        return 2 if self.block == BLOCK else self.block

    def results(self, comparison: Comparison) -> Mapping[str, Result]:
        source, reference = (side.collected(Features).features for side in comparison.sides)
        value, error, blocks = kernel_distance(
            source, reference, self.block, comparison.seed, self.degree, self.blocks
        )
        error = 0.0 if comparison.is_of_same_images else error
        return {"kid": with_interval(value, error, blocks)}
