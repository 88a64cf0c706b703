"""The measures of generated images, from Python.

    from tf_ttur import metrics

    # The original network, downloaded on first use; or a path.
    network = metrics.load_inception()
    real = metrics.compute_statistics(photographs, network)
    real.save("real.npz")  # later: real = metrics.load_statistics("real.npz")

    # {"value": 12.5, "standard_error": ..., "low": ..., "high": ...}
    found = metrics.evaluate(generated, real, network)
    found["fid"]

    metrics.evaluate(generated, photographs, network, ["fid_inf", "kid", "is", "prdc"])
    # Is the first nearer to real? "yes", "no" or "inconclusive"
    metrics.compare(generated, others, real, network)["answer"]

Images, on either side, are one of

- an array (n, height, width, 3), uint8 or floats in -1 ... 1,
- a `tf.data.Dataset` of such images or of batches of them, which ends and gives the same number
  each time. Where it does not know how many, it is counted first,
- a function of a number that makes so many of them, such as `lambda count:
  generator(tf.random.normal((count, 128)))`, from which `num_images` are drawn,
- `Statistics`, where the measure needs no more.

docs/metrics.md says what each measure is, and `measures.Measure` how to write your own. Only with
the original network is a value called "fid"; any other stands in the name, as in "fid_stand_in".

The rooms of this package:

api.py            the functions above                  forms.py          images in memory
sides.py          two sides, opened and gathered       measures/         one file per measure
ranking.py        which of two sets is nearer          evaluators.py     during a training
extraction.py     from images to statistics            statistics.py     their file, the distance
networks.py       the protocol of a feature network    inception/        the network of the FID
moments.py, frechet.py, kernel_distance.py, neighbours.py, inception_score.py, ngrams.py and
uncertainty.py    the mathematics, of arrays alone
"""

from typing import TYPE_CHECKING, Any

from tf_ttur.metrics.networks import FeatureNetwork

if TYPE_CHECKING:
    from tf_ttur.metrics.api import (
        Statistics,
        compare,
        compute_statistics,
        evaluate,
        load_inception,
        load_statistics,
    )

__all__ = [
    "FeatureNetwork",
    "Statistics",
    "compare",
    "compute_statistics",
    "evaluate",
    "load_inception",
    "load_statistics",
]


def __getattr__(name: str) -> Any:
    # On first use: the registry and the statistics file need little of the rest.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from tf_ttur.metrics import api

    return getattr(api, name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
