"""The evaluation of an experiment: its network, its reference, its protocol, for each kind of data."""

from collections.abc import Iterator
from typing import Any, Protocol

from ml_collections import ConfigDict

from tf_ttur import config as configs
from tf_ttur.data import Examples
from tf_ttur.data.images import Images
from tf_ttur.data.text import Lines
from tf_ttur.errors import UserError
from tf_ttur.io import console, files
from tf_ttur.metrics import extraction, inception, ngrams, statistics
from tf_ttur.metrics.evaluators import FrechetEvaluator, NgramEvaluator
from tf_ttur.metrics.pixels import PixelPooling


class Evaluator(Protocol):
    """What measures a generator during training.

    Attributes:
      name: of the value that stands for all; it falls while the training goes well.
      names: of all values.
      provenance: what the values were measured with, as JSON can hold it.
    """

    name: str
    names: tuple[str, ...]
    provenance: dict[str, Any]

    def run(self, generate: Any) -> Iterator[tuple[str, float]]:
        """Yields (name, value); `generate` is a function (batch number, count) that gives so many
        examples.
        """


class Evaluation(Protocol):
    """How one kind of data is evaluated."""

    def load_network(self, config: ConfigDict, path: str | None, trust: bool) -> Any:
        """The feature network; None where none is needed. Raises `UserError` where there is none."""

    def check_reference(self, config: ConfigDict, network: Any) -> Any:
        """What the config names as the reference, if anything; raises `UserError` where it does not
        fit.
        """

    def build(self, config: ConfigDict, examples: Any, network: Any) -> Evaluator:
        """The evaluator, with its reference computed and cached on first use."""


class ImageEvaluation:
    """By the Fréchet distance of features."""

    def load_network(self, config: ConfigDict, path: str | None, trust: bool) -> Any:
        try:
            return inception.load(path, config.evaluation.precision, trust)
        except UserError:
            # Only where no network was named and none is to be had: a wrong path is an error for
            # everybody.
            if (
                config.evaluation.without_inception != "frechet_pixels"
                or inception.locate(path) is not None
            ):
                raise
            console.say(
                "No Inception network here and none to be had: evaluating by frechet_pixels (average-pooled pixels), "
                "which is not the FID."
            )
            return PixelPooling()

    def check_reference(self, config: ConfigDict, network: Any) -> statistics.Statistics | None:
        if not config.evaluation.reference:
            return None
        reference = statistics.load(config.evaluation.reference)
        size = config.data.image_size
        statistics.check(reference, network, (size, size, 3))
        return reference

    def build(self, config: ConfigDict, examples: Images, network: Any) -> FrechetEvaluator:
        evaluation = config.evaluation
        reference = self.check_reference(config, network)
        if reference is None:
            reference = extraction.cached_statistics(
                examples, network, evaluation.feature_batch_size, evaluation.reference_samples
            )
        return FrechetEvaluator(
            network,
            reference,
            evaluation.num_samples,
            evaluation.sample_batch_size,
            evaluation.feature_batch_size,
            evaluation.quantisation,
        )


class LineEvaluation:
    """By the divergence of n-grams, without a network."""

    def load_network(self, config: ConfigDict, path: str | None, trust: bool) -> None:
        return None

    def check_reference(self, config: ConfigDict, network: None) -> None:
        return None

    def build(self, config: ConfigDict, examples: Lines, network: None) -> NgramEvaluator:
        evaluation = config.evaluation
        path = files.cache_dir() / "ngrams" / examples.identity[:16]
        reference = ngrams.cached(
            path,
            examples.identity,
            lambda: ngrams.Reference.of(examples.codes, len(examples.vocabulary)),
        )
        evaluator = NgramEvaluator(
            reference, examples.codes, evaluation.num_samples, evaluation.sample_batch_size
        )
        floor = ", ".join(
            f"{name} {value:.4f}" for name, value in evaluator.provenance["floor"].items()
        )
        console.say(
            f"the floor, of {evaluation.num_samples} real lines against all {examples.num_examples:,}: {floor}"
        )
        return evaluator


# By the names of `data.KINDS`.
EVALUATIONS: dict[str, Evaluation] = {"images": ImageEvaluation(), "lines": LineEvaluation()}


def of_config(config: ConfigDict) -> Evaluation:
    """How the kind of data of an experiment is evaluated."""
    return EVALUATIONS[configs.architecture_of(config).learns]


def open_examples(config: ConfigDict) -> Examples:
    """What an experiment learns from. Raises `UserError` if it is not there."""
    return configs.kind_of(config).open_examples(config.data)


def load_network(config: ConfigDict, path: str | None = None, trust: bool = False) -> Any:
    """The feature network of an experiment, the arguments as in `inception.load`; None for lines,
    which need none.
    """
    return of_config(config).load_network(config, path, trust)


def check_reference(config: ConfigDict, network: Any) -> statistics.Statistics | None:
    """The statistics that the config names, of that network and the experiment's size; None where
    it names none.
    """
    return of_config(config).check_reference(config, network)


def build_evaluator(config: ConfigDict, examples: Examples, network: Any) -> Evaluator:
    """The evaluator of an experiment, with its reference computed and cached on first use."""
    return of_config(config).build(config, examples, network)
