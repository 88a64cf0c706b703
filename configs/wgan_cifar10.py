"""The original WGAN on CIFAR-10, with clipped weights: not a row of the paper.

    tf-ttur train --config wgan_cifar10         # TTUR: critic 3e-4, generator 1e-4, 1 critic step
    tf-ttur train --config wgan_cifar10:orig    # one time scale: 5e-5, 5 critic steps

From a checkout, `python -m tf_ttur.train --config configs/wgan_cifar10.py` does the same.

`orig` has the algorithm of Arjovsky et al. 2017: RMSprop with a rate of 5e-5, five critic steps per
update, batch 64, and every weight of the critic clipped to -0.01 ... 0.01 after each step. The
networks are this project's DCGAN. `ttur` shows the same loss under two time scales, with the rates
that the TTUR paper found for WGAN-GP; they have not been searched for clipped weights. There are no
published values.
"""

from ml_collections import ConfigDict

from tf_ttur import config as configs
from tf_ttur.config import data_sets
from tf_ttur.players import Players

VARIANTS = {
    "ttur": Players(discriminator=3e-4, generator=1e-4),
    "orig": configs.one_time_scale(5e-5),
}


def get_config(variant: str = "ttur") -> ConfigDict:
    config = configs.card(configs.default(), "wgan_cifar10", variant, VARIANTS)
    data_sets.cifar10(config)
    config.loss = "wasserstein"
    config.latent.distribution = "normal"
    config.latent.shared = False
    config.discriminator.steps = 1 if variant == "ttur" else 5
    config.discriminator.clip_weights = 0.01
    config.discriminator.optimizer = "rmsprop"
    config.generator.optimizer = "rmsprop"
    config.updates = 100_000
    return config
