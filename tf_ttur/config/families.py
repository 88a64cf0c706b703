"""Families of experiments: each function returns the config that the cards of a family start from.

The configs are complete but not validated: a card still sets the name, the variant and the learning
rates (see `card`).
"""

from collections.abc import Mapping

from ml_collections import ConfigDict

from tf_ttur.config.cards import choose
from tf_ttur.config.keys import default
from tf_ttur.players import Players


def wgan_gp(critic_steps: int) -> ConfigDict:
    """The config that WGAN-GP experiments start from.

    The values are those of Gulrajani et al. 2017, and of Heusel et al. 2017, section 3.

    Args:
      critic_steps: critic steps per generator update.
    """
    config = _residual(critic_steps)
    config.model.architecture = "wgan_gp"
    config.loss = "wasserstein"
    config.discriminator.gradient_penalty = 10.0
    config.evaluation.quantisation = "truncate"
    config.evaluation.feature_batch_size = 200
    return config


def sngan(discriminator_steps: int) -> ConfigDict:
    """The config that SNGAN experiments start from.

    The values are those of Miyato et al. 2018, section 4 and table 4.

    Args:
      discriminator_steps: discriminator steps per generator update.
    """
    config = _residual(discriminator_steps)
    config.model.architecture = "sngan"
    config.model.width = 128
    config.loss = "hinge"
    return config


def language(critic_steps: int) -> ConfigDict:
    """The config that WGAN-GP experiments on lines of characters start from.

    Args:
      critic_steps: critic steps per generator update.
    """
    config = wgan_gp(critic_steps)
    config.model.architecture = "language"
    config.model.width = 512
    config.discriminator.beta_1 = 0.5
    config.generator.beta_1 = 0.5
    config.evaluation.num_samples = 640
    config.evaluation.sample_batch_size = 64
    return config


def began() -> ConfigDict:
    """The config that BEGAN experiments start from.

    The values are those of Berthelot et al. 2017, and of Heusel et al. 2017, appendix A4.3.
    """
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


def _residual(discriminator_steps: int) -> ConfigDict:
    """What the residual networks of WGAN-GP and SNGAN have in common: Adam and the latents."""
    config = default()
    config.discriminator.steps = discriminator_steps
    for player in (config.discriminator, config.generator):
        player.beta_1 = 0.0
        player.beta_2 = 0.9
    config.latent.size = 128
    config.latent.distribution = "normal"
    config.latent.shared = False
    return config


def one_time_scale(rate: float) -> Players[float]:
    """The same learning rate for both players."""
    return Players(discriminator=rate, generator=rate)


def card(
    family: ConfigDict, name: str, variant: str, variants: Mapping[str, Players[float]]
) -> ConfigDict:
    """Names the config of a family and gives it the two learning rates of a variant.

    Args:
      family: `default()`, or the result of another function of this file. It is changed in place.
      name: of the experiment.
      variant: one of `variants`.
      variants: {variant: learning rates}.

    Returns:
      `family`.

    Raises:
      UserError: there is no such variant.
    """
    rates = choose(variant, variants)
    family.name = name
    family.variant = variant
    family.discriminator.learning_rate = rates.discriminator
    family.generator.learning_rate = rates.generator
    return family
