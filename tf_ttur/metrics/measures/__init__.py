"""The measures of generated images against real ones: one registry entry and one file for each.

This file imports neither TensorFlow nor the measures. To add one, write its class in a file of this
folder, as `Measure` describes, and its entry here: the checks, `tf-ttur fid --metrics` with its
help, and `metrics.evaluate` take it from the registry. A measure of your own needs no entry:
wherever a name is allowed, `MODULE:OBJECT` or `PATH.py:OBJECT` is allowed too.
"""

import dataclasses
import enum
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from tf_ttur.errors import UserError
from tf_ttur.registry import Entry, Registry, is_object, load

if TYPE_CHECKING:
    import numpy as np

    from tf_ttur.metrics.measures.comparison import Comparison

# What a measure says of one value: "value", and where they are known "std", "standard_error", "low"
# and "high" (95 % interval).
Result = Mapping[str, float]


class Needs(enum.Enum):
    """The sides that must be images. Of the others, stored statistics are enough."""

    STATISTICS = "statistics"  # statistics of both sides are enough
    SOURCE_IMAGES = "source"  # it measures the source alone
    IMAGES_OF_ONE = "one"
    IMAGES_OF_BOTH = "both"


class Collector(Protocol):
    """What is collected of one side while its images pass through the network.

    Its class is called with (dimension, num_images): the number of features, and the number of
    images that will pass.
    """

    def update(self, features: "np.ndarray", logits: "np.ndarray | None") -> None:
        """Takes in a batch.

        Args:
          features: (n, d) float32.
          logits: (n, classes) float32, or None from a network without any.
        """


class Measure(Protocol):
    """A measure of images, the source, against others, the reference.

    To write your own, inherit from this class and define `results`. For example, the distance of
    the mean features, for which statistics are enough:

        class MeanDistance(Measure):
            def results(self, comparison):
                first, second = (side.statistics.mu for side in comparison.sides)
                return {"mean_distance": {"value": np.linalg.norm(first - second)}}

    If its file is mine.py, `--metrics fid,mine.py:MeanDistance` takes it.

    Attributes:
      title: what the name stands for, in messages; may be empty.
      needs: the sides of which it needs images.
      collects: classes of `Collector`, such as `collectors.Features` and `collectors.Groups`. One
        of each is made for every side that has images, and shared by all measures that name its
        class; `side.collected(Features)` gives it. With `Needs.SOURCE_IMAGES`, of the source only.
    """

    title: str = ""
    needs: Needs = Needs.STATISTICS
    collects: tuple[Callable[[int, int], Collector], ...] = ()

    def least_images(self, dimension: int) -> int:
        """The number of images that it needs on each side that it needs images of.

        Args:
          dimension: of the features.
        """
        return 0

    def results(self, comparison: "Comparison") -> Mapping[str, Result]:
        """Its values, when all images have passed.

        Args:
          comparison: the source and the reference, with what was collected of them.

        Returns:
          {name of a value: {"value": float, ...}}. `measures.comparison.with_interval` makes the
          inner dictionary from a value and its standard error. Names get the name of the network as
          an ending, unless it is the original.
        """
        raise NotImplementedError


@dataclasses.dataclass(frozen=True, kw_only=True)
class MeasureEntry(Entry):
    """An entry of `MEASURES`.

    Attributes:
      measure: a `Measure`, or a class of one, or `module:object` of either.
    """

    measure: Any

    def make(self) -> Measure:
        """The measure itself."""
        measure = load(self.measure)
        return measure() if isinstance(measure, type) else measure


def _adopt(thing: Any) -> MeasureEntry:
    if isinstance(thing, MeasureEntry):
        return thing
    measure = thing() if isinstance(thing, type) else thing
    attributes = ("title", "needs", "collects", "least_images", "results")
    missing = [name for name in attributes if not hasattr(measure, name)]
    if missing:
        raise TypeError(
            f"it has no {' and no '.join(missing)}; inherit from tf_ttur.metrics.measures.Measure"
        )
    return MeasureEntry(measure=measure)


MEASURES: Registry[MeasureEntry] = Registry(
    "measure",
    {
        "fid": MeasureEntry(
            measure="tf_ttur.metrics.measures.fid:FID",
            help="Fréchet Inception Distance (Heusel et al. 2017)",
        ),
        "fid_inf": MeasureEntry(
            measure="tf_ttur.metrics.measures.fid_inf:FIDInfinity",
            help="FID, extrapolated to infinitely many images",
        ),
        "kid": MeasureEntry(
            measure="tf_ttur.metrics.measures.kid:KID",
            help="Kernel Inception Distance (Binkowski et al. 2018)",
        ),
        "is": MeasureEntry(
            measure="tf_ttur.metrics.measures.inception_score:Score",
            help="Inception Score of the source (Salimans et al. 2016)",
        ),
        "prdc": MeasureEntry(
            measure="tf_ttur.metrics.measures.prdc:PRDC",
            help="precision, recall, density and coverage (Naeem et al. 2020)",
        ),
    },
    _adopt,
)

NAMES = tuple(MEASURES)


def find(names: Iterable[str]) -> dict[str, Measure]:
    """{name: measure}.

    Args:
      names: of `MEASURES`, or `MODULE:OBJECT` or `PATH.py:OBJECT`.

    Raises:
      UserError: there is no such measure, or an object that cannot serve as one.
    """
    chosen = {}
    for name in names:
        if name not in MEASURES and not is_object(name):
            raise UserError(f"there is no metric {name}", MEASURES.words, "name some of those")
        chosen[name] = MEASURES.find(name).make()
    return chosen


def check(names: Iterable[str], source_has_images: bool, reference_has_images: bool) -> None:
    """Refuses, before any work, measures that these sides cannot give.

    Raises:
      UserError: names the measure.
    """
    both = source_has_images and reference_has_images
    either = source_has_images or reference_has_images
    for name, measure in find(names).items():
        if measure.needs is Needs.IMAGES_OF_BOTH and not both:
            found = f"{name} with a side of which only statistics are known"
            raise _missing_images(found, "images on both sides")
        if measure.needs is Needs.SOURCE_IMAGES and not source_has_images:
            title = f" ({measure.title})" if measure.title else ""
            raise _missing_images(
                f"{name}{title} of a statistics file", "images, of which it is a measure"
            )
        if measure.needs is Needs.IMAGES_OF_ONE and not either:
            found = f"{name} between two statistics files"
            raise _missing_images(found, "images on one side at least")


def _missing_images(found: str, expected: str) -> UserError:
    return UserError(found, expected, "name the images, or leave it out")


def check_counts(
    names: Iterable[str], dimension: int, source: int | None, reference: int | None
) -> None:
    """Refuses, before any work, measures for which there are too few images.

    Args:
      names: as in `find`.
      dimension: of the features.
      source, reference: numbers of images; None where only statistics are known.

    Raises:
      UserError: names the measure.
    """
    for name, measure in find(names).items():
        least = measure.least_images(dimension)
        counts = (source,) if measure.needs is Needs.SOURCE_IMAGES else (source, reference)
        for count in counts:
            if count is not None and count < least:
                raise UserError(
                    f"{name} of {count} images",
                    f"{least:,} or more",
                    "name more images, or leave it out",
                )
