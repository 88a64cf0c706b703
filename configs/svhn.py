"""DCGAN on SVHN: row 3 of the results table (Heusel et al. 2017, table 1).

    python -m tf_ttur.train --config configs/svhn.py          # TTUR: discriminator 1e-5, generator 1e-4
    python -m tf_ttur.train --config configs/svhn.py:orig     # one time scale: 5e-5

The other single rates of the figure are the variants orig_1e-5 and orig_1e-4.

Published FID, best of 8 runs: TTUR 12.5 at 165k updates, orig 21.4 at 185k. Mean and range of the 8
runs at 185k: TTUR 15.0 [13.1, 16.6], orig 73.1 [21.4, 127.6]. Likewise orig_1e-5 39.5 and 49.8
[39.5, 60.9], both at 185k, orig_1e-4 59.9 at 90k and 133 [111, 165]. The 73,257 images of the
training split, 32x32: the paper says "training set", and whether it also took the extra images is
not known. Nor is the hardware of the paper. The time on this project's machine is in BUILD.md.

Errata: these scores round to the same two numbers as those of CelebA, which is a coincidence; the
paper says it evaluates every 1000 updates, its scripts and figures every 5000, and so does this
card. The scores are minima over runs and evaluations.
"""

from tf_ttur import config as configs

# (discriminator, generator)
VARIANTS = {
    "ttur": (1e-5, 1e-4),
    "orig": (5e-5, 5e-5),
    "orig_1e-5": (1e-5, 1e-5),
    "orig_1e-4": (1e-4, 1e-4),
}


def get_config(variant="ttur"):
    config = configs.default()
    config.discriminator.learning_rate, config.generator.learning_rate = configs.choose(
        variant, VARIANTS
    )
    config.name, config.variant = "svhn", variant
    config.data.source = "tfds:svhn_cropped/train"
    config.updates = 185_000
    return config
