"""What the training loop calls: `run()` yields (name, value)."""

import numpy as np
import tensorflow as tf

from tf_ttur.data.quantisation import quantise
from tf_ttur.io import console
from tf_ttur.metrics import extraction, statistics


class FrechetEvaluator:
    """Fréchet distance of generated images to reference statistics.

    Args:
      network: the feature network; it names the metric.
      reference: `statistics.Statistics` of real images.
      num_samples: generated images.
      sample_batch_size: images generated at a time.
      feature_batch_size: images that go through the network at a time.
      quantisation: as in `quantise`.

    Attributes:
      name: of the value, "fid" for the original network alone.
      names: of all values that `run` yields.
      provenance: dict that says which network and which reference make the values.
    """

    def __init__(
        self, network, reference, num_samples, sample_batch_size, feature_batch_size, quantisation
    ):
        self.name = network.metric
        self.names = (self.name,)
        self.provenance = {
            **statistics.identity(network),
            "reference": reference.origin,
        }
        self._network, self._reference = network, reference
        self._num_samples, self._quantisation = num_samples, quantisation
        self._sample_batch_size, self._feature_batch_size = sample_batch_size, feature_batch_size

    def run(self, generate):
        """Yields the one (name, value).

        Args:
          generate: function (batch number, count) -> (count, height, width, 3) float images in -1
            ... 1.
        """
        batches = console.track(self._batches(generate), self.name, self._num_samples)
        provenance = {"source": "generator", "quantisation": self._quantisation}
        begun = extraction.Extraction(self._network.dimension, digest=False)
        generated = extraction.compute(
            batches, self._network, provenance, "generated images", begun
        )
        yield self.name, statistics.distance(generated, self._reference)

    def _batches(self, generate):
        for number, start in enumerate(range(0, self._num_samples, self._sample_batch_size)):
            made = generate(number, self._sample_batch_size)[
                : self._num_samples - start
            ]  # always a whole batch: some networks normalise by it
            images = quantise(made, self._quantisation)
            for first in range(0, len(images), self._feature_batch_size):
                yield images[first : first + self._feature_batch_size]


class NgramEvaluator:
    """Jensen-Shannon divergence of the n-grams of generated lines from those of real ones.

    Args:
      reference: `ngrams.Reference` of the real lines.
      lines: (n, length) codes of the real lines, for the floor.
      num_samples: generated lines.
      sample_batch_size: lines generated at a time.

    Attributes:
      name: "jsd_4", the value that stands for all.
      names: of all values that `run` yields.
      provenance: dict that says which reference makes the values, and the floor: the values of as
        many real lines.
    """

    name = "jsd_4"

    def __init__(self, reference, lines, num_samples, sample_batch_size):
        self.provenance = {
            "reference": {
                "identity": reference.identity,
                "num_lines": reference.num_lines,
                "length": reference.length,
                "num_symbols": reference.num_symbols,
            },
            "floor": {_jsd(n): value for n, value in reference.floor(lines, num_samples).items()},
        }
        self.names = tuple(map(_jsd, reference.models))
        self._reference, self._num_samples, self._sample_batch_size = (
            reference,
            num_samples,
            sample_batch_size,
        )

    def run(self, generate):
        """Yields (name, value) for each n.

        Args:
          generate: function (batch number, count) -> (count, length, symbols) floats, of which the
            largest is the symbol.
        """
        lines = np.concatenate(
            list(console.track(self._batches(generate), self.name, self._num_samples))
        )
        for n in self._reference.models:
            yield _jsd(n), self._reference.divergence(lines, n)

    def _batches(self, generate):
        for number, start in enumerate(range(0, self._num_samples, self._sample_batch_size)):
            yield tf.argmax(
                generate(number, self._sample_batch_size)[: self._num_samples - start], -1
            ).numpy()


def _jsd(n):
    return f"jsd_{n}"
