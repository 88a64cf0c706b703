"""What experiments of one family share. A card starts from one of these and sets what differs."""

from collections.abc import Mapping

from ml_collections import ConfigDict

from tf_ttur.config.cards import choose
from tf_ttur.config.keys import default
from tf_ttur.players import Players


def wgan_gp(critic_steps: int) -> ConfigDict:
    """What the WGAN-GP experiments share (Gulrajani et al. 2017; Heusel et al. 2017, section 3)."""
    config = default()
    config.model.architecture = "wgan_gp"
    config.loss = "wasserstein"
    config.discriminator.steps = critic_steps
    config.discriminator.gradient_penalty = 10.0
    for player in (config.discriminator, config.generator):
        player.beta_1 = 0.0
        player.beta_2 = 0.9
    config.latent.size = 128
    config.latent.distribution = "normal"
    config.latent.shared = False
    config.evaluation.quantisation = "truncate"
    config.evaluation.feature_batch_size = 200
    return config


def language(critic_steps: int) -> ConfigDict:
    """What the experiments with WGAN-GP on lines of characters share."""
    config = wgan_gp(critic_steps)
    config.model.architecture = "language"
    config.model.width = 512
    config.discriminator.beta_1 = 0.5
    config.generator.beta_1 = 0.5
    config.evaluation.num_samples = 640
    config.evaluation.sample_batch_size = 64
    return config


def began() -> ConfigDict:
    """What the BEGAN experiments share (Berthelot et al. 2017; Heusel et al. 2017, appendix A4.3)."""
    config = default()
    config.model.architecture = "began"
    config.model.width = 128
    config.loss = "boundary_equilibrium"
    for player in (config.discriminator, config.generator):
        player.beta_1 = 0.9
        player.schedule = "halving"
        player.decay_shift = 100_000.0
    config.latent.size = 64
    config.batch_size = 16
    config.updates = 500_000
    config.evaluation.every_updates = 1000
    config.evaluation.sample_batch_size = 200
    config.evaluation.feature_batch_size = 200
    return config


def card(
    family: ConfigDict, name: str, variant: str, variants: Mapping[str, Players[float]]
) -> ConfigDict:
    """A family's config under the name of an experiment, with the two learning rates of one of its
    variants.

    Args:
      family: `default()`, or what another function of this file gives; it is changed.
      name, variant: of the experiment and of its setting.
      variants: {variant: learning rates}.

    Raises:
      UserError: there is no such variant.
    """
    rates = choose(variant, variants)
    family.name = name
    family.variant = variant
    family.discriminator.learning_rate = rates.discriminator
    family.generator.learning_rate = rates.generator
    return family
