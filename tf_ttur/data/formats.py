"""The formats of image files: which are read, and what a file is by its first bytes.

This file imports no TensorFlow.
"""

import importlib.util
from importlib.machinery import PathFinder


def _pillow_has(module: str) -> bool:
    """Whether Pillow was built with one of its modules; Pillow itself is not imported."""
    pillow = importlib.util.find_spec("PIL")
    return pillow is not None and bool(
        PathFinder.find_spec(module, pillow.submodule_search_locations)
    )


# {format, as Pillow calls it: endings of its files}
_ENDINGS = {
    "PNG": (".png", ".apng"),
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif"),
    "WEBP": (".webp",),
    "BMP": (".bmp", ".dib"),
    "GIF": (".gif",),
    "TIFF": (".tif", ".tiff"),
    "PPM": (".ppm", ".pgm", ".pbm", ".pnm"),
}
if _pillow_has("_avif"):  # Pillow before 11.3 has no AVIF
    _ENDINGS["AVIF"] = (".avif",)

FORMATS = tuple(_ENDINGS)
SUFFIXES = tuple(suffix for suffixes in _ENDINGS.values() for suffix in suffixes)
# What version 0.1.0 read. The identities of sources with other images say so.
FIRST_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")

# (position, bytes, the name of the format)
_MARKS = (
    (0, b"\x89PNG\r\n\x1a\n", "PNG"),
    (0, b"\xff\xd8\xff", "JPEG"),
    (8, b"WEBP", "WEBP"),
    (0, b"BM", "BMP"),
    (0, b"GIF8", "GIF"),
    (0, b"II*\0", "TIFF"),
    (0, b"MM\0*", "TIFF"),
    (0, b"II+\0", "TIFF"),
    (0, b"MM\0+", "TIFF"),
    (4, b"ftypavif", "AVIF"),
    (4, b"ftypavis", "AVIF"),
    (4, b"ftyphei", "HEIC file"),
    (4, b"ftypmif1", "HEIC file"),
    (4, b"ftyp", "video"),
    (0, b"\0\0\0\x0cjP  ", "JPEG 2000 file"),
    (0, b"\xff\x0a", "JPEG XL file"),
    (0, b"\0\0\0\x0cJXL ", "JPEG XL file"),
    (0, b"8BPS", "Photoshop file"),
    (0, b"v/1\x01", "OpenEXR file"),
    (0, b"\x93NUMPY", "NumPy array"),
    (0, b"%PDF", "PDF"),
    (0, b"PK\x03\x04", "zip"),
    (0, b"\x1f\x8b", "gzip archive"),
    (0, b"version https://git-lfs", "pointer of Git LFS, whose file was not downloaded"),
    (0, b"<svg", "SVG drawing"),
)


def format_of(content: bytes) -> str:
    """The name of a file's format by its first bytes; "" if it is not in the table.

    Args:
      content: of the file; its first 16 bytes suffice for all formats of images.
    """
    for position, mark, name in _MARKS:
        if content.startswith(mark, position):
            return name
    if content[:1] == b"P" and content[1:2] in b"123456" and content[2:3].isspace():
        return "PPM"
    start = content[:256].lstrip().lower()
    if start.startswith((b"<!doctype html", b"<html")):
        return "page of HTML"
    return ""


def is_misnamed(name: str, content: bytes) -> bool:
    """Whether a file has the ending of another format of images than its own."""
    ending = name[name.rfind(".") :].lower()
    suffixes = _ENDINGS.get(format_of(content), ())
    return bool(suffixes) and ending in SUFFIXES and ending not in suffixes
