"""Bringing images to one size before they are measured: the flags --size, --crop and --filter.

`pillow.resized` does it. This file imports neither TensorFlow nor Pillow.
"""

import dataclasses
from typing import Any

from tf_ttur.errors import UserError

FILTERS = ("bilinear", "bicubic", "lanczos")  # all antialiased
CROPS = ("square", "none")
FILTER = "bicubic"  # also Pillow's own default
CROP = "square"
MAX_SIZE = 8192


@dataclasses.dataclass(frozen=True)
class Resizing:
    """How images of any size become images of one size.

    Attributes:
      size: side of the square result in pixels.
      crop: "square" takes the largest centred square first; "none" takes the image as it is, so
        that the sides of one that is not square change by different factors.
      filter: of `FILTERS`.
      in_floats: whether the result is float32, which is not rounded; else it has the type of the
        image.
    """

    size: int
    crop: str = CROP
    filter: str = FILTER
    in_floats: bool = False

    @property
    def record(self) -> dict[str, Any]:
        """Size, crop and filter, for provenance."""
        return {"size": self.size, "crop": self.crop, "filter": self.filter}


def find_resizing(
    size: int | None, crop: str | None = None, filter: str | None = None
) -> Resizing | None:
    """The `Resizing` that flags or arguments name; None where all of them are None.

    Args:
      size: side in pixels, 1 ... `MAX_SIZE`.
      crop: of `CROPS`; None takes `CROP`.
      filter: of `FILTERS`; None takes `FILTER`.

    Raises:
      UserError: a value is none of these, or there is a crop or filter without a size.
    """
    given = {"crop": (crop, CROPS), "filter": (filter, FILTERS)}
    for name, (value, choices) in given.items():
        if value is None:
            continue
        if value not in choices:
            raise UserError(f"{name} {value!r}", " or ".join(choices), f"correct the {name}")
        if size is None:
            raise UserError(
                f"a {name} without a size",
                "the side in pixels beside it: --size N (size=N in Python)",
                f"name the size, or leave the {name} out",
            )
    if size is None:
        return None
    if not isinstance(size, int) or isinstance(size, bool) or not 1 <= size <= MAX_SIZE:
        raise UserError(
            f"size {size!r}",
            f"the side in pixels, a whole number of 1 ... {MAX_SIZE:,}",
            "correct the size",
        )
    return Resizing(size, crop or CROP, filter or FILTER)


def cure_of_sizes(size: int) -> str:
    """What an error about images of several sizes says is to be done.

    Args:
      size: of the example, in pixels.
    """
    return (
        f"bring all to one size: --size {size} [--crop {'|'.join(CROPS)}] "
        f"[--filter {'|'.join(FILTERS)}]; in Python size={size}"
    )
