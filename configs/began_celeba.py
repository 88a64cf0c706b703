"""BEGAN on CelebA (Heusel et al. 2017, appendix A4.3; Berthelot et al. 2017).

    python -m tf_ttur.train --config configs/began_celeba.py            # TTUR: discriminator 6e-5, generator 4e-5
    python -m tf_ttur.train --config configs/began_celeba.py:orig       # one time scale: 5e-5
    python -m tf_ttur.train --config configs/began_celeba.py:orig_1e-4  # also published

Expect no advantage of TTUR: the equilibrium controller ties the players' gradients, whatever their
rates. Published FID, best run and lowest mean (no range is): TTUR 25.0 and 26.6, orig 24.2 and
27.0, orig 1e-4 27.4 and 30.1.

The crop is that of celeba.py, so that both see the same images. The original code takes a folder
that is cropped already as it is, and from one called CelebA the 128x128 pixels from x = 25 and y =
50 on, resized to the nearest; which of the two the paper used is not known. What it had cropped was
stored as JPEGs; here it is not compressed again. The original makes both players' steps in one
call, whose order TensorFlow does not define; here the discriminator goes first. It moves its
balance in a call of its own, perhaps by errors that it computes anew; here it moves by the
discriminator's, from before its step. Its decoder and its encoder are made for sides of 8 times a
power of two.
"""

from tf_ttur import config as configs

# (discriminator, generator)
VARIANTS = {"ttur": (6e-5, 4e-5), "orig": (5e-5, 5e-5), "orig_1e-4": (1e-4, 1e-4)}


def get_config(variant="ttur"):
    config = configs.began()
    config.discriminator.learning_rate, config.generator.learning_rate = configs.choose(
        variant, VARIANTS
    )
    config.name, config.variant = "began_celeba", variant
    config.data.source = "tfds:celeb_a/train+validation+test"
    config.data.image_size, config.data.crop = 64, "108"
    return config
