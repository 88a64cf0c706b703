"""BEGAN on LSUN bedrooms (Heusel et al. 2017, first version; Berthelot et al. 2017).

    python -m tf_ttur.train --config configs/began_lsun.py --config.data.source=lsun/bedroom_train       # TTUR: 3e-5, 1e-5
    python -m tf_ttur.train --config configs/began_lsun.py:orig --config.data.source=lsun/bedroom_train  # one time scale: 2e-5

Expect no advantage of TTUR. Published FID, best run and lowest mean: TTUR 112.8 and 123.8, orig
112.0 and 124.4. What began_celeba.py says of the steps and of JPEGs holds here too; the images are
those of lsun.py.
"""

from tf_ttur import config as configs

# (discriminator, generator)
VARIANTS = {"ttur": (3e-5, 1e-5), "orig": (2e-5, 2e-5)}


def get_config(variant="ttur"):
    config = configs.began()
    config.discriminator.learning_rate, config.generator.learning_rate = configs.choose(
        variant, VARIANTS
    )
    config.name, config.variant = "began_lsun", variant
    config.data.source = "data/lsun/bedroom_train"
    config.data.image_size, config.data.crop = 64, "square"
    return config
