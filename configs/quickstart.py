"""A small DCGAN on digits that the program draws: shows the whole way in minutes, without a
download.

    make quickstart

It is not an experiment of the paper. Expect shapes that look like digits after about two minutes on
two cores. Where an Inception network is at hand it evaluates by the FID of 256 samples, which is
good for watching it fall and for nothing else; without one by `frechet_pixels`, which is not the
FID.
"""

from tf_ttur import config as configs

# (discriminator, generator)
VARIANTS = {"ttur": (1e-3, 2e-3), "orig": (1e-3, 1e-3)}


def get_config(variant="ttur"):
    config = configs.default()
    config.discriminator.learning_rate, config.generator.learning_rate = configs.choose(
        variant, VARIANTS
    )
    # Falling rates end the circling of the two players, which short runs at high rates are full of.
    config.discriminator.schedule = config.generator.schedule = "linear"
    config.name, config.variant = "quickstart", variant
    config.data.source = "digits:4096"
    config.model.width = 16
    config.updates = 1000
    config.evaluation.every_updates = 1000
    config.evaluation.num_samples = config.evaluation.reference_samples = (
        config.evaluation.sample_batch_size
    ) = 256
    config.evaluation.without_inception = "frechet_pixels"
    config.samples_every_updates = 200
    config.checkpoint_every_updates = 500
    config.log_every_updates = 20
    return config
