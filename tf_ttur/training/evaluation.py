"""How each kind of data is evaluated: its network, its reference, its protocol."""

import pathlib
from collections.abc import Iterator, Mapping
from typing import Any, Protocol, TypeAlias

from ml_collections import ConfigDict

from tf_ttur import config as configs
from tf_ttur.data import Examples, own_examples
from tf_ttur.data.channels import AS_RGB
from tf_ttur.errors import UserError
from tf_ttur.io import cache, console
from tf_ttur.metrics import extraction, features, inception, measures, ngrams, statistics
from tf_ttur.metrics.batch_size import feature_batch_size
from tf_ttur.metrics.evaluators import ImageEvaluator, NgramEvaluator
from tf_ttur.metrics.features import Features
from tf_ttur.metrics.measures import Needs
from tf_ttur.metrics.measures.comparison import Side
from tf_ttur.metrics.pixels import PixelPooling

Path: TypeAlias = str | pathlib.Path | None  # of the network, as in `inception.load`


class Evaluator(Protocol):
    """What measures a generator during training."""

    @property
    def name(self) -> str:
        """The name of the main value, which falls while the training goes well."""

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all values."""

    @property
    def provenance(self) -> dict[str, Any]:
        """What the values are measured with; JSON can hold it."""

    def run(self, generate: Any) -> Iterator[tuple[str, float]]:
        """Yields (name, value).

        Args:
          generate: function (batch number, count) that gives `count` outputs of the generator.
        """


class Evaluation(Protocol):
    """How one kind of data is evaluated."""

    def load_network(self, config: ConfigDict, path: Path, trust: bool) -> Any:
        """The feature network; None where none is needed. Raises `UserError` if it is missing."""

    def check_reference(self, config: ConfigDict, network: Any) -> Any:
        """The reference that the config names, or None. Raises `UserError` if it does not fit."""

    def build(self, config: ConfigDict, examples: Any, network: Any) -> Evaluator:
        """The evaluator; its reference is computed and cached on first use."""


class ImageEvaluation:
    """Evaluates images by measures of features."""

    def load_network(self, config: ConfigDict, path: Path, trust: bool) -> Any:
        """The Inception network; `PixelPooling` where it is missing and the config allows that."""
        try:
            return inception.load(path, config.evaluation.precision, trust)
        except UserError:
            # A network that was named must load.
            was_named = inception.locate(path) is not None
            if config.evaluation.without_inception != "frechet_pixels" or was_named:
                raise
            console.say(
                "There is no Inception network, here or to download: evaluating by frechet_pixels"
                " (average-pooled pixels), which is not the FID."
            )
            return PixelPooling()

    def check_reference(self, config: ConfigDict, network: Any) -> Any:
        """The statistics or features that the config names, of this network and image size."""
        settings = config.evaluation
        chosen = measures.find(settings.metrics.split(","))
        measures.check_counts(chosen, network.dimension, settings.num_samples, None)
        if not settings.reference:
            return None
        size = config.data.image_size
        reference: statistics.Statistics | Features
        if features.is_features(settings.reference):
            reference = features.load(settings.reference)
        else:
            reference = statistics.load(settings.reference)
            _check_needs(settings, chosen)
        statistics.check(reference, network, (size, size, 3))
        return reference

    def build(self, config: ConfigDict, examples: Any, network: Any) -> Evaluator:
        """An evaluator against what the config names, or else against the data."""
        settings = config.evaluation
        names = settings.metrics.split(",")
        evaluator = ImageEvaluator(
            network,
            self._reference(config, examples, network),
            settings.num_samples,
            settings.sample_batch_size,
            feature_batch_size(settings.feature_batch_size, network),
            settings.quantisation,
            names,
            config.seed,
        )
        if config.data.channels == 1:
            evaluator.provenance["channels"] = AS_RGB
        return evaluator

    def _reference(
        self, config: ConfigDict, examples: Any, network: Any
    ) -> statistics.Statistics | Side:
        """The reference with what the measures need of it."""
        settings = config.evaluation
        reference = self.check_reference(config, network)
        chosen = measures.find(settings.metrics.split(","))
        batch_size = feature_batch_size(settings.feature_batch_size, network)
        of_data = (examples, network, batch_size, settings.reference_samples)
        if reference is None and settings.cache_features:
            reference = extraction.cached_features(*of_data)
        if not _needed_of_both(chosen):
            if isinstance(reference, Features):
                return reference.statistics()
            return reference or extraction.cached_statistics(*of_data)
        num_images = settings.reference_samples or examples.num_examples
        if isinstance(reference, Features):
            num_images = reference.num_images
        measures.check_counts(chosen, network.dimension, None, num_images)
        collectors = measures.collectors_of(chosen.values(), is_source=False, intervals=False)
        side = Side("the reference", network.dimension, num_images, collectors)
        if isinstance(reference, Features):
            side.statistics = reference.statistics(observers=[side.observe])
        else:
            side.statistics = extraction.image_statistics(*of_data, observers=[side.observe])
        return side


def _needed_of_both(chosen: Mapping[str, measures.Measure]) -> list[str]:
    """The names of the measures for which statistics of the reference are not enough."""
    return [name for name, measure in chosen.items() if measure.needs is Needs.IMAGES_OF_BOTH]


def _check_needs(settings: ConfigDict, chosen: Mapping[str, measures.Measure]) -> None:
    for name in _needed_of_both(chosen):
        raise UserError(
            f"config.evaluation.reference = {settings.reference!r} is of statistics, and {name} "
            "compares features",
            "a features file, or no reference",
            "make one with tf-ttur stats --features, or leave config.evaluation.reference empty",
        )


class LineEvaluation:
    """Evaluates lines by the divergence of n-grams, without a network."""

    def load_network(self, config: ConfigDict, path: Path, trust: bool) -> Any:
        """None: lines need no network."""
        return None

    def check_reference(self, config: ConfigDict, network: Any) -> Any:
        """None: the reference is always that of the data."""
        return None

    def build(self, config: ConfigDict, examples: Any, network: Any) -> Evaluator:
        """An evaluator against all lines; prints the values of real lines to stderr."""
        settings = config.evaluation
        reference = ngrams.cached(
            cache.folder() / "ngrams" / examples.identity[:16],
            examples.identity,
            lambda: ngrams.Reference.of(examples.codes, len(examples.vocabulary)),
        )
        evaluator = NgramEvaluator(
            reference, examples.codes, settings.num_samples, settings.sample_batch_size
        )
        floor = evaluator.provenance["floor"]
        values = ", ".join(f"{name} {value:.4f}" for name, value in floor.items())
        console.say(
            f"the floor ({settings.num_samples} real lines against all"
            f" {examples.num_examples:,}): {values}"
        )
        return evaluator


# Keyed by the names of `data.KINDS`.
EVALUATIONS: dict[str, Evaluation] = {"images": ImageEvaluation(), "lines": LineEvaluation()}


def of_config(config: ConfigDict) -> Evaluation:
    """The `Evaluation` for an experiment's kind of data."""
    return EVALUATIONS[configs.learns(config)]


def open_examples(config: ConfigDict, given: Any = None) -> Examples:
    """The examples that an experiment learns from.

    Args:
      config: the validated config.
      given: what a Python program has passed in their place, as `own_examples.adopt` takes it.

    Raises:
      UserError: they are missing, or cannot be used.
    """
    if given is not None:
        learns = configs.learns(config)
        return own_examples.adopt(given, config.data, learns)
    return configs.kind_of(config).open_examples(config.data)


def load_network(config: ConfigDict, path: Path = None, trust: bool = False) -> Any:
    """The feature network of an experiment; None for lines, which need none.

    Args:
      config: the validated config.
      path, trust: as in `inception.load`.

    Raises:
      UserError: it is missing.
    """
    return of_config(config).load_network(config, path, trust)


def check_reference(config: ConfigDict, network: Any) -> statistics.Statistics | Features | None:
    """The statistics or features that the config names, or None.

    Raises:
      UserError: they are of another network or image size.
    """
    return of_config(config).check_reference(config, network)


def build_evaluator(config: ConfigDict, examples: Examples, network: Any) -> Evaluator:
    """The evaluator of an experiment; its reference is computed and cached on first use."""
    return of_config(config).build(config, examples, network)
