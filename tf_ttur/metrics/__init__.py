"""The measures of generated images, from Python.

    from tf_ttur import metrics

    # The original network, downloaded on first use; or a path.
    network = metrics.load_inception()
    real = metrics.compute_statistics(photographs, network)
    real.save("real.npz")  # later: real = metrics.load_statistics("real.npz")

    found = metrics.evaluate(generated, real, network)
    print(found["fid"])  # fid 12.5000 [11.8012, 13.1988]  (generated: 50,000 images, ...)
    found["fid"].value, found["fid"].low, found["fid"].to_dict()

    metrics.evaluate(generated, photographs, network, ["fid_inf", "kid", "is", "prdc"])
    # Is the first nearer to real? "yes", "no" or "inconclusive"
    metrics.compare(generated, others, real, network)["answer"]

    distance = metrics.fid(generated, "real.npz", network)  # the FID as a float

Images, on either side, are one of

- a word or path, as on a command line: a folder, zip or array file, "tfds:cifar10/train",
  "config:svhn", or a statistics file,
- an array or tensor (n, height, width, 3), also of PyTorch, uint8 or floats; or a list of equal
  images,
- a `tf.data.Dataset` of such images or of batches of them, which ends and gives the same number
  each time. Where it does not know how many, it is counted first,
- a loader or iterator of such images or batches: a list of batches, a generator, a
  `keras.utils.PyDataset`, a PyTorch DataLoader that gives channels last. Elements (images, labels)
  are refused: pass `(images for images, labels in loader)`. What can be read only once is kept in a
  temporary file where it must be counted first,
- a function of a number that makes so many of them, such as `lambda count:
  generator(tf.random.normal((count, 128)))`, from which `num_images` are drawn,
- a Keras model that makes them of latents, from which `num_images` are drawn,
- `Features`, or the word of their file: what the network has made of images (`keep_features`),
- `Statistics`, where the measure needs no more.

Floats are in -1 ... 1, or what `value_range` says. Images that speak against that are refused; the
rule is in `data.ranges`.

docs/metrics.md says what each measure is, and `measures.Measure` how to write your own. Only with
the original network is a value called "fid"; any other stands in the name, as in "fid_stand_in".

The rooms of this package:

api.py            the functions above                  forms.py          images in memory
sides.py          two sides, opened and gathered       measures/         one file per measure
../data/passed.py what was passed, in words            evaluators.py     during a training
results.py        one value with its interval          protocols.py      of other tools
settings.py       how given images are read            ranking.py        which set is nearer
extraction.py     from images to statistics            statistics.py     their file, the distance
networks.py       the protocol of a feature network    inception/        the network of the FID
own_networks.py   networks of your own                 features.py       their file
moments.py, frechet.py, kernel_distance.py, neighbours.py, inception_score.py, ngrams.py and
uncertainty.py    the mathematics, of arrays alone
"""

from typing import TYPE_CHECKING, Any

from tf_ttur.metrics.networks import FeatureNetwork

if TYPE_CHECKING:
    from tf_ttur.metrics.api import (
        Features,
        Result,
        Results,
        Statistics,
        compare,
        compute_statistics,
        evaluate,
        fid,
        keep_features,
        load_features,
        load_inception,
        load_network,
        load_statistics,
    )

__all__ = [
    "FeatureNetwork",
    "Features",
    "Result",
    "Results",
    "Statistics",
    "compare",
    "compute_statistics",
    "evaluate",
    "fid",
    "keep_features",
    "load_features",
    "load_inception",
    "load_network",
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
