"""DCGAN on CelebA: row 1 of the results table (Heusel et al. 2017, table 1).

    python -m tf_ttur.train --config configs/celeba.py        # TTUR: discriminator 1e-5, generator 5e-4
    python -m tf_ttur.train --config configs/celeba.py:orig   # one time scale: 5e-4

The other single rates of the figure are the variants orig_1e-5 and orig_1e-4.

Published FID, best of 8 runs: TTUR 12.5 at 225k updates, orig 21.4 at 70k. Mean and range of the 8
runs at 255k: TTUR 14.1 [12.7, 15.9], orig 206 [176, 267], which has its best mean, 30.8, at 60k.
Likewise orig_1e-5 33.3 at 230k and 117 [36, 164], orig_1e-4 23.6 at 75k and 162 [127, 195]. 202,599
images, 81 epochs of 3,165 updates.

The crop of the paper is not published. This card takes the aligned images, the centre 108x108
pixels, resized to 64x64, never compressed again (the original stored them as JPEGs), and computes
its reference on exactly those; the official statistics belong to other images. TFDS often fails to
download this set: `--config.data.source=img_align_celeba.zip` (or its folder, or what
tools/prepare_data.py made of it) serves as well.

Errata: these scores round to the same two numbers as those of SVHN, which is a coincidence; the
paper says it evaluates every 1000 updates, its scripts and figures every 5000, and so does this
card. The scores are minima over runs and evaluations.
"""

from tf_ttur import config as configs

# (discriminator, generator)
VARIANTS = {
    "ttur": (1e-5, 5e-4),
    "orig": (5e-4, 5e-4),
    "orig_1e-5": (1e-5, 1e-5),
    "orig_1e-4": (1e-4, 1e-4),
}


def get_config(variant="ttur"):
    config = configs.default()
    config.discriminator.learning_rate, config.generator.learning_rate = configs.choose(
        variant, VARIANTS
    )
    config.name, config.variant = "celeba", variant
    config.data.source = "tfds:celeb_a/train+validation+test"
    config.data.image_size, config.data.crop = 64, "108"
    config.updates = 256_365
    return config
