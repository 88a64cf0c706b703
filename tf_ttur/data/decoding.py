"""From the bytes of an image file to pixels; and why a file gives none.

TensorFlow decodes, inside of `tf.data`. Where it fails, Pillow looks at the file again and tells
what is wrong with it.
"""

import io
import warnings
from collections.abc import Callable

import PIL.Image
import tensorflow as tf

from tf_ttur.errors import UserError

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")
MAX_PIXELS = 2**28 // 3  # of an image: 256 MiB as RGB, and Pillow's own limit

_PNG = b"\x89PNG"  # how a PNG begins
_DEPTH_BYTE = 24  # where a PNG has its bit depth
_DEEP = b"\x10"  # a bit depth of 16
_RGB = "RGB, 8 bits, 3 channels"


class UnreadableImage(UserError):
    """An image file that cannot be decoded, or is not RGB with 8 bits.

    Args:
      name: of the file.
      index: of the image in its source.
      found: what is wrong, to be read after the name.
      expected: what would have been right.
      cure: what the user can do about it.

    Attributes:
      name, index: as above.
    """

    def __init__(self, name: str, index: int, found: str, expected: str, cure: str) -> None:
        super().__init__(f"{name} {found}", expected, cure)
        self.name = name
        self.index = index


def decode(encoded: tf.Tensor) -> tf.Tensor:
    """One RGB image with 8 bits.

    JPEG is decoded by the accurate transform, which gives libjpeg's (and Pillow's) values. A
    decompression bomb is refused by its header, before anything is decoded.

    Args:
      encoded: scalar string, the content of a PNG, JPEG or WebP.

    Returns:
      uint8 (height, width, 3).

    Raises:
      tf.errors.InvalidArgumentError: it cannot be decoded, or is of another kind.
    """
    pixels = tf.reduce_prod(tf.cast(size_in_header(encoded), tf.float64))
    with tf.control_dependencies(
        [tf.debugging.Assert(pixels <= MAX_PIXELS, [f"more than {MAX_PIXELS:,} pixels"])]
    ):
        encoded = tf.identity(encoded)
    image = tf.cond(
        tf.io.is_jpeg(encoded),
        lambda: tf.io.decode_jpeg(encoded, channels=0, dct_method="INTEGER_ACCURATE"),
        lambda: tf.io.decode_image(encoded, channels=0, expand_animations=False),
    )
    # TensorFlow would keep the upper half of 16-bit samples without a word.
    depth = tf.cond(
        tf.strings.length(encoded) > _DEPTH_BYTE,
        lambda: tf.strings.substr(encoded, _DEPTH_BYTE, 1),
        lambda: "",
    )
    deep = (tf.strings.substr(encoded, 0, len(_PNG)) == _PNG) & (depth == _DEEP)
    rules = [
        tf.debugging.assert_equal(tf.shape(image)[-1], 3, "not an RGB image"),
        tf.debugging.assert_equal(deep, False, "16 bits a channel"),
    ]
    with tf.control_dependencies(rules):
        return tf.ensure_shape(image, (None, None, 3))


def size_in_header(encoded: tf.Tensor) -> tf.Tensor:
    """The two sides in pixels that the header of a PNG, JPEG or WebP tells.

    Args:
      encoded: scalar string, the content of the file.

    Returns:
      int64 (2,), in the order of the header.

    Raises:
      tf.errors.InvalidArgumentError: it is of another kind.
    """
    head = tf.cast(tf.io.decode_raw(encoded, tf.uint8, fixed_length=30), tf.int64)

    def little_endian(position: int, count: int) -> tf.Tensor:
        """The number in `count` bytes from `position` on."""
        powers = [256**power for power in range(count)]
        return tf.reduce_sum(head[position : position + count] * powers)

    def big_endian(position: int) -> tf.Tensor:
        """The number in four bytes from `position` on."""
        return tf.reduce_sum(head[position : position + 4] * [2**24, 2**16, 2**8, 1])

    def is_there(position: int, text: bytes) -> tf.Tensor:
        return little_endian(position, 4) == int.from_bytes(text, "little")

    png = tf.stack([big_endian(16), big_endian(20)])
    lossy = tf.stack([little_endian(26, 2), little_endian(28, 2)]) % 2**14
    sides = little_endian(21, 4)
    lossless = tf.stack([sides, sides // 2**14]) % 2**14 + 1
    extended = tf.stack([little_endian(24, 3), little_endian(27, 3)]) + 1
    simple = tf.where(is_there(12, b"VP8L"), lossless, lossy)
    webp = tf.where(is_there(12, b"VP8X"), extended, simple)
    png_or_none = tf.where(is_there(12, b"IHDR"), png, MAX_PIXELS)
    is_png = is_there(0, _PNG)
    is_webp = is_there(0, b"RIFF") & is_there(8, b"WEBP")
    return tf.cond(
        is_png | is_webp,
        lambda: tf.where(is_png, png_or_none, webp),
        lambda: tf.cast(tf.image.extract_jpeg_shape(encoded)[:2], tf.int64),
    )


def is_deep(content: bytes) -> bool:
    """Whether the content of a file is a PNG with 16 bits per channel."""
    return content.startswith(_PNG) and content[_DEPTH_BYTE : _DEPTH_BYTE + 1] == _DEEP


def examine(
    name: str, index: int, read_bytes: Callable[[], bytes], read: Callable[[tf.Tensor], tf.Tensor]
) -> tuple[int, int]:
    """Finds out whether an image file can be used.

    Args:
      name: of the file.
      index: of the image in its source.
      read_bytes: gives the content of the file.
      read: function of a scalar int64 index that gives the image, as `Source.read`.

    Returns:
      (width, height) in pixels.

    Raises:
      UnreadableImage: it cannot, and why.
    """
    try:
        content = read_bytes()
        image = _open_with_pillow(content)
        with image:
            image.load()
    except Exception as error:  # Pillow raises many kinds
        reason = "no known format" if isinstance(error, PIL.UnidentifiedImageError) else str(error)
        raise UnreadableImage(
            name,
            index,
            f"cannot be decoded ({reason})",
            "a whole image",
            "replace or remove this file",
        ) from error
    _check_channels(name, index, content, image)
    try:
        with tf.device("CPU:0"):
            read(tf.constant(index, tf.int64))
    except tf.errors.OpError as error:
        reason = error.message.splitlines()[0]
        raise UnreadableImage(
            name,
            index,
            f"cannot be decoded by TensorFlow ({reason})",
            _RGB,
            "save it again as PNG",
        ) from error
    return image.size


def _open_with_pillow(content: bytes) -> PIL.Image.Image:
    with warnings.catch_warnings():
        # Images above MAX_PIXELS, before they are decoded.
        warnings.simplefilter("error", PIL.Image.DecompressionBombWarning)
        return PIL.Image.open(io.BytesIO(content))


def _check_channels(name: str, index: int, content: bytes, image: PIL.Image.Image) -> None:
    """Raises `UnreadableImage` for an image that is not RGB with 8 bits."""
    if is_deep(content):
        raise UnreadableImage(
            name,
            index,
            "has 16 bits a channel",
            _RGB,
            "convert it; only its owner knows which 8 bits are meant",
        )
    is_transparent = "transparency" in image.info
    if image.mode not in ("RGB", "P") or is_transparent:
        suffix = ", with transparency" if is_transparent else ""
        raise UnreadableImage(
            name,
            index,
            f"is of mode {image.mode}{suffix}",
            _RGB,
            "convert it, for example with Pillow's image.convert('RGB')",
        )
