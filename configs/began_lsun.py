"""BEGAN on LSUN bedrooms (Heusel et al. 2017, first version; Berthelot et al. 2017).

    SOURCE=--config.data.source=lsun/bedroom_train
    tf-ttur train --config began_lsun $SOURCE         # TTUR: discriminator 3e-5, generator 1e-5
    tf-ttur train --config began_lsun:orig $SOURCE    # one time scale: 2e-5

From a checkout, `python -m tf_ttur.train --config configs/began_lsun.py` does the same.

Expect no advantage of TTUR. Published FID; no ranges are published.

    variant    best run    lowest mean
    ttur       112.8       123.8
    orig       112.0       124.4

The images are those of the card lsun. The notes of the card began_celeba on steps and JPEGs hold
here too.
"""

from ml_collections import ConfigDict

from tf_ttur import config as configs
from tf_ttur.config import data_sets
from tf_ttur.players import Players

VARIANTS = {
    "ttur": Players(discriminator=3e-5, generator=1e-5),
    "orig": configs.one_time_scale(2e-5),
}


def get_config(variant: str = "ttur") -> ConfigDict:
    config = configs.card(configs.began(), "began_lsun", variant, VARIANTS)
    data_sets.lsun_bedrooms(config)
    return config
