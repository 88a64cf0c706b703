"""Writes samples to files: images as PNG files, lines as one text file."""

import pathlib
from collections.abc import Iterable, Sequence

import numpy as np
import PIL.Image

from tf_ttur.errors import UserError
from tf_ttur.io import files, outputs


def check_new(folder: str | pathlib.Path) -> pathlib.Path:
    """Checks, before any work, that a folder is empty or does not exist, and can be written.

    Returns:
      The folder.

    Raises:
      UserError: it holds something, is a file, or cannot be written.
    """
    folder = outputs.check_folder(folder)
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
      images: uint8 (n, height, width, 3), or grey (n, height, width, 1).
      folder: is created if it does not exist.
    """
    digits = len(str(len(images) - 1))
    for number, image in enumerate(images):
        with files.atomic(pathlib.Path(folder, f"{number:0{digits}d}.png")) as file:
            to_picture(image).save(file, "PNG")


def to_picture(image: np.ndarray) -> PIL.Image.Image:
    """An image of Pillow of uint8 (height, width, 3), or of grey (height, width, 1)."""
    return PIL.Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image)


def write_lines(lines: Iterable[bytes], folder: str | pathlib.Path) -> None:
    """Writes lines.txt.

    Args:
      lines: in UTF-8, without newlines at their ends.
      folder: is created if it does not exist.
    """
    with files.atomic(pathlib.Path(folder, "lines.txt")) as file:
        file.write(b"".join(line + b"\n" for line in lines))
