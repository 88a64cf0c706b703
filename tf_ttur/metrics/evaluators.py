"""What the training loop calls: `run()` yields (name, value)."""

import tensorflow as tf

from tf_ttur import progress
from tf_ttur.metrics import statistics


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
      provenance: dict that says which network and which reference make the values.
    """

    def __init__(self, network, reference, num_samples, sample_batch_size, feature_batch_size, quantisation):
        self.name = network.metric
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
          generate: function (batch number, count) -> (count, height, width, 3) float images in -1 ... 1.
        """
        batches = progress.track(self._batches(generate), self.name, self._num_samples)
        provenance = {"source": "generator", "quantisation": self._quantisation}
        extraction = statistics.Extraction(self._network.dimension, digest=False)
        generated = statistics.compute(batches, self._network, provenance, "generated images", extraction)
        yield self.name, statistics.distance(generated, self._reference)

    def _batches(self, generate):
        for number, start in enumerate(range(0, self._num_samples, self._sample_batch_size)):
            images = quantise(generate(number, min(self._sample_batch_size, self._num_samples - start)), self._quantisation)
            for first in range(0, len(images), self._feature_batch_size):
                yield images[first : first + self._feature_batch_size]


def quantise(images, how):
    """-1 ... 1 to 0 ... 255 as the experiments did: "float" leaves fractions, "truncate" and "round" give whole numbers."""
    images = (tf.cast(images, tf.float32) + 1.0) * 127.5
    match how:
        case "float":
            return images
        case "truncate":
            return tf.floor(images)
        case "round":
            return tf.round(images)
    raise ValueError(f"quantisation {how!r}; expected float, truncate or round")
