"""Files that no program should trust, built byte by byte."""

import io
import struct
import zipfile
import zlib

import numpy as np
import PIL.Image

SIDE = 16_000  # pixels; an image of this side decompresses to 768 MB


def bomb(kind, side=SIDE):
    """A tiny file whose header says that the image has `side` * `side` pixels.

    Args:
      kind: PNG, JPEG, GIF, or WebP's VP8, VP8L or VP8X.
      side: in pixels.
    """
    if kind == "PNG":
        header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
        chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(bytes(100))), (b"IEND", b"")]
        content = b"\x89PNG\r\n\x1a\n"
        for name, data in chunks:
            checksum = struct.pack(">I", zlib.crc32(name + data))
            content += struct.pack(">I", len(data)) + name + data + checksum
        return content
    if kind == "VP8X":
        chunk = b"VP8X" + struct.pack("<IB3x", 10, 0) + 2 * (side - 1).to_bytes(3, "little")
        return b"RIFF" + struct.pack("<I", 4 + len(chunk)) + b"WEBP" + chunk
    file_format = "WEBP" if kind.startswith("VP8") else kind
    content = bytearray(encoded(file_format, lossless=kind == "VP8L"))
    match kind:
        case "JPEG":
            start = content.index(b"\xff\xc0") + 5
            content[start : start + 4] = struct.pack(">HH", side, side)
        case "VP8":
            content[26:30] = struct.pack("<HH", side, side)
        case "VP8L":
            content[21:25] = struct.pack("<I", (side - 1) | (side - 1) << 14)
        case "GIF":
            content[6:10] = struct.pack("<HH", side, side)
    return bytes(content)


def encoded(kind, width=8, height=8, mode="RGB", frames=1, **options):
    """The bytes of random images in one of Pillow's formats."""
    pixels = np.random.default_rng(0).integers(0, 256, (frames, height, width, 3), np.uint8)
    first, *others = [PIL.Image.fromarray(image).convert(mode) for image in pixels]
    if others:
        options |= {"save_all": True, "append_images": others}
    content = io.BytesIO()
    first.save(content, kind, **options)
    return content.getvalue()


def zipped(path, members, claimed_bytes=None, mode=None, encrypted=False):
    """Writes a zip.

    Args:
      path: of the zip.
      members: {name: bytes}.
      claimed_bytes: the unpacked size that the zip's directory claims for every member; None for
        the true one.
      mode: the file mode that it claims for every member; None for none.
      encrypted: whether it claims that every member has a password.

    Returns:
      The path.
    """
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            member = zipfile.ZipInfo(name)
            member.compress_type = zipfile.ZIP_DEFLATED
            if mode is not None:
                member.external_attr = mode << 16
            archive.writestr(member, content)
    content = bytearray(path.read_bytes())
    start = content.find(b"PK\x01\x02")
    while start >= 0:
        if claimed_bytes is not None:
            content[start + 24 : start + 28] = struct.pack("<I", claimed_bytes)
        if encrypted:
            content[start + 8] |= 1
        start = content.find(b"PK\x01\x02", start + 1)
    path.write_bytes(content)
    return path


def npy(header, data=b""):
    """The bytes of a .npy of version 1 with this text as its header."""
    header = header.encode("latin1") + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + data


def array_header(dtype, shape):
    """The text of a .npy's header."""
    return f"{{'descr': {dtype!r}, 'fortran_order': False, 'shape': {shape!r}, }}"
