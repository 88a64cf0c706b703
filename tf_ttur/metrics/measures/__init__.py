"""The measures of generated images against real ones: one registry entry and one file for each.

This file imports neither TensorFlow nor the measures. To add one, write its class in a file of this
folder, as `Measure` describes, and its entry here: the checks, `tf-ttur fid --metrics` with its
help, and `metrics.evaluate` take it from the registry. A measure of your own needs no entry:
wherever a name is allowed, `MODULE:OBJECT` or `PATH.py:OBJECT` is allowed too.

A name may be followed by options, which are the arguments of its class: "kid:degree=2:block=500".
"""

import dataclasses
import enum
import inspect
import re
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from tf_ttur.errors import UserError
from tf_ttur.registry import Entry, Registry, is_object, load
from tf_ttur.wording import counted

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
    images that will pass. With an attribute `takes_tensors` that is true, `update` is given what
    the network gives, without waiting for the device.
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

    If its file is mine.py, `--metrics fid,mine.py:MeanDistance` takes it. The arguments of a class
    are its options. They need defaults; `mine.py:MeanDistance:power=2` sets the argument `power`.

    Attributes:
      title: what the name stands for, in messages; may be empty.
      needs: the sides of which it needs images.
      needs_logits: whether it needs the network's classes of the source.
      values: the names of its values, which the training needs before it has any.
      falls: whether its first value falls while a training goes well, as a distance does. Only such
        a measure can decide which checkpoint is the best.
      for_intervals: of `collects`, those that only the interval needs.
      collects: classes of `Collector`, such as `collectors.Features` and `collectors.Groups`. One
        of each is made for every side that has images, and shared by all measures that name its
        class; `side.collected(Features)` gives it. With `Needs.SOURCE_IMAGES`, of the source only.
      of_spatial_features: whether it needs the moments of spatial features, `Statistics.spatial`.
    """

    title: str = ""
    needs: Needs = Needs.STATISTICS
    needs_logits: bool = False
    values: tuple[str, ...] = ()
    falls: bool = False
    for_intervals: tuple[Callable[[int, int], Collector], ...] = ()
    collects: tuple[Callable[[int, int], Collector], ...] = ()
    of_spatial_features: bool = False

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
      protocol: the only one of `protocols.PROTOCOLS` that has this measure; "" for all others.
    """

    measure: Any
    protocol: str = ""

    def make(self, options: Mapping[str, str] | None = None) -> Measure:
        """The measure itself.

        Args:
          options: {name: text of the value} of the arguments that are not to be the default.

        Raises:
          ValueError: an option that the measure does not have, or cannot take.
        """
        measure = load(self.measure)
        defaults = option_defaults(measure) if isinstance(measure, type) else {}
        values = {}
        for name, text in (options or {}).items():
            if name not in defaults:
                raise ValueError(f"it has no option {name}")
            values[name] = type(defaults[name])(text)
        return measure(**values) if isinstance(measure, type) else measure


def option_defaults(measure: Any) -> dict[str, Any]:
    """{name: default} of the options of a measure's class, or of a measure."""
    kind = measure if isinstance(measure, type) else type(measure)
    parameters = inspect.signature(kind).parameters.values()
    empty = inspect.Parameter.empty
    return {each.name: each.default for each in parameters if each.default is not empty}


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
    return MeasureEntry(measure=thing)


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
            help="Kernel Inception Distance (Binkowski et al. 2018); "
            "options degree=3, block=1000, blocks=0 (all)",
        ),
        "is": MeasureEntry(
            measure="tf_ttur.metrics.measures.inception_score:Score",
            help="Inception Score of the source (Salimans et al. 2016); option splits=10",
        ),
        "prdc": MeasureEntry(
            measure="tf_ttur.metrics.measures.prdc:PRDC",
            help="precision, recall, density and coverage (Naeem et al. 2020); option k=5",
        ),
        "sfid": MeasureEntry(
            measure="tf_ttur.metrics.measures.adm:SFID",
            help="FID of spatial features (Nash et al. 2021); with --protocol adm",
            protocol="adm",
        ),
        "adm_is": MeasureEntry(
            measure="tf_ttur.metrics.measures.adm:Score",
            help="what `is` means with --protocol adm: over every 5,000 images",
            protocol="adm",
        ),
        "adm_pr": MeasureEntry(
            measure="tf_ttur.metrics.measures.adm:PrecisionRecall",
            help="what `pr` means with --protocol adm: precision and recall, k = 3",
            protocol="adm",
        ),
    },
    _adopt,
)

# Those of the official protocol.
NAMES = tuple(name for name, entry in MEASURES.items() if not entry.protocol)


_WORD = re.compile(r"(?P<name>.+?)(?P<options>(?::[A-Za-z_]\w*=[^:=]*)*)")


def split(word: str) -> tuple[str, dict[str, str]]:
    """(name, {option: text of its value}) of a word such as "kid:degree=2"."""
    matched = _WORD.fullmatch(word)
    if matched is None:
        return word, {}
    options = (option.split("=") for option in matched["options"].split(":")[1:])
    return matched["name"], dict(options)


def find(names: Iterable[str]) -> dict[str, Measure]:
    """{word: measure}.

    Args:
      names: of `MEASURES`, or `MODULE:OBJECT` or `PATH.py:OBJECT`; each may have options, as in
        "kid:degree=2:block=500".

    Raises:
      UserError: there is no such measure or option, or an object that cannot serve as a measure.
    """
    chosen = {}
    for word in names:
        name, options = split(word)
        if name not in MEASURES and not is_object(name):
            raise UserError(f"there is no metric {word}", MEASURES.words, "name some of those")
        entry = MEASURES.find(name)
        try:
            chosen[word] = entry.make(options)
        except (ValueError, TypeError) as error:
            defaults = option_defaults(load(entry.measure)).items()
            allowed = ":".join([name, *(f"{option}={value}" for option, value in defaults)])
            raise UserError(
                f"the metric {word} cannot be measured ({error})",
                f"{allowed}, with other values where they are wanted",
                "correct the options",
            ) from error
    return chosen


def suffix(measure: Measure) -> str:
    """What follows the names of a measure's values where its options are not the default.

    Returns:
      "" for the standard, else such as "_degree_2_block_500".
    """
    chosen = {
        name: (getattr(measure, name, default), default)
        for name, default in option_defaults(measure).items()
    }
    return "".join(
        f"_{name}_{value}" for name, (value, default) in chosen.items() if value != default
    )


def collectors_of(
    chosen: Iterable[Measure], is_source: bool, intervals: bool = True
) -> list[Callable[[int, int], Collector]]:
    """What measures collect of one side.

    Args:
      chosen: the measures.
      is_source: whether it is the source, and not the reference.
      intervals: whether their intervals are wanted, and not the values alone.
    """
    return [
        collector
        for measure in chosen
        if is_source or measure.needs is not Needs.SOURCE_IMAGES
        for collector in measure.collects
        if intervals or collector not in measure.for_intervals
    ]


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
                    f"{name} of {counted(count, 'image')}",
                    f"{least:,} or more",
                    "name more images, or leave it out",
                )
