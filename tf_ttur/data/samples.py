"""The files of samples: images as PNG files, lines as one text file."""

import pathlib
from collections.abc import Iterable, Sequence

import numpy as np
import PIL.Image

from tf_ttur.errors import UserError
from tf_ttur.io import files


def check_new(folder: str | pathlib.Path) -> pathlib.Path:
    """Makes sure that samples in this folder would be alone there.

    Returns:
      The folder, which need not exist.

    Raises:
      UserError: it holds something.
    """
    folder = pathlib.Path(folder)
    if folder.exists() and any(folder.iterdir()):
        raise UserError(
            f"{folder} is not empty",
            "a new folder, so that it holds these samples alone",
            "remove it or choose another --output",
        )
    return folder


def write_images(images: Sequence[np.ndarray] | np.ndarray, folder: str | pathlib.Path) -> None:
    """Writes NUMBER.png for each image, numbered from 0 with leading zeros.

    Args:
      images: uint8 (n, height, width, 3).
      folder: is made where it does not exist.
    """
    digits = len(str(len(images) - 1))
    for number, image in enumerate(images):
        with files.atomic(pathlib.Path(folder, f"{number:0{digits}d}.png")) as file:
            PIL.Image.fromarray(image).save(file, "PNG")


def write_lines(lines: Iterable[bytes], folder: str | pathlib.Path) -> None:
    """Writes lines.txt.

    Args:
      lines: in UTF-8, without their ends.
      folder: is made where it does not exist.
    """
    with files.atomic(pathlib.Path(folder, "lines.txt")) as file:
        file.write(b"".join(line + b"\n" for line in lines))
