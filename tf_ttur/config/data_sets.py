"""The data sets that several experiments share, and how their images are cropped and resized.

Each function changes a config in place: it sets the keys that belong to one data set. A source
names first what `tf-ttur prepare` writes (`data.alternatives`).
"""

from ml_collections import ConfigDict


def cifar10(config: ConfigDict) -> None:
    """CIFAR-10: the 50,000 training images, 32x32."""
    config.data.source = "data/cifar10|tfds:cifar10/train"


def celeba(config: ConfigDict) -> None:
    """CelebA: the centre 108x108 pixels of all 202,599 aligned images, resized to 64x64."""
    config.data.source = "data/celeba|tfds:celeb_a/train+validation+test"
    config.data.image_size = 64
    config.data.crop = "108"


def lsun_bedrooms(config: ConfigDict) -> None:
    """LSUN bedrooms: the largest centred square of all 3,033,042 images, resized to 64x64."""
    config.data.source = "data/lsun/bedroom_train|data/lsun"
    config.data.image_size = 64
    config.data.crop = "square"
