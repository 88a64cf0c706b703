"""Image files of every format have Pillow's pixels, or are refused; none ends the process."""

import functools
import io
import subprocess
import sys
import types

import numpy as np
import PIL.Image
import pytest
import tensorflow as tf

from tests.conftest import ROOT
from tests.data.damaged_images import originals
from tests.faults.bad_files import bomb, encoded
from tf_ttur.data import decoding, formats, pillow, sources
from tf_ttur.errors import UserError

FILES = originals()
PLAIN = [
    "png RGB",
    "png P",
    "jpeg RGB",
    "jpeg RGB progressive",
    "jpeg 4:4:4",
    "jpeg CMYK",
    "jpeg CMYK progressive",
    "webp RGB lossy",
    "webp RGB lossless",
    "webp RGB lossy exif",
    "webp RGB lossless exif",
]
SEVERAL = [name for name in FILES if name[-1] in "24" and name != "jpeg 4:4:4"]
TRANSPARENT = [name for name in FILES if "RGBA" in name or "LA" in name]
REFUSED = {*SEVERAL, *TRANSPARENT, "tiff CMYK"} - {"bmp RGBA"}


def saved(image, kind, **options):
    """The bytes of an image in one of Pillow's formats."""
    content = io.BytesIO()
    image.save(content, kind, **options)
    return content.getvalue()


def decoded(content, **options):
    """(pixels, counts) of an image file, decoded as in a source."""
    decoder = decoding.Decoder(pillow.conversion(**options))
    pixels = decoder.decode(tf.constant(content), tf.constant(7, tf.int64)).numpy()
    return pixels, decoder.counts([7])


def refusal(content, name="x.png", **options):
    """The message that refuses an image file."""
    with pytest.raises(tf.errors.InvalidArgumentError):
        decoded(content, **options)
    with pytest.raises(decoding.UnreadableImage) as caught:
        decoding.Decoder(pillow.conversion(**options)).explain(name, 0, content)
    return str(caught.value)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_decoding_equals_pillow(tmp_path, kind):
    smooth = PIL.Image.fromarray(
        np.random.default_rng(0).integers(0, 256, (8, 8, 3), np.uint8)
    ).resize((41, 37))
    smooth.save(tmp_path / f"image.{kind.lower()}", kind)
    read = next(sources.open_source(str(tmp_path)).in_order().as_numpy_iterator())
    np.testing.assert_array_equal(
        read, np.asarray(PIL.Image.open(tmp_path / f"image.{kind.lower()}"))
    )


@pytest.mark.parametrize("name", [name for name in FILES if name not in REFUSED])
def test_every_format_has_the_pixels_of_pillow(name):
    pixels, _ = decoded(FILES[name])
    wanted = np.asarray(PIL.Image.open(io.BytesIO(FILES[name])).convert("RGB"))
    np.testing.assert_array_equal(pixels, wanted)


@pytest.mark.parametrize("name", FILES)
def test_tensorflow_decodes_what_is_plain(name):
    is_plain, _ = decoding.header(tf.constant(FILES[name]))
    assert bool(is_plain) == (name in PLAIN)


@pytest.mark.parametrize("name", SEVERAL)
def test_animations_and_pages_are_refused(name):
    what = f"has {name[-1]} pages" if "tiff" in name else f"is an animation of {name[-1]} frames"
    message = refusal(FILES[name])
    assert what in message
    assert "one image per file" in message


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "TIFF"])
def test_one_frame_saved_as_an_animation_is_an_image(kind):
    pixels, _ = decoded(saved(PIL.Image.new("RGB", (8, 8), "red"), kind, save_all=True))
    assert pixels.shape == (8, 8, 3)


@pytest.mark.parametrize("kind, mode", [("GIF", "P"), ("BMP", "RGB"), ("TIFF", "RGB")])
def test_the_content_decides_and_not_the_ending(tmp_path, kind, mode):
    image = PIL.Image.open(io.BytesIO(encoded("PNG", 16, 8))).convert(mode)
    image.save(tmp_path / "a.jpg", kind)
    read = next(sources.open_source(str(tmp_path)).in_order().as_numpy_iterator())
    np.testing.assert_array_equal(read, np.asarray(image.convert("RGB")))
    message = refusal(encoded("GIF", frames=3), "x.jpg")
    assert "x.jpg (content: GIF) is an animation of 3 frames" in message


def test_what_is_no_image_is_named():
    for content, what in {
        b"": "it is empty",
        b"<html>not found</html>": "no known format: a page of HTML",
        b"\0\0\0\x18ftypheic": "no known format: a HEIC file",
        b"version https://git-lfs.github.com/spec/v1": "no known format: a pointer of Git LFS",
        b"GIF89a": "a damaged GIF",
        b"plain text": "(no known format)",
    }.items():
        assert what in refusal(content)


@pytest.mark.parametrize("mode", ["1", "L"])
@pytest.mark.parametrize("kind", ["PNG", "TIFF", "BMP", "PPM", "GIF", "JPEG"])
def test_grey_is_replicated_and_counted(kind, mode):
    if (kind, mode) == ("JPEG", "1"):
        pytest.skip("a JPEG has 8 bits")
    grey = PIL.Image.open(io.BytesIO(encoded("PNG", 16, 8))).convert(mode)
    content = saved(grey, kind)
    pixels, counts = decoded(content)
    wanted = np.asarray(PIL.Image.open(io.BytesIO(content)).convert("L"))
    np.testing.assert_array_equal(pixels, np.repeat(wanted[..., None], 3, -1))
    # A GIF has a palette, which Pillow takes for grey only if it is a ramp from black to white.
    assert counts == {"grey": 1} or (kind == "GIF" and counts == {})


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP"])
def test_an_opaque_alpha_is_dropped_and_counted(kind, mode):
    if (kind, mode) == ("WEBP", "LA"):
        pytest.skip("a WebP has colours")
    image = PIL.Image.open(io.BytesIO(encoded("PNG", 16, 8)))
    options = {"lossless": True} if kind == "WEBP" else {}
    pixels, counts = decoded(saved(image.convert(mode), kind, **options))
    base = image.convert("L") if mode == "LA" else image
    np.testing.assert_array_equal(pixels, np.asarray(base.convert("RGB")))
    wanted = {"grey": 1} if mode == "LA" else {}
    # libwebp writes no alpha that is 255 everywhere.
    assert counts == wanted | ({} if kind == "WEBP" else {"opaque_alpha": 1})


@pytest.mark.parametrize("name", sorted({*TRANSPARENT} - {*SEVERAL, "bmp RGBA"}))
def test_transparency_needs_a_background(name):
    message = refusal(FILES[name])
    assert "of its pixels are transparent" in message
    assert "--background white" in message
    image = PIL.Image.open(io.BytesIO(FILES[name])).convert("RGBA")
    for word, colour in (("white", (255,) * 3), ("black", (0,) * 3), ("#8000Ff", (128, 0, 255))):
        behind = PIL.Image.new("RGBA", image.size, colour)
        wanted = np.asarray(PIL.Image.alpha_composite(behind, image).convert("RGB"))
        np.testing.assert_array_equal(decoded(FILES[name], background=word)[0], wanted)


@pytest.mark.parametrize("mode, colour", [("P", 0), ("L", 76), ("RGB", (255, 0, 0))])
def test_a_transparent_colour_of_a_png_is_seen(mode, colour):
    image = PIL.Image.new("RGB", (8, 8), "red")
    image = image.quantize(2) if mode == "P" else image.convert(mode)
    content = saved(image, "PNG", transparency=colour)
    assert "100.0% of its pixels are transparent" in refusal(content)
    pixels, _ = decoded(content, background="white")
    assert (pixels == 255).all()


def test_16_bits_need_a_depth():
    generator = np.random.default_rng(0)
    wide = generator.integers(0, 2**16, (8, 9, 3), np.uint16)
    grey = PIL.Image.fromarray(wide[..., 0])
    header = b"P6 9 8 65535\n"
    files = {
        "png RGB": tf.io.encode_png(wide).numpy(),
        "png grey": saved(grey, "PNG"),
        "tiff grey": saved(grey, "TIFF"),
        "pgm": saved(grey, "PPM"),
        "ppm": header + wide.astype(">u2").tobytes(),
    }
    for name, content in files.items():
        message = refusal(content)
        assert "has 16 bits a channel" in message
        assert "--depth 8" in message
        pixels, counts = decoded(content, depth=8)
        if name == "ppm":  # Pillow scales these by 255 / 65535
            np.testing.assert_allclose(pixels, wide / 257, atol=0.5 + 1e-9)
        else:
            wanted = wide if "RGB" in name else np.repeat(wide[..., :1], 3, -1)
            np.testing.assert_array_equal(pixels, wanted >> 8)
        assert counts == ({} if "RGB" in name or name == "ppm" else {"grey": 1})
    floats = saved(PIL.Image.fromarray(generator.random((8, 9)).astype(np.float32)), "TIFF")
    assert "has 32 bits a channel" in refusal(floats, depth=8)


def test_an_avif_of_10_bits_is_deep():
    # Pillow writes none, and gives 8 bits of those that it reads.
    image = types.SimpleNamespace(format="AVIF", mode="RGB")
    for flags, bits in ((0x0C, 8), (0x4C, 16), (0x6C, 16)):
        content = b"\0\0\0\x14av1C\x81\x20" + bytes([flags, 0])
        assert pillow._bits_per_channel(image, content) == bits
    with pytest.raises(pillow.Refused, match="more than 8 bits a channel"):
        pillow._check_bits(image, 16, pillow.NO_CONVERSION)


def test_flags_of_a_conversion():
    assert pillow.conversion().record == {}
    assert pillow.conversion("White", 8).record == {"background": "#ffffff", "depth": 8}
    for options in ({"background": "pink"}, {"background": "#fff"}, {"depth": 16}):
        with pytest.raises(UserError):
            pillow.conversion(**options)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "VP8", "VP8L", "VP8X"])
def test_a_decompression_bomb_is_refused_by_its_header(kind):
    with pytest.raises(tf.errors.InvalidArgumentError, match="more than 89,478,485 pixels"):
        decoding.decode(bomb(kind))
    assert decoding.MAX_PIXELS == PIL.Image.MAX_IMAGE_PIXELS


@pytest.mark.parametrize("side", [9_500, 16_000])
@pytest.mark.parametrize("kind", ["GIF"])
def test_a_decompression_bomb_is_refused_before_pillow_decodes_it(kind, side):
    assert f"{side**2} pixels" in refusal(bomb(kind, side))


@pytest.mark.parametrize(
    "kind, options",
    [
        ("PNG", {}),
        ("JPEG", {}),
        ("WEBP", {}),
        ("WEBP", {"lossless": True}),
        ("WEBP", {"exif": b"Exif\0\0"}),
    ],
)
def test_the_header_tells_the_size(kind, options):
    for size in ((1, 1), (300, 7), (1000, 2000)):
        is_plain, sides = decoding.header(encoded(kind, *size, **options))
        assert is_plain
        assert sorted(sides.numpy()) == sorted(size)


def test_every_format_has_endings():
    assert {formats.format_of(content) for content in FILES.values()} == {*formats.FORMATS}
    assert formats.SUFFIXES[:1] == (".png",)
    assert {*formats.FIRST_SUFFIXES} < {*formats.SUFFIXES}


@functools.cache
def child(seed, count):
    """Decodes damaged files in another process."""
    command = [sys.executable, "-m", "tests.data.damaged_images", str(seed), str(count)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_no_damaged_header_ends_the_process(seed):
    process = child(seed, 1500)
    lines = process.stdout.splitlines()
    assert process.returncode == 0, f"{lines[-1:]} {process.stderr[-500:]}"
    word, number = lines[-1].split()
    assert word == "decoded"
    assert int(number) > 100  # others are refused
