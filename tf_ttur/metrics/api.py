"""What `tf_ttur.metrics` offers to Python programs.

TensorFlow is imported for images only; statistics do without.
"""

import pathlib
from collections.abc import Sequence
from typing import Any

from tf_ttur.errors import UserError
from tf_ttur.metrics import measures, ranking, sides
from tf_ttur.metrics.measures.comparison import measure
from tf_ttur.metrics.networks import FeatureNetwork
from tf_ttur.metrics.statistics import Statistics
from tf_ttur.metrics.statistics import load as load_statistics

__all__ = [
    "Statistics",
    "compare",
    "compute_statistics",
    "evaluate",
    "load_inception",
    "load_statistics",
]


def load_inception(
    path: str | pathlib.Path | None = None, precision: str = "float32", trust: bool = False
) -> FeatureNetwork:
    """The Inception network, downloaded on first use; on all GPUs.

    Args:
      path: a `.pb`, the `.tgz`, a folder that holds either, or `hub:HANDLE`; None takes the
        variable `TF_TTUR_INCEPTION` and then the cache.
      precision: "float32" or "bfloat16".
      trust: whether a TF-Hub module may hold any operation.

    Raises:
      UserError: there is no network, or none that can be used.
    """
    from tf_ttur.metrics import inception  # imports TensorFlow

    return inception.load(path, precision, trust)


def evaluate(
    generated: Any,
    real: Any,
    network: FeatureNetwork | None = None,
    names: str | Sequence[str] = ("fid",),
    num_images: int = 50_000,
    batch_size: int = 100,
    quantisation: str = "round",
    seed: int = 0,
    allow_mixed: bool = False,
) -> dict[str, dict[str, float]]:
    """Measures of generated images against real ones, from one pass over the images of each side.

    Args:
      generated, real: images in any of the forms above, or `Statistics`.
      network: what `load_inception` gives, or your own `networks.FeatureNetwork`; None loads the
        original one if there are images.
      names: of `measures.MEASURES` ("fid", "fid_inf", "kid", "is", "prdc"), or `MODULE:OBJECT` or
        `PATH.py:OBJECT` of your own `measures.Measure`. As a string: with commas between.
      num_images: how many to draw from a function.
      batch_size: images that go through the network, and are drawn from a function, at a time.
      quantisation: how floats in -1 ... 1 become 0 ... 255: "round" as in files, "truncate" or
        "float" (`quantisation.quantise`).
      seed: of measures that draw at random, such as the blocks of KID.
      allow_mixed: whether to compare features of different precision, which moves the distance.

    Returns:
      {name of a value: dict with value, and where known standard_error, low and high (95 %
      interval)}. "is" gives inception_score, with the std of its ten parts too; "prdc" gives
      precision, recall, density and coverage.

    Raises:
      UserError: sides that do not belong together, images that cannot be used, or too few of them
        for a measure.
    """
    names = names.split(",") if isinstance(names, str) else list(names)
    measures.check(names, *[not isinstance(side, Statistics) for side in (generated, real)])
    contents = {"generated": generated, "real": real}
    opened = _open(contents, num_images, batch_size, quantisation)
    network = network or sides.find_network(opened, load_inception)
    source, reference = sides.gather(opened, names, network, allow_mixed)
    return measure(names, sides.network_name([source, reference]), source, reference, seed)


def compare(
    first: Any,
    second: Any,
    reference: Any,
    network: FeatureNetwork | None = None,
    num_images: int = 50_000,
    batch_size: int = 100,
    quantisation: str = "round",
    allow_mixed: bool = False,
) -> dict[str, Any]:
    """Whether the first images are nearer to the reference, by their Fréchet distance, than the
    second ones.

    Args:
      first, second: images in any of the forms above.
      reference: the same, or `Statistics`.
      network, num_images, batch_size, quantisation, allow_mixed: as in `evaluate`.

    Returns:
      dict: answer ("yes", "no", or "inconclusive" where the 95 % interval of the difference holds
      0), difference (first minus second), corrected (whether for the numbers of images),
      standard_error, low, high.

    Raises:
      UserError: as of `evaluate`; or unequal numbers of images too small for the correction.
    """
    ranking.check(first, second)
    contents = {"first": first, "second": second, "reference": reference}
    opened = _open(contents, num_images, batch_size, quantisation)
    passed = ranking.gather(opened, network or load_inception(), allow_mixed)
    return ranking.compare(*passed)


def compute_statistics(
    images: Any,
    network: FeatureNetwork | None = None,
    num_images: int = 50_000,
    batch_size: int = 100,
    quantisation: str = "round",
) -> Statistics:
    """Mean and covariance of the features of images.

    Args:
      images: in any of the forms above.
      network, num_images, batch_size, quantisation: as in `evaluate`.

    Returns:
      `Statistics`, which has `save`.

    Raises:
      UserError: images that cannot be used.
    """
    [(_, content)] = _open({"images": images}, num_images, batch_size, quantisation)
    if isinstance(content, Statistics):
        raise UserError("statistics in the place of images", "images", "pass the images")
    return content.statistics(network or load_inception())


def _open(
    contents: dict[str, Any], num_images: int, batch_size: int, quantisation: str
) -> list[sides.Opened]:
    """The sides as `sides.gather` takes them."""
    opened: list[sides.Opened] = []
    for name, content in contents.items():
        if not isinstance(content, Statistics):
            from tf_ttur.metrics.forms import GivenImages  # imports TensorFlow

            content = GivenImages(name, content, num_images, batch_size, quantisation)
        opened.append((name, content))
    return opened
