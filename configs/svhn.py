"""DCGAN on SVHN: row 3 of the results table (Heusel et al. 2017, table 1).

    tf-ttur train --config svhn         # TTUR: discriminator 1e-5, generator 1e-4
    tf-ttur train --config svhn:orig    # one time scale: 5e-5

From a checkout, `python -m tf_ttur.train --config configs/svhn.py` does the same. The variants
orig_1e-5 and orig_1e-4 are the other single rates of the paper's figure.

Published FID: the best of 8 runs, and the mean [range] of the 8 runs at 185k updates.

    variant      best            mean [range]
    ttur         12.5 at 165k    15.0 [13.1, 16.6]
    orig         21.4 at 185k    73.1 [21.4, 127.6]
    orig_1e-5    39.5 at 185k    49.8 [39.5, 60.9]
    orig_1e-4    59.9 at 90k     133 [111, 165]

The best values are minima over runs and evaluations. The data are the 73,257 images of the training
split, 32x32. The paper says "training set"; whether it also used the extra images is not known. It
does not name its hardware either; BUILD.md gives the time on this project's machine.

Errata: these scores round to the same two numbers as those of CelebA, which is a coincidence. The
paper says that it evaluates every 1000 updates; its scripts and figures, and this card, evaluate
every 5000. The point of ttur at 10k contains a failed evaluation, which the original logs as 500.
"""

from ml_collections import ConfigDict

from tf_ttur import config as configs
from tf_ttur.players import Players

VARIANTS = {
    "ttur": Players(discriminator=1e-5, generator=1e-4),
    "orig": configs.one_time_scale(5e-5),
    "orig_1e-5": configs.one_time_scale(1e-5),
    "orig_1e-4": configs.one_time_scale(1e-4),
}


def get_config(variant: str = "ttur") -> ConfigDict:
    config = configs.card(configs.default(), "svhn", variant, VARIANTS)
    config.data.source = "data/svhn|tfds:svhn_cropped/train"
    config.updates = 185_000
    return config
