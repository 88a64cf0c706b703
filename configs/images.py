"""DCGAN on your own images: a folder, a zip, an array, or any other SOURCE.

    tf-ttur train --config images --config.data.source=photos/         # TTUR
    tf-ttur train --config images:orig --config.data.source=photos/    # one time scale

Without a source it takes data/images, which `tf-ttur prepare images` writes, or photos/.

From a checkout, `python -m tf_ttur.train --config configs/images.py ...` does the same.

The card takes the largest centred square of each image and resizes it to 64x64. Other values of
`--config.data.image_size` are multiples of 16 from 32 on, such as 48 or 128;
`--config.data.crop=108` takes a smaller centred square first; `--config.data.channels=1` trains
grey images, and `--config.data.flip=True` mirrors half of the images that are shown.

Networks, losses and rates are the paper's for photographs of faces at 64x64 (the card celeba): TTUR
with 1e-5 for the discriminator and 5e-4 for the generator, one time scale with 5e-4. They have not
been searched for your images, and there are no published values: compare the variants with each
other, over several seeds. Where the discriminator wins, lower the generator's rate. The run has
100,000 updates of 64 images; a few thousand images suffice for recognisable results, a few hundred
do not.

The reference of the FID is your images. 50,000 samples are measured every 5000 updates, as in the
paper. On a CPU that takes hours: `--config.evaluation.num_samples=5000` is faster, but its values
are comparable only among themselves.
"""

from ml_collections import ConfigDict

from tf_ttur import config as configs
from tf_ttur.players import Players

VARIANTS = {
    "ttur": Players(discriminator=1e-5, generator=5e-4),
    "orig": configs.one_time_scale(5e-4),
}


def get_config(variant: str = "ttur") -> ConfigDict:
    config = configs.card(configs.default(), "images", variant, VARIANTS)
    config.data.source = "data/images|photos/"
    config.data.image_size = 64
    config.data.crop = "square"
    config.updates = 100_000
    return config
