"""Reads image files with Pillow: all formats, and all that is not plain RGB.

Grey becomes RGB. An alpha that is 255 everywhere is dropped. What would lose something, such as
transparency, 16 bits or an animation, is refused, or converted as a `Conversion` says. This file
imports no TensorFlow.
"""

import dataclasses
import io
import re
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
import PIL.Image
from PIL import (
    BmpImagePlugin,
    GifImagePlugin,
    JpegImagePlugin,
    PngImagePlugin,
    PpmImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from tf_ttur.data import formats
from tf_ttur.data.resizing import Resizing
from tf_ttur.errors import UserError

MAX_PIXELS = 2**28 // 3  # per image: 256 MiB as RGB, which is also Pillow's limit
RGB = "RGB, 8 bits, 3 channels"
# What to do about a damaged file.
REPLACE = (
    "replace or remove this file, or leave out all such files: tf-ttur prepare, fid and stats take "
    "--skip-unreadable"
)
# Importing these registers the formats, which must not happen in several threads at once.
_PLUGINS: tuple[ModuleType, ...] = (
    BmpImagePlugin,
    GifImagePlugin,
    JpegImagePlugin,
    PngImagePlugin,
    PpmImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)
if "AVIF" in formats.FORMATS:
    from PIL import AvifImagePlugin

    _PLUGINS += (AvifImagePlugin,)

_GREY_MODES = ("1", "L", "LA", "La")
_BITS_PER_SAMPLE = 258  # the tag of a TIFF
_COLOURS = {"white": "#ffffff", "black": "#000000"}
_FILTERS = {
    "bilinear": PIL.Image.Resampling.BILINEAR,
    "bicubic": PIL.Image.Resampling.BICUBIC,
    "lanczos": PIL.Image.Resampling.LANCZOS,
}


@dataclasses.dataclass(frozen=True)
class Conversion:
    """What is done to images that are not RGB with 8 bits, beyond what loses nothing.

    Attributes:
      background: the colour "#rrggbb" on which transparent images are put; "" refuses them.
      depth: 8 keeps the upper 8 of 16 bits per channel; 0 refuses 16 bits.
    """

    background: str = ""
    depth: int = 0

    @property
    def record(self) -> dict[str, Any]:
        """What deviates from the defaults, for provenance."""
        values = dataclasses.asdict(self)
        return {name: value for name, value in values.items() if value}


NO_CONVERSION = Conversion()


class Picture(NamedTuple):
    """An image file that was read.

    Attributes:
      pixels: uint8 (height, width, 3).
      grey: whether the file has one channel for brightness, which now fills R, G and B.
      opaque_alpha: whether it has an alpha that is 255 everywhere, which was dropped.
    """

    pixels: np.ndarray
    grey: bool
    opaque_alpha: bool


class Refused(Exception):
    """An image file that cannot be used.

    Args:
      found: what is wrong; a message puts it after the name of the file.
      expected: what would have been correct.
      cure: what the user can do about it.
    """

    def __init__(self, found: str, expected: str, cure: str) -> None:
        super().__init__(found)
        self.found = found
        self.expected = expected
        self.cure = cure


def conversion(background: str = "", depth: int = 0) -> Conversion:
    """The `Conversion` that flags name.

    Args:
      background: "white", "black", "#rrggbb", or "" for none.
      depth: 8, or 0 for none.

    Raises:
      UserError: a value is none of these.
    """
    colour = _COLOURS.get(background.lower(), background.lower())
    if colour and not re.fullmatch("#[0-9a-f]{6}", colour):
        raise UserError(
            f"the background {background!r}",
            "white, black, or #rrggbb",
            "correct the colour; in a shell it needs quotes: --background '#808080'",
        )
    if depth not in (0, 8):
        raise UserError(f"a depth of {depth}", "8", "pass --depth 8, or leave it out")
    return Conversion(colour, depth)


def read(content: bytes, conversion: Conversion = NO_CONVERSION) -> Picture:
    """Reads an image file; its format is found by its content.

    Args:
      content: of the file.
      conversion: for transparency and 16 bits.

    Raises:
      Refused: it cannot be decoded, or is not such an image.
    """
    try:
        image = _open(content)
        with image:
            _check_frames(image)
            bits = _bits_per_channel(image, content)
            _check_bits(image, bits, conversion)
            image.load()
            if bits == 16:
                image = _with_8_bits(image)
            return _to_rgb(image, conversion)
    except Refused:
        raise
    except Exception as error:  # Pillow raises errors of many types
        raise _damaged(str(error) or type(error).__name__) from error


def _open(content: bytes) -> PIL.Image.Image:
    """Reads the header. Raises `Refused` for an unknown format, and for decompression bombs."""
    try:
        image = PIL.Image.open(io.BytesIO(content), formats=formats.FORMATS)
    except PIL.UnidentifiedImageError as error:
        name = formats.format_of(content)
        if not content:
            raise _damaged("no known format: it is empty") from error
        if name in formats.FORMATS:
            raise _damaged(f"a damaged {name}") from error
        reason = f"no known format: a {name}" if name else "no known format"
        raise _damaged(reason) from error
    if image.width * image.height > MAX_PIXELS:
        pixels = image.width * image.height
        raise _damaged(f"its {pixels} pixels are more than {MAX_PIXELS:,} pixels")
    return image


def _damaged(reason: str) -> Refused:
    return Refused(f"cannot be decoded ({reason})", "a whole image", REPLACE)


def _check_frames(image: PIL.Image.Image) -> None:
    """Raises `Refused` for an animation, and for several pages."""
    if image.format == "MPO":  # a JPEG; cameras append previews to it
        return
    count = getattr(image, "n_frames", 1)
    if count > 1:
        is_tiff = image.format == "TIFF"
        raise Refused(
            f"has {count} pages" if is_tiff else f"is an animation of {count} frames",
            "one image per file",
            "save the pages one by one" if is_tiff else "save one frame, or all as single images",
        )


def _bits_per_channel(image: PIL.Image.Image, content: bytes) -> int:
    """The bits that the file has per channel, which Pillow may have reduced to 8."""
    match image.format:
        case "PNG":
            return content[24]
        case "TIFF":
            return max(image.tag_v2.get(_BITS_PER_SAMPLE, (1,)))  # type: ignore[attr-defined]
        case "PPM":
            arguments = image.tile[0].args  # type: ignore[attr-defined]
            if isinstance(arguments, str):
                return 16 if arguments.startswith("I;16") else 8
            return 16 if arguments[0] != "F;32F" and arguments[-1] > 255 else 8
        case "AVIF":
            # The third byte of the configuration: tier, high bit depth, 12 bits, and others.
            place = content.find(b"av1C") + 6
            is_deep = content[place] & 0x40 if place > 6 else 0
            return 16 if is_deep else 8
    return 8


def _check_bits(image: PIL.Image.Image, bits: int, conversion: Conversion) -> None:
    """Raises `Refused` for more than 8 bits per channel without `--depth 8`."""
    if bits == 16 and not conversion.depth:
        deep = "more than 8 bits" if image.format == "AVIF" else "16 bits"
        raise Refused(
            f"has {deep} a channel",
            RGB,
            "pass --depth 8 to keep the upper 8 bits (for a training, to tf-ttur prepare), or "
            "convert it",
        )
    if bits > 16 or image.mode == "F":
        raise Refused(
            f"has {max(bits, 32)} bits a channel",
            RGB,
            "convert it; only you can know which 8 bits are meant",
        )


def _with_8_bits(image: PIL.Image.Image) -> PIL.Image.Image:
    """The upper 8 of 16 bits. Pillow takes them itself for all modes but single channels."""
    if not image.mode.startswith("I"):
        return image
    values = np.asarray(image)
    grey = PIL.Image.fromarray((values >> 8).astype(np.uint8))
    transparent = image.info.get("transparency")
    if transparent is not None:
        alpha = np.where(values == transparent, 0, 255).astype(np.uint8)
        grey.putalpha(PIL.Image.fromarray(alpha))
    return grey


def _to_rgb(image: PIL.Image.Image, conversion: Conversion) -> Picture:
    """Raises `Refused` for transparency without a background, and for other colour models."""
    grey = image.mode in _GREY_MODES
    if not image.has_transparency_data:
        if image.mode not in ("RGB", "RGBX", "P", *_GREY_MODES):
            raise Refused(
                f"is of mode {image.mode}",
                RGB,
                "convert it, for example with Pillow's image.convert('RGB')",
            )
        return Picture(np.asarray(image.convert("RGB")), grey, False)
    with_alpha = image.convert("RGBA")
    opaque = with_alpha.getchannel("A").getextrema() == (255, 255)
    if opaque:
        return Picture(np.asarray(with_alpha.convert("RGB")), grey, True)
    if not conversion.background:
        share = np.mean(np.asarray(with_alpha)[..., 3] < 255)
        raise Refused(
            f"is of mode {image.mode}, and {share:.1%} of its pixels are transparent",
            f"{RGB}, or an alpha of 255 everywhere",
            "pass --background white (or black, or '#rrggbb'; for a training, to tf-ttur prepare), "
            "or convert it",
        )
    behind = PIL.Image.new("RGBA", with_alpha.size, conversion.background)
    behind.alpha_composite(with_alpha)
    return Picture(np.asarray(behind.convert("RGB")), grey, False)


def resized(image: np.ndarray, resizing: Resizing) -> np.ndarray:
    """Crops and resizes one image with Pillow, whose filters are antialiased.

    Args:
      image: uint8 (height, width, 3), or float32 in 0 ... 255.
      resizing: what to do.

    Returns:
      (size, size, 3). Of uint8 images it is uint8, to the bit what Pillow's `crop` and `resize` of
      the RGB image give. Floats are resized channel by channel, and clipped to 0 ... 255. With
      `in_floats` the result is float32 in any case.
    """
    if resizing.crop == "square":
        height, width = image.shape[:2]
        side = min(height, width)
        top = (height - side) // 2
        left = (width - side) // 2
        image = image[top : top + side, left : left + side]
    size = (resizing.size, resizing.size)
    method = _FILTERS[resizing.filter]
    if image.dtype == np.uint8 and not resizing.in_floats:
        whole = PIL.Image.fromarray(np.ascontiguousarray(image))
        return np.asarray(whole.resize(size, method))
    result = np.empty((*size, 3), np.float32)
    for channel in range(3):
        plane = PIL.Image.fromarray(image[..., channel].astype(np.float32))
        result[..., channel] = np.asarray(plane.resize(size, method))
    return result.clip(0, 255)
