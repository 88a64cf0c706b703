"""The training images of an experiment, also as the SOURCE `config:CARD`."""

from typing import TYPE_CHECKING, cast

from ml_collections import ConfigDict

from tf_ttur.config.cards import load
from tf_ttur.config.rules import kind_of
from tf_ttur.data import KINDS
from tf_ttur.errors import UserError

if TYPE_CHECKING:
    from tf_ttur.data.images import Images


def images_of(config: ConfigDict) -> "Images":
    """The training images of an experiment, cropped and resized as in training.

    Raises:
      UserError: the data are missing, or the experiment learns from something else than images.
    """
    kind = kind_of(config)
    if kind is not KINDS["images"]:
        raise UserError(
            f"{config.name} learns from lines", "an experiment with images", "name another config"
        )
    return cast("Images", kind.open_examples(config.data))


def open_images(word: str) -> "Images":
    """The images that `config:NAME[:VARIANT]` or `config:PATH.py[:VARIANT]` names.

    Raises:
      UserError: as `images_of`, or there is no such card.
    """
    return images_of(load(word.removeprefix("config:")))
