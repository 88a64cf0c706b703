"""DCGAN on CelebA: row 1 of the results table (Heusel et al. 2017, table 1).

    tf-ttur train --config celeba         # TTUR: discriminator 1e-5, generator 5e-4
    tf-ttur train --config celeba:orig    # one time scale: 5e-4

From a checkout, `python -m tf_ttur.train --config configs/celeba.py` does the same. The variants
orig_1e-5 and orig_1e-4 are the other single rates of the paper's figure.

Published FID: the best of 8 runs, and the mean [range] of the 8 runs at 255k updates.

    variant      best            mean [range]
    ttur         12.5 at 225k    14.1 [12.7, 15.9]
    orig         21.4 at 70k     206 [176, 267]; the lowest mean is 30.8, at 60k
    orig_1e-5    33.3 at 230k    117 [36, 164]
    orig_1e-4    23.6 at 75k     162 [127, 195]

The best values are minima over runs and evaluations. The run has 81 epochs of 3,165 updates over
202,599 images.

The paper does not publish its crop. This card takes the centre 108x108 pixels of the aligned images
and resizes them to 64x64. The reference is computed from exactly these images; the official
statistics belong to other images.

The original read 64x64 JPEGs of unknown quality; this card does not compress its images again.
Between 500 lossless faces and the same faces as JPEGs of quality 95 the distance is 7.9, of quality
75 29.5 (stand-in network): as large as differences in the table above. `config.data.jpeg_quality`
and `tf-ttur prepare --jpeg` compress the images, for training and reference alike.

TFDS often fails to download this set. `--config.data.source=img_align_celeba.zip`, its folder, or
the output of `tf-ttur prepare` work as well.

Errata: these scores round to the same two numbers as those of SVHN, which is a coincidence. The
paper says that it evaluates every 1000 updates; its scripts and figures, and this card, evaluate
every 5000. The first point of every curve, and that of orig_1e-4 at 100k, contain failed
evaluations, which the original logs as 500. docs/reproducing.md lists all known differences.
"""

from ml_collections import ConfigDict

from tf_ttur import config as configs
from tf_ttur.config import data_sets
from tf_ttur.players import Players

VARIANTS = {
    "ttur": Players(discriminator=1e-5, generator=5e-4),
    "orig": configs.one_time_scale(5e-4),
    "orig_1e-5": configs.one_time_scale(1e-5),
    "orig_1e-4": configs.one_time_scale(1e-4),
}


def get_config(variant: str = "ttur") -> ConfigDict:
    config = configs.card(configs.default(), "celeba", variant, VARIANTS)
    data_sets.celeba(config)
    config.updates = 256_365
    return config
