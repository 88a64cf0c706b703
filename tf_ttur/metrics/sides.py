"""The sides of a comparison: opened, checked, and passed through the network."""

import dataclasses
import pathlib
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from tf_ttur.data import array_files, sources
from tf_ttur.data.resizing import cure_of_sizes
from tf_ttur.errors import UserError
from tf_ttur.io import files, paths
from tf_ttur.metrics import extraction, features, measures, protocols, statistics
from tf_ttur.metrics.features import Features
from tf_ttur.metrics.measures import Measure, Needs
from tf_ttur.metrics.measures.collectors import Groups
from tf_ttur.metrics.measures.comparison import Side
from tf_ttur.metrics.networks import FeatureNetwork
from tf_ttur.metrics.settings import NUM_IMAGES, Settings
from tf_ttur.metrics.statistics import Statistics
from tf_ttur.wording import counted

if TYPE_CHECKING:
    from tf_ttur.data.images import Images

Shape = tuple[int, ...]


class ImageSet(Protocol):
    """Images of one side, before their pass."""

    @property
    def shape(self) -> Shape | None:
        """(height, width, 3); None where only the images will tell."""

    @property
    def num_images(self) -> int:
        """How many images will pass."""

    @property
    def resizing(self) -> Mapping[str, Any] | None:
        """The record of how the images are resized before their pass; None where they are not."""

    def statistics(
        self,
        network: Any,
        observers: Sequence[extraction.Observer] = (),
        shape: Shape | None = None,
    ) -> Statistics:
        """Passes the images through the network, once.

        Args:
          network: the feature network; `Features` need none.
          observers: as in `extraction.compute`.
          shape: that the images must have, where they do not tell it before.

        Raises:
          UserError: images that cannot be used.
        """


# (name for messages, content)
Opened = tuple[str, Statistics | ImageSet]


@dataclasses.dataclass(frozen=True)
class ImagesOfWord:
    """The images that a word names, as an `ImageSet`.

    Attributes:
      images: `data.images.Images`.
      batch_size: images that go through the network at a time.
      stored: statistics that are used in the place of those of the images; None for none. The
        protocol adm takes both out of one file.
      cache: whether to keep the features in the cache folder, or take them from there.
    """

    images: "Images"
    batch_size: int = 100
    stored: Statistics | None = None
    cache: bool = False

    @property
    def shape(self) -> Shape:
        """(height, width, 3)."""
        return self.images.shape

    @property
    def num_images(self) -> int:
        """How many images there are."""
        return self.images.num_images

    @property
    def resizing(self) -> Mapping[str, Any] | None:
        """As of `ImageSet`."""
        return None if self.images.resizing is None else self.images.resizing.record

    def statistics(
        self,
        network: FeatureNetwork,
        observers: Sequence[extraction.Observer] = (),
        shape: Shape | None = None,
    ) -> Statistics:
        """As of `ImageSet`."""
        if self.stored is not None and not observers:
            return self.stored
        if self.cache:
            kept = extraction.cached_features(self.images, network, self.batch_size)
            found = kept.statistics(observers=observers)
        else:
            found = extraction.image_statistics(
                self.images, network, self.batch_size, observers=observers
            )
        return self.stored or found


def is_statistics(word: str, prefer_images: bool = False) -> bool:
    """Whether a word is opened as statistics: it names an .npz with mu and sigma.

    Args:
      word: the name of a side.
      prefer_images: whether a file that holds both is opened as images. Reference batches of ADM
        (guided-diffusion) hold both.

    Raises:
      UserError: the .npz is a zip bomb.
    """
    path = paths.local(word, "SOURCE")
    if path.suffix.lower() != ".npz":
        return False
    try:
        headers = array_files.read_headers(path)
    except files.UNREADABLE:
        return True  # reading it as statistics says what is wrong
    if not array_files.has_statistics(headers):
        return False  # opening it as images says what it holds
    return not prefer_images or array_files.image_array(headers) is None


def options_of(content: Any, prefer_images: bool = False) -> frozenset[str] | None:
    """The options that have an effect on a side, as `sources.refuse_unused` takes them.

    Args:
      content: a word or path, or what a Python program passes.
      prefer_images: as in `is_statistics`.
    """
    if isinstance(content, str | pathlib.PurePath):
        word = str(content)
        if is_statistics(word, prefer_images) or features.is_features(word):
            return frozenset()
        return sources.options_of(word)
    if isinstance(content, Statistics | Features):
        return frozenset()
    return sources.OPTIONS_OF_GIVEN


def prefer_images(sides: Sequence[Any], names: Iterable[str]) -> list[bool]:
    """For source and reference, whether a measure needs images where statistics are at hand too.

    Args:
      sides: the source and the reference: words, or anything else.
      names: of measures, as in `measures.find`.
    """
    needs = {measure.needs for measure in measures.find(names).values()}
    of_source = bool(needs - {Needs.STATISTICS})
    source = sides[0]
    has_images = not isinstance(source, Statistics)
    if isinstance(source, str | pathlib.PurePath):
        has_images = not is_statistics(str(source), of_source)
    of_reference = Needs.IMAGES_OF_BOTH in needs
    if Needs.IMAGES_OF_ONE in needs and not has_images:
        of_reference = True
    return [of_source, of_reference]


def open_side(
    word: str,
    batch_size: int = 100,
    prefer_images: bool = False,
    protocol: str = protocols.OFFICIAL,
    cache: bool = False,
    **options: Any,
) -> Statistics | ImagesOfWord | Features:
    """One side of a comparison: `Statistics` or `Features` where the word names a file of them,
    else images.

    Args:
      word: the name of the side.
      batch_size: images that go through the network at a time.
      prefer_images: as in `is_statistics`.
      protocol: of `protocols.PROTOCOLS`; images take its way.
      cache: as in `ImagesOfWord`.
      options: of `data.images.open_images`. Of these, features obey first, sample and seed.

    Raises:
      UserError: there is no such thing, or it cannot be read.
    """
    if is_statistics(word, prefer_images):
        known = statistics.load(paths.local(word, "SOURCE"))
        protocols.check(word, known.provenance, protocol)
        return known
    if features.is_features(word):
        kept = _open_features(word, **options)
        protocols.check(word, kept.provenance, protocol)
        return kept
    from tf_ttur.data.images import open_images  # imports TensorFlow, which statistics do without

    images = open_images(word, **options)
    entry = protocols.find(protocol).entry
    if entry is not None:
        images.resize(entry)
    stored = None
    are_all = images.resizing is None and not images.selection
    if protocol == "adm" and are_all and is_statistics(word):
        stored = statistics.load(paths.local(word, "SOURCE"))
    return ImagesOfWord(images, batch_size, stored, cache)


def _open_features(word: str, first: int = 0, sample: int = 0, seed: int = 0, **_: Any) -> Features:
    kept = features.load(word)
    if first:
        return kept.take_first(first)
    return kept.take_random(sample, seed) if sample else kept


def open_word(
    word: str, settings: Settings, prefer_images: bool = False
) -> Statistics | ImagesOfWord | Features:
    """One side that a Python program names by a word or path.

    Args:
      word: as a command line takes it.
      settings: num_images, quantisation and seed concern an exported generator; background, depth,
        size, crop, filter and protocol all words.
      prefer_images: as in `is_statistics`.

    Raises:
      UserError: as of `open_side`.
    """
    options: dict[str, Any] = settings.of_words
    if sources.kind_of(word) == "generator":
        options |= {
            "count": settings.num_images or NUM_IMAGES,
            "quantisation": settings.quantisation,
            "seed": settings.seed,
        }
    return open_side(word, settings.batch_size, prefer_images, settings.protocol, **options)


def count_images(content: Statistics | ImageSet) -> int | None:
    """How many images will pass; None where only statistics are known."""
    return None if isinstance(content, Statistics) else content.num_images


def needs_network(content: Statistics | ImageSet) -> bool:
    """Whether these are images, and not what a network has made of them."""
    return not isinstance(content, Statistics | Features)


def find_network(
    opened: Iterable[Opened], load: Callable[[], FeatureNetwork]
) -> FeatureNetwork | None:
    """The feature network, loaded where there are images; None where nothing needs one."""
    return load() if any(needs_network(content) for _, content in opened) else None


def dimension_of(opened: Iterable[Opened], network: FeatureNetwork | None) -> int:
    """The number of features: that of the network, or of the first side that tells it."""
    if network is not None:
        return network.dimension
    return next(
        content.dimension for _, content in opened if isinstance(content, Statistics | Features)
    )


def gather(
    opened: Sequence[Opened],
    names: Iterable[str],
    network: FeatureNetwork | None,
    allow_mixed: bool = False,
) -> list[Side]:
    """The sides of a comparison, after one pass over the images of each.

    All that can be checked is checked before the long work on any side.

    Args:
      opened: the source, then the reference or references.
      names: of measures, as in `measures.find`.
      network: the feature network; None if there are statistics and features only.
      allow_mixed: whether features may be of different precision.

    Returns:
      The sides in the order of `opened`.

    Raises:
      UserError: sides that do not belong together, images that cannot be used, or measures that
        these sides cannot give.
    """
    chosen = measures.find(names)
    contents = [content for _, content in opened]
    has_images = [not isinstance(content, Statistics) for content in contents]
    measures.check(chosen, *has_images[:2])
    dimension = dimension_of(opened, network)
    measures.check_counts(chosen, dimension, *map(count_images, contents[:2]))
    _check_logits(contents[0], chosen)
    _check_together(opened, network, allow_mixed)
    _check_spatial(opened, chosen)
    _warn_of_exact(opened, chosen)
    passed: list[Side] = []
    for number, (name, content) in enumerate(opened):
        if isinstance(content, Statistics):
            side = Side(name, content.dimension)
            side.statistics = content
        else:
            collectors = measures.collectors_of(chosen.values(), is_source=number == 0)
            if getattr(content, "stored", None) is not None:
                collectors = [each for each in collectors if each is not Groups]
            side = Side(name, dimension, content.num_images, collectors)
            # What a function draws has the shape of another side from its first batch on.
            shape = content.shape or first_shape(opened)
            side.statistics = content.statistics(network, [side.observe], shape)
        passed.append(side)
    for side in passed[1:]:
        statistics.check_pair(passed[0].statistics, side.statistics, allow_mixed)
        statistics.warn_of_formats(passed[0].statistics, side.statistics)
    return passed


def network_name(passed: Iterable[Side]) -> str:
    """The name of the network of these features; "unknown" where no side tells it."""
    for side in passed:
        if side.statistics.provenance:
            return side.statistics.provenance["network"]
    return "unknown"


def _check_logits(source: Statistics | ImageSet, chosen: Mapping[str, Measure]) -> None:
    """Refuses features without logits for measures that need them. Raises `UserError`."""
    if not isinstance(source, Features) or source.has_logits:
        return
    for name, measure in chosen.items():
        if measure.needs_logits:
            raise UserError(
                f"{name} of {source.name}, which holds no logits",
                "a features file with logits",
                "make it anew with --features-logits, or leave the measure out",
            )


def _check_together(
    opened: Sequence[Opened], network: FeatureNetwork | None, allow_mixed: bool
) -> None:
    """Refuses sides of different networks or image sizes, as far as that is known before a pass.

    Raises:
      UserError: names the sides.
    """
    shapes = [content.shape for _, content in opened if not isinstance(content, Statistics)]
    first = next(filter(None, shapes), None)
    of_images = [
        (name, content.resizing) for name, content in opened if not isinstance(content, Statistics)
    ]
    for name, content in opened:
        if network is not None and isinstance(content, Features):
            statistics.check(content, network, None, allow_mixed)
        if isinstance(content, Statistics):
            statistics.check_whole(content)
            if network is not None:
                statistics.check(content, network, first, allow_mixed)
            for side in of_images:
                statistics.check_resizing(side, (name, content.provenance.get("resizing")))
        elif first is not None and content.shape not in (first, None):
            height, width = content.shape[:2]
            found = (
                f"{name} has images of {width}x{height} pixels, "
                f"another side of {first[1]}x{first[0]}"
            )
            raise UserError(found, "one size", cure_of_sizes(min(height, width, *first[:2])))


def _check_spatial(opened: Sequence[Opened], chosen: Mapping[str, Measure]) -> None:
    """Refuses statistics without the spatial features that a measure needs. Raises `UserError`."""
    names = [name for name, each in chosen.items() if getattr(each, "of_spatial_features", False)]
    for side, content in opened:
        stored = content if isinstance(content, Statistics) else getattr(content, "stored", None)
        if names and isinstance(content, Features):
            raise UserError(
                f"{side} holds no spatial features, which {names[0]} compares",
                "images, or statistics of tf-ttur stats --protocol adm",
                "name the images, or leave the metric out",
            )
        if names and stored is not None and stored.spatial is None:
            raise UserError(
                f"{side} has no mu_s and sigma_s, which {names[0]} compares",
                "an .npz that guided-diffusion published, or of tf-ttur stats --protocol adm",
                "name the images, or leave the metric out",
            )


def _warn_of_exact(opened: Sequence[Opened], chosen: dict[str, Measure]) -> None:
    """Warns of statistics that count as exact, but are of fewer images than a measure asks for."""
    for name, content in opened:
        if not isinstance(content, Statistics):
            continue
        count = content.provenance.get("num_images")
        for measure_name, measure in chosen.items():
            takes_statistics = measure.needs in (Needs.STATISTICS, Needs.IMAGES_OF_ONE)
            if takes_statistics and count and count < measure.least_images(len(content.mu)):
                warnings.warn(
                    f"{name} is of {counted(count, 'image')} and counts as exact: "
                    f"the {measure_name} holds the bias of so few",
                    stacklevel=3,
                )


def first_shape(opened: Iterable[Opened]) -> Shape | None:
    """(height, width, 3) of the images of the first side that tells it; None if none does."""
    for _, content in opened:
        if isinstance(content, Statistics):
            shape = content.provenance.get("image_shape")
        else:
            shape = content.shape
        if shape:
            return tuple(shape)
    return None
