"""BEGAN on CelebA (Heusel et al. 2017, appendix A4.3; Berthelot et al. 2017).

    tf-ttur train --config began_celeba              # TTUR: discriminator 6e-5, generator 4e-5
    tf-ttur train --config began_celeba:orig         # one time scale: 5e-5
    tf-ttur train --config began_celeba:orig_1e-4    # also published

From a checkout, `python -m tf_ttur.train --config configs/began_celeba.py` does the same.

Expect no advantage of TTUR: the equilibrium controller ties the gradients of the two players,
whatever their rates. Published FID; no ranges are published.

    variant      best run    lowest mean
    ttur         25.0        26.6
    orig         24.2        27.0
    orig_1e-4    27.4        30.1

The crop is that of the card celeba, so that both see the same images. The original code takes a
folder of cropped images unchanged. From a folder called CelebA it takes the 128x128 pixels that
begin at x = 25 and y = 50, resized to the nearest pixel. Which of the two the paper used is not
known. The original read its crops from JPEGs; this card does not compress its images again. The
card celeba says how much that may move the FID.

The original makes the steps of both players in one call, in which TensorFlow defines no order; here
the discriminator goes first. The original updates its balance in a separate call, which takes the
next images and new latents, with the weights after the steps; here the balance uses the errors of
the update's own batch, from before the discriminator's step. So the original uses twice as many
images per update. The balance moves by 0.001 of an error per update and averages over thousands of
batches, so both should see the same course. The encoder and decoder need image sides of 8 times a
power of two. docs/reproducing.md lists all known differences.
"""

from ml_collections import ConfigDict

from tf_ttur import config as configs
from tf_ttur.config import data_sets
from tf_ttur.players import Players

VARIANTS = {
    "ttur": Players(discriminator=6e-5, generator=4e-5),
    "orig": configs.one_time_scale(5e-5),
    "orig_1e-4": configs.one_time_scale(1e-4),
}


def get_config(variant: str = "ttur") -> ConfigDict:
    config = configs.card(configs.began(), "began_celeba", variant, VARIANTS)
    data_sets.celeba(config)
    return config
