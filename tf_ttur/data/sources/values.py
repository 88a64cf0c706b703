"""Whether the values of images that a program passes are what a training expects."""

import numpy as np

from tf_ttur.errors import UserError

_MARGIN = 1e-3  # by which floats may leave -1 ... 1, as rounding errors do
_DARK = -0.25  # images in -1 ... 1 have values below this
_FEW = 1e-3  # share of the values

_FLOATS = "uint8 in 0 ... 255, or floats in -1 ... 1"


class Values:
    """The extreme values of images, and how many are dark.

    Args:
      word: how messages call the images.
    """

    def __init__(self, word: str) -> None:
        self._word = word
        self._is_float = False
        self._low = np.inf
        self._high = -np.inf
        self._dark = 0
        self._count = 0
        self._images = 0

    def add(self, images: np.ndarray) -> None:
        """Looks at some images, uint8 or floats, with the images on the first axis.

        Raises:
          UserError: a value is NaN or infinite, or beyond -1 ... 1.
        """
        self._is_float = images.dtype.kind == "f"
        if self._is_float and not np.isfinite(images).all():
            axes = tuple(range(1, images.ndim))
            number = self._images + int(np.argmin(np.isfinite(images).all(axes)))
            raise UserError(
                f"{self._word}: NaN or infinity in image {number} (counted from 0)",
                "finite numbers",
                "leave this image out, or correct it",
            )
        self._low = min(self._low, float(images.min()))
        self._high = max(self._high, float(images.max()))
        self._dark += int(np.count_nonzero(images < _DARK)) if self._is_float else 0
        self._count += images.size
        self._images += len(images)
        if self._is_float and max(-self._low, self._high) > 1 + _MARGIN:
            raise self._beyond()

    def judge(self) -> None:
        """Refuses values that are probably of another range. Raises `UserError`."""
        if not self._is_float:
            if self._high <= 1:
                raise UserError(
                    f"{self._word}: uint8 images with no value above 1: cast before scaling?",
                    "uint8 in 0 ... 255",
                    "scale before you cast: (255 * images).round().astype('uint8')",
                )
        elif self._dark < _FEW * self._count:
            raise UserError(
                f"{self._word}: floats from {self._low:.6g} to {self._high:.6g}, hardly any below "
                f"{_DARK}: probably of 0 ... 1",
                _FLOATS,
                "scale them: 2 * images - 1; images that really are so bright: as uint8",
            )

    def _beyond(self) -> UserError:
        if self._low < -5:
            cure = "they are probably of 0 ... 255 less a mean: add the mean, and cast to uint8"
        elif self._high > 5:
            cure = "they are probably of 0 ... 255: round and cast them to uint8"
        else:
            cure = "they may be normalised by a mean and a standard deviation: undo that"
        return UserError(
            f"{self._word}: floats from {self._low:.6g} to {self._high:.6g}", _FLOATS, cure
        )
