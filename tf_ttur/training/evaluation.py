"""The evaluator of an experiment: its network, its reference statistics, its protocol."""

import hashlib
import json

from tf_ttur import files, progress
from tf_ttur.data.images import Images
from tf_ttur.data.text import Lines
from tf_ttur.errors import UserError
from tf_ttur.metrics import inception, ngrams, statistics
from tf_ttur.metrics.evaluators import FrechetEvaluator, NgramEvaluator
from tf_ttur.metrics.pixels import PixelPooling


def open_images(config):
    """The training images of an experiment. Raises `UserError` if it learns a language."""
    if config.model.architecture == "language":
        raise UserError(f"{config.name} learns from lines", "an experiment with images", "name another config")
    data = config.data
    return Images(data.source, data.image_size, data.crop, data.memory_gib)


def open_examples(config):
    """What an experiment learns from: `Images`, or `Lines` where it learns a language."""
    if config.model.architecture != "language":
        return open_images(config)
    data = config.data
    return Lines(data.dir, data.files, data.max_lines, data.line_length, data.max_symbols)


def vocabulary(examples):
    """The symbols of lines; () for images."""
    return examples.vocabulary if isinstance(examples, Lines) else ()


def load_network(config, path=None, trust=False):
    """The feature network of an experiment, the arguments as in `inception.load`; None for lines, which need none."""
    if config.model.architecture == "language":
        return None
    try:
        return inception.load(path, config.evaluation.precision, trust)
    except UserError:
        # Only where no network was named and none is to be had: a wrong path is an error for everybody.
        if config.evaluation.without_inception != "frechet_pixels" or inception.locate(path) is not None:
            raise
        progress.STDERR.print(
            "No Inception network here and none to be had: evaluating by frechet_pixels (average-pooled pixels), which is not the FID.",
            soft_wrap=True,
        )
        return PixelPooling()


def build_evaluator(config, examples, network):
    """The evaluator of an experiment, with its reference computed and cached on first use."""
    evaluation = config.evaluation
    if isinstance(examples, Lines):
        path = files.cache_dir() / "ngrams" / examples.identity[:16]
        reference = ngrams.cached(path, examples.identity, lambda: ngrams.Reference.of(examples.codes, len(examples.vocabulary)))
        evaluator = NgramEvaluator(reference, examples.codes, evaluation.num_samples, evaluation.sample_batch_size)
        floor = ", ".join(f"{name} {value:.4f}" for name, value in evaluator.provenance["floor"].items())
        progress.STDERR.print(f"the floor, of {evaluation.num_samples} real lines against all {examples.num_lines:,}: {floor}", soft_wrap=True)
        return evaluator
    return FrechetEvaluator(
        network,
        check_reference(config, network) or cached_statistics(examples, network, evaluation.feature_batch_size, evaluation.reference_samples),
        evaluation.num_samples,
        evaluation.sample_batch_size,
        evaluation.feature_batch_size,
        evaluation.quantisation,
    )


def check_reference(config, network):
    """The statistics file that the config names, of that network and the experiment's size; None where it names none."""
    if not config.evaluation.reference:
        return None
    reference = statistics.load(config.evaluation.reference)
    statistics.check(reference, network, (config.data.image_size, config.data.image_size, 3))
    return reference


def cached_statistics(images, network, batch_size, limit=0):
    """`image_statistics`, computed and cached on first use."""
    path = reference_path(images, network, limit)
    return statistics.cached(path, lambda partial: image_statistics(images, network, batch_size, limit, partial=partial))


def reference_path(images, network, limit=0):
    """Where the statistics of these images by this network are cached."""
    key = json.dumps([images.identity, network.digest, network.precision, limit])
    name = "".join(c if c.isalnum() else "_" for c in images.source.word.rstrip("/").rpartition("tfds:")[2])[-40:]
    return files.cache_dir() / "statistics" / f"{name}-{hashlib.sha256(key.encode()).hexdigest()[:16]}.npz"


def image_statistics(images, network, batch_size=100, limit=0, observers=(), partial=None, shard=None, workers=None):
    """Statistics of images in their order. Shows a progress bar.

    Args:
      images: `Images`.
      network: as in `statistics.compute`.
      batch_size: images that go through the network at a time.
      limit: takes the first ones only, if it is not 0.
      observers: as in `statistics.compute`; not together with `partial`.
      partial: where the state is kept, so that an interrupted call goes on (`statistics.Extraction`).
      shard: (i, n): only the i-th of n parts in order; None takes all.
      workers: a `beam.Workers` of these images and this network, which computes the features instead of this process; not
        together with `observers` or `partial`.

    Raises:
      UserError: images that cannot be used, or fewer than the source says it has.
    """
    total = min(images.num_images, limit or images.num_images)
    first, end = statistics.shard_range(total, *(shard or (1, 1)))
    if workers:
        extraction = workers.extract(images, network, batch_size, first, end)
    else:
        settings = [images.identity, statistics.identity(network), batch_size, total, shard]
        extraction = statistics.Extraction(network.dimension, partial, settings)
    remaining = end - first - extraction.moments.count
    name = images.source.word + (f", shard {shard[0]}/{shard[1]}" if shard else "")
    batches = images.in_order(batch_size, end - remaining, remaining) if remaining else ()
    batches = progress.track(batches, f"statistics of {name}", remaining)
    provenance = {
        "source": images.source.word,
        "source_identity": images.source.identity,
        "preparation": images.preparation,
        "quantisation": images.source.quantisation,
        "formats": images.source.formats,
    }
    if images.skipped:
        provenance["skipped"] = images.skipped
    if shard:
        provenance |= {"shard": shard[0], "shards": shard[1], "shards_total": total}
    made = statistics.compute(batches, network, provenance, name, extraction, observers)
    if made.provenance["num_images"] != end - first:
        raise UserError(f"{name} gave {made.provenance['num_images']} images", f"the {end - first} that it says it has", "prepare it anew")
    return made
