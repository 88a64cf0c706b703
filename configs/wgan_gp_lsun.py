"""WGAN-GP on LSUN bedrooms: row 6 of the results table (Heusel et al. 2017, table 1).

    SOURCE=--config.data.source=lsun/bedroom_train
    tf-ttur train --config wgan_gp_lsun $SOURCE         # TTUR: critic 3e-4, generator 1e-4, 1 step
    tf-ttur train --config wgan_gp_lsun:orig $SOURCE    # one time scale: 1e-4, 5 critic steps

From a checkout, `python -m tf_ttur.train --config configs/wgan_gp_lsun.py` does the same. The
variants orig_5e-4 and orig_7e-4 are also published.

Published FID: the best of 8 runs, and the mean [range] of the 8 runs at 2100 minutes.

    variant      best                                       mean [range]
    ttur         9.5 after 80k updates and 1900 minutes     14.8 [12.8, 17.7]
    orig         27.2                                       30.9 [27.2, 34.2]
    orig_5e-4    20.5 after 23k updates and 2010 minutes    26.2 [23.8, 28.3]
    orig_7e-4    26.8 after 2109 minutes                    65.9 [27, 113]

The best values are minima over runs and evaluations. Erratum: the paper's table prints 20.5 for the
single rate 1e-4; it is the curve of 5e-4. The figure's caption names four data sets; for WGAN-GP it
shows CIFAR-10 and LSUN.

The data are 3,033,042 images. The paper does not publish its preparation. This card takes the
largest centred square and resizes it to 64x64. The original read 64x64 JPEGs of unknown quality;
this card does not compress its images again (`config.data.jpeg_quality` does). The card celeba says
how much that may move the FID. The source is LSUN's LMDB, an exported folder or zip, or the output
of `tf-ttur prepare`.

The paper says that it evaluates every 5000 updates. Its script and figure, and this card, evaluate
every 1000 (orig: 333). Every evaluation comes with a grid of samples; the original drew one every
200 updates. The original never uses the first image of an epoch, 1 of 3,033,042.
docs/reproducing.md lists all known differences.
"""

from ml_collections import ConfigDict

from tf_ttur import config as configs
from tf_ttur.config import data_sets
from tf_ttur.players import Players

VARIANTS = {
    "ttur": Players(discriminator=3e-4, generator=1e-4),
    "orig": configs.one_time_scale(1e-4),
    "orig_5e-4": configs.one_time_scale(5e-4),
    "orig_7e-4": configs.one_time_scale(7e-4),
}


def get_config(variant: str = "ttur") -> ConfigDict:
    ttur = variant == "ttur"
    family = configs.wgan_gp(critic_steps=1 if ttur else 5)
    config = configs.card(family, "wgan_gp_lsun", variant, VARIANTS)
    data_sets.lsun_bedrooms(config)
    config.updates = 100_000 if ttur else 25_009
    config.evaluation.every_updates = 1000 if ttur else 333
    config.samples_every_updates = config.evaluation.every_updates
    return config
