"""Image files of every format whose headers are damaged, and a child process that decodes them.

A damaged file may be decoded or refused, but it must not end the process. What ends a process
cannot be tested inside of it, so `python -m tests.data.damaged_images SEED COUNT` decodes all, and
prints the number of each file before it begins.
"""

import io
import struct
import sys
import zlib

import numpy as np
import PIL.Image
from PIL import features

WIDTH = 24
HEIGHT = 20
_NUMBERS = (0, 1, 2, 3, WIDTH - 1, WIDTH + 1, 2 * WIDTH, 255, 4096, 16383, 65535, 2**24 - 1)


def originals():
    """{name: bytes} of whole files: every format that is read, still and animated."""
    generator = np.random.default_rng(0)
    rgba = generator.integers(0, 256, (4, HEIGHT, WIDTH, 4), np.uint8)
    frames = [PIL.Image.fromarray(image) for image in rgba]
    files = {}

    def add(name, kind, mode, count=1, **options):
        base = "RGBA" if mode.endswith("A") else "RGB"
        first, *others = [frame.convert(base).convert(mode) for frame in frames[:count]]
        if others:
            options |= {"save_all": True, "append_images": others}
        content = io.BytesIO()
        first.save(content, kind, **options)
        files[name] = content.getvalue()

    for mode in ("RGB", "RGBA"):
        for lossless in (False, True):
            suffix = f"{mode} {'lossless' if lossless else 'lossy'}"
            add(f"webp {suffix}", "WEBP", mode, lossless=lossless)
            add(f"webp {suffix} exif", "WEBP", mode, lossless=lossless, exif=b"Exif\0\0")
            for count in (2, 4):
                add(f"webp {suffix} {count}", "WEBP", mode, count, lossless=lossless)
    for mode in ("RGB", "P", "L", "1", "LA", "RGBA"):
        add(f"png {mode}", "PNG", mode)
    add("png P transparent", "PNG", "P", transparency=0)
    add("png L transparent", "PNG", "L", transparency=7)
    add("png RGB transparent", "PNG", "RGB", transparency=(1, 2, 3))
    for count in (2, 4):
        add(f"png {count}", "PNG", "RGB", count)
        add(f"gif {count}", "GIF", "RGB", count)
        add(f"tiff {count}", "TIFF", "RGB", count)
    for mode in ("RGB", "L", "CMYK"):
        add(f"jpeg {mode}", "JPEG", mode)
        add(f"jpeg {mode} progressive", "JPEG", mode, progressive=True)
        add(f"tiff {mode}", "TIFF", mode)
    add("jpeg 4:4:4", "JPEG", "RGB", subsampling=0)
    for compression in ("tiff_lzw", "tiff_deflate", "jpeg", "packbits"):
        add(f"tiff {compression}", "TIFF", "RGB", compression=compression)
    add("gif", "GIF", "P")
    for mode in ("RGB", "RGBA", "P", "L", "1"):
        add(f"bmp {mode}", "BMP", mode)
    for mode in ("RGB", "L", "1"):
        add(f"ppm {mode}", "PPM", mode)
    if features.check("avif"):
        add("avif", "AVIF", "RGB", speed=10)
        add("avif RGBA", "AVIF", "RGBA", speed=10)
        add("avif 2", "AVIF", "RGB", 2, speed=10)
    return files


def damaged(seed, count):
    """Yields (name, bytes) of `count` damaged files; the same for the same seed."""
    generator = np.random.default_rng(seed)
    files = list(originals().items())
    for number in range(count):
        name, content = files[number % len(files)]
        content = bytearray(content)
        for _ in range(generator.integers(1, 4)):
            kind = name.partition(" ")[0]
            changes = [_random_bytes, *_CHANGES.get(kind, [])]
            changes[generator.integers(len(changes))](content, generator)
        yield name, _with_checksums(content) if kind == "png" else bytes(content)


def _number(generator, most):
    choices = [number for number in _NUMBERS if number <= most]
    return int(choices[generator.integers(len(choices))])


def _random_bytes(content, generator):
    """Changes up to eight bytes, most often in the header."""
    end = len(content) if generator.random() < 0.3 else min(len(content), 100)
    for position in generator.integers(4, max(end, 5), generator.integers(1, 9)):
        if position < len(content):
            content[position] = generator.integers(256)


def _chunks_of_webp(content):
    """[(name, position of its data)], those inside of frames too."""
    names = (b"VP8X", b"VP8 ", b"VP8L", b"ALPH", b"ANIM", b"ANMF", b"EXIF")
    places = []
    for name in names:
        place = content.find(name)
        while place >= 0:
            places.append((name, place + 8))
            place = content.find(name, place + 4)
    return places or [(b"", 12)]


def _webp_flags(content, generator):
    if content[12:16] == b"VP8X":
        content[20] = generator.integers(256)


def _webp_size(content, generator):
    """The sides of the canvas, of a frame, or of a still image."""
    places = _chunks_of_webp(content)
    name, place = places[generator.integers(len(places))]
    fields = {b"VP8X": (4, 7), b"ANMF": (0, 3, 6, 9), b"VP8 ": (6, 8)}.get(name, ())
    for field in fields:
        if generator.random() < 0.5:
            width = 2 if name == b"VP8 " else 3
            number = _number(generator, 2 ** (8 * width) - 1)
            content[place + field : place + field + width] = number.to_bytes(width, "little")
    if name == b"VP8L":
        bits = int.from_bytes(content[place + 1 : place + 5], "little")
        shift = int(generator.choice([0, 14]))
        bits = bits & ~(0x3FFF << shift) | min(_number(generator, 16383), 16383) << shift
        bits ^= int(generator.integers(2)) << 28
        content[place + 1 : place + 5] = bits.to_bytes(4, "little")
    if name == b"ALPH":
        content[place] = generator.integers(256)


def _webp_chunk_size(content, generator):
    places = _chunks_of_webp(content)
    _, place = places[generator.integers(len(places))]
    content[place - 4 : place] = struct.pack("<I", _number(generator, 2**32 - 1))


def _webp_chunk_name(content, generator):
    places = _chunks_of_webp(content)
    _, place = places[generator.integers(len(places))]
    content[place - 8 : place - 4] = places[generator.integers(len(places))][0]


def _png_header(content, generator):
    match generator.integers(5):
        case 0:
            content[16:20] = struct.pack(">I", _number(generator, 2**32 - 1))
        case 1:
            content[20:24] = struct.pack(">I", _number(generator, 2**32 - 1))
        case 2:
            content[24] = generator.choice([0, 1, 2, 4, 8, 16, 32])
        case 3:
            content[25] = generator.integers(8)
        case 4:
            content[28] = generator.integers(3)


def _with_checksums(content):
    """A PNG whose checksums are right again, so that its damage reaches the decoder."""
    content = bytearray(content)
    place = 8
    while place + 12 <= len(content):
        size = int.from_bytes(content[place : place + 4], "big")
        end = place + 8 + size
        if end + 4 > len(content):
            break
        content[end : end + 4] = struct.pack(">I", zlib.crc32(content[place + 4 : end]))
        place = end + 4
    return bytes(content)


def _jpeg_header(content, generator):
    """The sides, the number of components, or the sampling of a component."""
    place = max(content.find(b"\xff\xc0"), content.find(b"\xff\xc2"))
    if place < 0:
        return
    match generator.integers(4):
        case 0:
            content[place + 5 : place + 7] = struct.pack(">H", _number(generator, 65535))
        case 1:
            content[place + 7 : place + 9] = struct.pack(">H", _number(generator, 65535))
        case 2:
            content[place + 9] = generator.integers(6)
        case 3:
            component = int(generator.integers(max(1, min(content[place + 9], 4))))
            content[place + 11 + 3 * component] = generator.integers(256)


def _gif_size(content, generator):
    place = int(generator.choice([6, 8]))
    block = content.find(b"\x2c", 13)
    if block > 0 and generator.random() < 0.5:
        place = block + int(generator.choice([1, 3, 5, 7]))
    content[place : place + 2] = struct.pack("<H", _number(generator, 65535))


def _bmp_header(content, generator):
    place = int(generator.choice([10, 14, 18, 22, 28, 30, 34, 46]))
    content[place : place + 2] = struct.pack("<H", _number(generator, 65535))


_CHANGES = {
    "webp": [_webp_flags, _webp_size, _webp_size, _webp_chunk_size, _webp_chunk_name],
    "png": [_png_header],
    "jpeg": [_jpeg_header],
    "gif": [_gif_size],
    "bmp": [_bmp_header],
}


def main(seed, count, first=0):
    """Decodes all files, and prints the number of each before it begins."""
    import tensorflow as tf

    from tf_ttur.data import decoding

    decoded = 0
    for number, (name, content) in enumerate(damaged(seed, count)):
        if number < first:
            continue
        print(number, name, flush=True)
        try:
            decoding.decode(tf.constant(content))
            decoded += 1
        except tf.errors.OpError:
            pass
    print("decoded", decoded, flush=True)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
