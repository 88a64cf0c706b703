"""DCGAN on CIFAR-10: row 2 of the results table (Heusel et al. 2017, table 1).

    python -m tf_ttur.train --config configs/cifar10.py       # TTUR: discriminator 1e-4, generator 5e-4
    python -m tf_ttur.train --config configs/cifar10.py:orig  # one time scale: 1e-4

The other single rates of the figure are the variants orig_2e-4 and orig_5e-4.

Published FID, best of 8 runs: TTUR 36.9 at 75k updates, orig 37.7 at 100k; in the figure the best
runs are 36.89 at 85k and 37.66 at 110k, and 75k is where the mean of TTUR is lowest. Mean and range
of the 8 runs at 120k: TTUR 42.6 [37.3, 48.7], orig 45.5 [39.6, 59.1]. Likewise orig_2e-4 38.1 at
105k and 42.4 [38.8, 46.5], orig_5e-4 41.3 at 80k and 49.2 [46, 52]. The 50,000 training images,
32x32. The hardware of the paper is not known; the time on this project's machine is in BUILD.md.

Erratum: the paper says it evaluates every 1000 updates, its scripts and figures every 5000, and so
does this card. The scores are minima over runs and evaluations.
"""

from tf_ttur import config as configs

# (discriminator, generator)
VARIANTS = {
    "ttur": (1e-4, 5e-4),
    "orig": (1e-4, 1e-4),
    "orig_2e-4": (2e-4, 2e-4),
    "orig_5e-4": (5e-4, 5e-4),
}


def get_config(variant="ttur"):
    config = configs.default()
    config.discriminator.learning_rate, config.generator.learning_rate = configs.choose(
        variant, VARIANTS
    )
    config.name, config.variant = "cifar10", variant
    config.data.source = "tfds:cifar10/train"
    config.updates = 120_000
    return config
