"""DCGAN on LSUN bedrooms: row 4 of the results table (Heusel et al. 2017, table 1).

    SOURCE=--config.data.source=lsun/bedroom_train
    tf-ttur train --config lsun $SOURCE         # TTUR: discriminator 1e-5, generator 1e-4
    tf-ttur train --config lsun:orig $SOURCE    # one time scale: 5e-5

From a checkout, `python -m tf_ttur.train --config configs/lsun.py` does the same. The variants
orig_1e-5 and orig_1e-4 are the other single rates of the paper's figure.

Published FID: the best of 8 runs, and the mean [range] of the 8 runs at 400k updates.

    variant      best             mean [range]
    ttur         57.5 at 340k     64.4 [60.7, 69.6]
    orig         70.4 at 70k      257 [91, 315]; the lowest mean is 106.3, at 55k
    orig_1e-5    129.8 at 160k    262 [236, 282]
    orig_1e-4    80.7 at 365k     278 [104, 336]

The best values are minima over runs and evaluations. The run has 9 epochs of 47,391 updates over
3,033,042 images.

The paper does not publish its preparation. This card takes the largest centred square and resizes
it to 64x64. The original read 64x64 JPEGs of unknown quality; this card does not compress its
images again (`config.data.jpeg_quality` does). The card celeba says how much that may move the FID.
The source is LSUN's LMDB, a folder or zip of the exported images, or, fastest, the output of
`tf-ttur prepare`. Training reads the images from the source throughout, as they would take 37 GB
in memory.

Erratum: the paper says that it evaluates every 1000 updates; its scripts and figures, and this
card, evaluate every 5000. docs/reproducing.md lists all known differences.
"""

from ml_collections import ConfigDict

from tf_ttur import config as configs
from tf_ttur.config import data_sets
from tf_ttur.players import Players

VARIANTS = {
    "ttur": Players(discriminator=1e-5, generator=1e-4),
    "orig": configs.one_time_scale(5e-5),
    "orig_1e-5": configs.one_time_scale(1e-5),
    "orig_1e-4": configs.one_time_scale(1e-4),
}


def get_config(variant: str = "ttur") -> ConfigDict:
    config = configs.card(configs.default(), "lsun", variant, VARIANTS)
    data_sets.lsun_bedrooms(config)
    config.updates = 426_519
    return config
