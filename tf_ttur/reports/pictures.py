"""Samples of a run as pictures: the same latents over time, and the last ones enlarged."""

import base64
import io
import math
import pathlib
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import PIL.Image

from tf_ttur import config as configs
from tf_ttur.io import console
from tf_ttur.runs import Run

_GAP = 2  # pixels between two images of a grid
_TIMES = 8  # rows of a strip, at most
LATENTS = 8  # columns of a strip
_SIDE = 64  # pixels that an image is enlarged to, or somewhat less
_GROUND = 255


class Samples(NamedTuple):
    """What a run has drawn from the same latents.

    Attributes:
      updates: (times,) numbers of updates, ascending.
      images: (times, latents, height, width, 3) uint8.
    """

    updates: list[int]
    images: np.ndarray


def read(run: Run) -> Samples | None:
    """The samples of a run of images, at up to eight times; None if there are none.

    A picture that cannot be read is left out, which a message says.
    """
    if configs.kind_of(run.config).has_vocabulary:
        return None
    shown = [path for path in run.samples if path.suffix == ".png"]
    shown = [shown[place] for place in _spread(len(shown))]
    images = {}
    for path in shown:
        picture = _open(path)
        grid = None if picture is None else cut(picture, run.config.data.image_size)
        if grid is not None:
            images[int(path.stem)] = grid
    if not images:
        return None
    fewest = min(map(len, images.values()))
    return Samples(list(images), np.stack([one[:fewest] for one in images.values()]))


def read_lines(run: Run, count: int = 8) -> list[tuple[int, list[str]]]:
    """[(update, its first lines)] of a run of lines, at up to eight times."""
    shown = [path for path in run.samples if path.suffix == ".txt"]
    return [
        (int(path.stem), path.read_text(encoding="utf-8").splitlines()[:count])
        for path in (shown[place] for place in _spread(len(shown)))
    ]


def cut(picture: np.ndarray, size: int) -> np.ndarray | None:
    """The images of a picture without gaps.

    Args:
      picture: (rows * size, columns * size, 3) uint8.
      size: of one image, in pixels.

    Returns:
      (rows * columns, size, size, 3), row by row; None if the picture is not made like this.
    """
    height, width = picture.shape[:2]
    if height % size or width % size:
        return None
    cells = picture.reshape(height // size, size, width // size, size, 3)
    return cells.swapaxes(1, 2).reshape(-1, size, size, 3)


def grid(images: np.ndarray, columns: int) -> PIL.Image.Image:
    """Images beside each other with gaps, enlarged by repeating pixels.

    Args:
      images: (n, height, width, 3) uint8.
      columns: in one row.
    """
    factor = max(1, _SIDE // images.shape[2])
    images = images.repeat(factor, axis=1).repeat(factor, axis=2)
    count, height, width = images.shape[:3]
    rows = math.ceil(count / columns)
    shape = (rows * (height + _GAP) - _GAP, columns * (width + _GAP) - _GAP, 3)
    picture = np.full(shape, _GROUND, np.uint8)
    for index, image in enumerate(images):
        top = index // columns * (height + _GAP)
        left = index % columns * (width + _GAP)
        picture[top : top + height, left : left + width] = image
    return PIL.Image.fromarray(picture)


def strip(samples: Samples) -> PIL.Image.Image:
    """One row per time, one column per latent."""
    images = samples.images[:, :LATENTS]
    return grid(images.reshape(-1, *images.shape[2:]), images.shape[1])


def last_grid(samples: Samples) -> PIL.Image.Image:
    """All images of the last time."""
    last = samples.images[-1]
    return grid(last, math.ceil(math.sqrt(len(last))))


def data_uri(picture: PIL.Image.Image) -> str:
    """A picture as a `data:` URI of a PNG, or of a JPEG where that is a third of it or less."""
    png = _encode(picture, "PNG", optimize=True)
    jpeg = _encode(picture, "JPEG", quality=92, subsampling=0)
    kind, content = ("png", png) if len(jpeg) * 3 > len(png) else ("jpeg", jpeg)
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"


def _encode(picture: PIL.Image.Image, kind: str, **options: int | bool) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def _spread(count: int) -> Sequence[int]:
    """At most `_TIMES` places of `count`, evenly spread, with the first and the last."""
    return sorted(set(np.linspace(0, count - 1, min(count, _TIMES)).round().astype(int).tolist()))


def _open(path: pathlib.Path) -> np.ndarray | None:
    """A picture as (height, width, 3) uint8; None if it cannot be read."""
    try:
        with PIL.Image.open(path) as picture:
            return np.asarray(picture.convert("RGB"))
    except (OSError, SyntaxError, ValueError) as error:
        console.say(f"warning: left out: {path} cannot be read ({error})")
        return None
