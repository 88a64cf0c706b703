"""DCGAN on LSUN bedrooms: row 4 of the results table (Heusel et al. 2017, table 1).

    python -m tf_ttur.train --config configs/lsun.py --config.data.source=lsun/bedroom_train         # TTUR: 1e-5, 1e-4
    python -m tf_ttur.train --config configs/lsun.py:orig --config.data.source=lsun/bedroom_train    # one time scale: 5e-5

The other single rates of the figure are the variants orig_1e-5 and orig_1e-4.

Published FID, best of 8 runs: TTUR 57.5 at 340k updates, orig 70.4 at 70k. Mean and range of the 8
runs at 400k: TTUR 64.4 [60.7, 69.6], orig 257 [91, 315], which has its best mean, 106.3, at 55k.
Likewise orig_1e-5 129.8 at 160k and 262 [236, 282], orig_1e-4 80.7 at 365k and 278 [104, 336].
3,033,042 images, 9 epochs of 47,391 updates.

The preparation of the paper is not published: this card takes the largest centred square, resized
to 64x64. The source is LSUN's LMDB, a folder or zip of the exported images, or, fastest, what
tools/prepare_data.py made of one; the images are read from it all the time (37 GB as an array). The
original stored what it had resized as JPEGs; here it is not compressed again.

Erratum: the paper says it evaluates every 1000 updates, its scripts and figures every 5000, and so
does this card. The scores are minima over runs and evaluations.
"""

from tf_ttur import config as configs

# (discriminator, generator)
VARIANTS = {
    "ttur": (1e-5, 1e-4),
    "orig": (5e-5, 5e-5),
    "orig_1e-5": (1e-5, 1e-5),
    "orig_1e-4": (1e-4, 1e-4),
}


def get_config(variant="ttur"):
    config = configs.default()
    config.discriminator.learning_rate, config.generator.learning_rate = configs.choose(
        variant, VARIANTS
    )
    config.name, config.variant = "lsun", variant
    config.data.source = "data/lsun/bedroom_train"
    config.data.image_size, config.data.crop = 64, "square"
    config.updates = 426_519
    return config
