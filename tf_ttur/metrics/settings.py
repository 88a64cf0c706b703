"""How images that a Python program passes are read. This file imports no TensorFlow."""

import dataclasses
from typing import Any

import numpy as np

from tf_ttur.data import QUANTISATIONS
from tf_ttur.data.ranges import Range, find_range
from tf_ttur.data.resizing import Resizing, find_resizing
from tf_ttur.errors import UserError
from tf_ttur.metrics import protocols

LATENTS = ("normal", "uniform")
_NOT_OF_SIDES = ("batch_size", "seed", "protocol")  # a measure may draw from the seed too
NUM_IMAGES = 50_000  # drawn from what has no end, unless the caller says how many


@dataclasses.dataclass(frozen=True)
class Settings:
    """How images that a Python program passes are read; see `metrics.evaluate`.

    Attributes:
      num_images: how many to draw; None stands for `NUM_IMAGES`.
      batch_size: images in a batch.
      quantisation: what becomes of floats: a name of `QUANTISATIONS`, or `MODULE:OBJECT` or
        `PATH.py:OBJECT` of your own function.
      value_range: of `data.ranges.RANGES`; None finds out.
      latent_size: of a Keras model's latents; None takes that of its input.
      latent: of `LATENTS`.
      seed: of latents.
      background, depth: of image files that a word names, as in `data.pillow.conversion`.
      size, crop, filter: of all images, as in `data.resizing.find_resizing`.
      protocol: of `protocols.PROTOCOLS`.

    Raises:
      UserError: a setting that cannot be used.
    """

    num_images: int | None = None
    batch_size: int = 100
    quantisation: str = "round"
    value_range: Range | None = None
    latent_size: int | None = None
    latent: str = "normal"
    seed: int = 0
    background: str = ""
    depth: int = 0
    size: int | None = None
    crop: str | None = None
    filter: str | None = None
    protocol: str = protocols.OFFICIAL

    def __post_init__(self) -> None:
        for what in ("num_images", "batch_size", "latent_size"):
            number = getattr(self, what)
            if number is None and what != "batch_size":
                continue
            if not isinstance(number, int | np.integer) or number < 1:
                raise UserError(f"{what} {number!r}", "a whole number above 0", f"correct {what}")
        if not isinstance(self.quantisation, str):
            found = f"quantisation {self.quantisation!r}"
            raise UserError(found, QUANTISATIONS.words, "correct quantisation")
        QUANTISATIONS.find(self.quantisation)  # raises `UserError` where there is none
        if self.latent not in LATENTS:
            raise UserError(f"latent {self.latent!r}", " or ".join(LATENTS), "correct latent")
        if self.value_range is not None:
            object.__setattr__(self, "value_range", find_range(self.value_range))
        find_resizing(self.size, self.crop, self.filter)
        protocols.find(self.protocol)

    @property
    def resizing(self) -> Resizing | None:
        """How the images are brought to one size; None where they are not."""
        return find_resizing(self.size, self.crop, self.filter)

    @property
    def resizings(self) -> tuple[Resizing, ...]:
        """All that is done to the sizes of the images, in this order."""
        both = (self.resizing, protocols.find(self.protocol).entry)
        return tuple(each for each in both if each is not None)

    @property
    def shape(self) -> tuple[int, int, int] | None:
        """(height, width, 3) of the images after all `resizings`; None where they keep theirs."""
        if not self.resizings:
            return None
        size = self.resizings[-1].size
        return size, size, 3

    @property
    def given(self) -> list[str]:
        """The options of sides that differ from their defaults; see `sources.refuse_unused`."""
        return [
            field.name
            for field in dataclasses.fields(self)
            if field.name not in _NOT_OF_SIDES and getattr(self, field.name) != field.default
        ]

    @property
    def of_words(self) -> dict[str, Any]:
        """The keyword arguments of `data.images.open_images` that concern every word, if given."""
        names = ("background", "depth", "size", "crop", "filter", "value_range")
        values = {name: getattr(self, name) for name in names}
        return {name: value for name, value in values.items() if value}
