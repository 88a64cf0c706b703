"""A small DCGAN on digits that the program draws: a complete experiment in minutes.

    make quickstart                             # from a checkout: training and report
    tf-ttur train --config quickstart           # two time scales
    tf-ttur train --config quickstart:orig      # one time scale
    tf-ttur report runs/quickstart-ttur-seed0 runs/quickstart-orig-seed0 --output report/

It needs no download, and is not an experiment of the paper. Expect digits that one can read after
less than three minutes on two cores. The images are 32x32 RGB. If an Inception network is on this
machine, the run measures the FID of 256 samples: enough to see the FID fall, but for nothing else.
Otherwise it measures `frechet_pixels`, which is not the FID.
"""

from ml_collections import ConfigDict

from tf_ttur import config as configs
from tf_ttur.players import Players

VARIANTS = {
    "ttur": Players(discriminator=1e-3, generator=2e-3),
    "orig": configs.one_time_scale(1e-3),
}


def get_config(variant: str = "ttur") -> ConfigDict:
    config = configs.card(configs.default(), "quickstart", variant, VARIANTS)
    # In short runs with high rates the two players oscillate; decreasing rates damp that.
    config.discriminator.schedule = "linear"
    config.generator.schedule = "linear"
    # Without a penalty so small a network draws only a few of the digits.
    config.discriminator.gradient_penalty = 2.0
    config.data.source = "plain-digits:8192"
    config.model.width = 16
    config.updates = 1500
    config.evaluation.every_updates = 500
    config.evaluation.num_samples = 256
    config.evaluation.reference_samples = 256
    config.evaluation.sample_batch_size = 256
    config.evaluation.without_inception = "frechet_pixels"
    config.samples_every_updates = 250
    config.checkpoint_every_updates = 500
    config.log_every_updates = 20
    return config
