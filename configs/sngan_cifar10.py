"""SNGAN on CIFAR-10, with two time scales as in SAGAN and with one: not a row of the paper.

    tf-ttur train --config sngan_cifar10         # TTUR: discriminator 4e-4, generator 1e-4, 1 step
    tf-ttur train --config sngan_cifar10:orig    # one time scale: 2e-4, 5 discriminator steps

From a checkout, `python -m tf_ttur.train --config configs/sngan_cifar10.py` does the same.

What people call TTUR today is mostly this: hinge loss, spectral norm, and a discriminator that
learns four times as fast as the generator, instead of several discriminator steps per update. The
rates of `ttur` are those of SAGAN (Zhang et al. 2019), the networks and `orig` those of SNGAN
(Miyato et al. 2018, table 4, CIFAR-10 without labels): batch 64, Adam with betas (0, 0.9), 100,000
updates in which the rates fall linearly to 0.

Miyato et al. report an FID of 21.7 for `orig`. Not verified: with how many samples, and whether
their code makes 128 images per generator step, as some descriptions say; this card makes 64. SAGAN
has not been published on CIFAR-10, so `ttur` has no published value. SAGAN also normalises the
generator's weights; this card does not.

`--config.model.width=64` makes an update 4 times cheaper for a first look.
"""

from ml_collections import ConfigDict

from tf_ttur import config as configs
from tf_ttur.config import data_sets
from tf_ttur.players import Players

VARIANTS = {
    "ttur": Players(discriminator=4e-4, generator=1e-4),
    "orig": configs.one_time_scale(2e-4),
}


def get_config(variant: str = "ttur") -> ConfigDict:
    family = configs.sngan(discriminator_steps=1 if variant == "ttur" else 5)
    config = configs.card(family, "sngan_cifar10", variant, VARIANTS)
    data_sets.cifar10(config)
    config.discriminator.schedule = "linear"
    config.generator.schedule = "linear"
    config.updates = 100_000
    return config
