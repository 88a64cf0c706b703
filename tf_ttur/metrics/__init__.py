"""The measures of generated images, from Python.

    from tf_ttur import metrics

    network = metrics.load_inception()                                # the original, downloaded on first use; or a path
    real = metrics.compute_statistics(photographs, network)
    real.save("real.npz")                                             # later: real = metrics.load_statistics("real.npz")

    found = metrics.evaluate(generated, real, network)
    found["fid"]                                                      # {"value": 12.5, "standard_error": ..., "low": ..., "high": ...}

    metrics.evaluate(generated, photographs, network, ["fid_inf", "kid", "is", "prdc"])
    metrics.compare(generated, others, real, network)["answer"]       # is the first nearer to real? "yes", "no" or "inconclusive"

Images, on either side, are one of

- an array (n, height, width, 3), uint8 or floats in -1 ... 1,
- a `tf.data.Dataset` of such images or of batches of them, which comes to an end and gives the same
  number each time: where it does not know how many, it is counted first,
- a function of a number that makes so many of them, such as `lambda count:
  generator(tf.random.normal((count, 128)))`, from which `num_images` are drawn,
- `Statistics`, where the measure needs no more.

docs/metrics.md says what each measure is. Only with the original network is a value called "fid";
any other stands in the name, as in "fid_stand_in".
"""

__all__ = [
    "Statistics",
    "compare",
    "compute_statistics",
    "evaluate",
    "load_inception",
    "load_statistics",
]


def __getattr__(name):
    # On first use: the modules of this package that need no TensorFlow are to be had without it.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from tf_ttur.metrics import api

    return getattr(api, name)


def __dir__():
    return sorted([*globals(), *__all__])
