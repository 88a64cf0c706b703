"""What the training asks for its values: `run()` yields (name, value)."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tf_ttur.data.channels import to_rgb
from tf_ttur.data.quantisation import quantise
from tf_ttur.io import console
from tf_ttur.metrics import device_moments, extraction, measures, statistics
from tf_ttur.metrics.measures.comparison import Side, measure
from tf_ttur.metrics.names import metric_name
from tf_ttur.metrics.networks import FeatureNetwork
from tf_ttur.metrics.ngrams import Reference
from tf_ttur.metrics.statistics import Statistics

# Function (batch number, count) that gives so many generated examples.
Generate = Callable[[int, int], tf.Tensor]


class ImageEvaluator:
    """Measures of generated images against a reference, from one pass over the images.

    Args:
      network: the feature network; it names the values.
      reference: statistics of real images, or a side with what the measures collect of it.
      num_samples: generated images.
      sample_batch_size: images generated at a time.
      feature_batch_size: images that go through the network at a time.
      quantisation: as in `quantise`.
      metrics: of measures, as in `measures.find`; the first decides which checkpoint is the best.
      seed: of measures that draw at random.

    Attributes:
      name: of the first value, "fid" for the original network alone.
      names: of all values that `run` yields.
      provenance: dict that says which network and which reference make the values.
    """

    def __init__(
        self,
        network: FeatureNetwork,
        reference: Statistics | Side,
        num_samples: int,
        sample_batch_size: int,
        feature_batch_size: int,
        quantisation: str,
        metrics: Sequence[str] = ("fid",),
        seed: int = 0,
    ) -> None:
        if isinstance(reference, Statistics):
            side = Side("the reference", reference.dimension)
            side.statistics = reference
            reference = side
        self._measures = measures.find(metrics)
        self.names: tuple[str, ...] = tuple(
            metric_name(network.network, value + measures.suffix(measure))
            for measure in self._measures.values()
            for value in measure.values
        )
        self.name = self.names[0]
        known = reference.statistics
        self.provenance: dict[str, Any] = {
            **statistics.identity(network),
            "reference": dict(known.origin),
        }
        if not known.provenance.get("images_digest"):
            # Nothing else says what the file holds.
            self.provenance["reference"]["moments_digest"] = known.moments_digest
        self._network = network
        self._reference = reference
        self._num_samples = num_samples
        self._sample_batch_size = sample_batch_size
        self._feature_batch_size = feature_batch_size
        self._quantisation = quantisation
        self._seed = seed

    def run(self, generate: Generate) -> Iterator[tuple[str, float]]:
        """Yields (name, value) for each of `names`.

        Args:
          generate: function (batch number, count) -> (count, height, width, 3) float images in
            -1 ... 1; of grey images, with one channel, that channel is used as R, G and B.
        """
        batches = console.track(self._batches(generate), self.name, self._num_samples)
        provenance = {"source": "generator", "quantisation": self._quantisation}
        dimension = self._network.dimension
        begun = extraction.Extraction(dimension, digest=False, make=device_moments.create)
        collectors = measures.collectors_of(
            self._measures.values(), is_source=True, intervals=False
        )
        generated = Side("generated images", dimension, self._num_samples, collectors)
        generated.statistics = extraction.compute(
            batches, self._network, provenance, generated.name, begun, [generated.observe]
        )
        statistics.check_pair(generated.statistics, self._reference.statistics)
        network = self._network.network
        results = measure(self._measures, network, generated, self._reference, self._seed)
        for name in self.names:
            yield name, results[name]["value"]

    def _batches(self, generate: Generate) -> Iterator[tf.Tensor]:
        for samples in _draw(generate, self._num_samples, self._sample_batch_size):
            images = to_rgb(quantise(samples, self._quantisation))
            for first in range(0, len(images), self._feature_batch_size):
                yield images[first : first + self._feature_batch_size]


class NgramEvaluator:
    """Jensen-Shannon divergence of the n-grams of generated lines from those of real ones.

    Args:
      reference: the n-grams of the real lines.
      lines: (n, length) codes of the real lines, for the floor.
      num_samples: generated lines.
      sample_batch_size: lines generated at a time.

    Attributes:
      name: "jsd_4", the value that stands for all.
      names: of all values that `run` yields.
      provenance: dict that says which reference makes the values, and the floor: the values of
        equally many real lines.
    """

    name = "jsd_4"

    def __init__(
        self, reference: Reference, lines: np.ndarray, num_samples: int, sample_batch_size: int
    ) -> None:
        floor = reference.floor(lines, num_samples)
        self.names: tuple[str, ...] = tuple(map(_jsd, reference.models))
        self.provenance: dict[str, Any] = {
            "reference": {
                "identity": reference.identity,
                "num_lines": reference.num_lines,
                "length": reference.length,
                "num_symbols": reference.num_symbols,
            },
            "floor": {_jsd(n): value for n, value in floor.items()},
        }
        self._reference = reference
        self._num_samples = num_samples
        self._sample_batch_size = sample_batch_size

    def run(self, generate: Generate) -> Iterator[tuple[str, float]]:
        """Yields (name, value) for each n.

        Args:
          generate: function (batch number, count) -> (count, length, symbols) floats, of which the
            largest is the symbol.
        """
        batches = console.track(self._batches(generate), self.name, self._num_samples)
        lines = np.concatenate([symbols.numpy() for symbols in list(batches)])
        for n in self._reference.models:
            yield _jsd(n), self._reference.divergence(lines, n)

    def _batches(self, generate: Generate) -> Iterator[tf.Tensor]:
        for samples in _draw(generate, self._num_samples, self._sample_batch_size):
            yield tf.argmax(samples, -1)


def _draw(generate: Generate, num_samples: int, batch_size: int) -> Iterator[tf.Tensor]:
    """Batches of samples. Always draws whole batches, since some networks normalise over them."""
    for number, start in enumerate(range(0, num_samples, batch_size)):
        yield generate(number, batch_size)[: num_samples - start]


def _jsd(n: int) -> str:
    return f"jsd_{n}"
