"""Decodes image files, and finds out why a file cannot be decoded.

TensorFlow decodes plain PNG, JPEG and WebP inside `tf.data`. Pillow decodes everything else: other
formats, grey, and images with an alpha. Which of them decodes is decided by the header, because
TensorFlow writes beyond its memory when it decodes some animations.
"""

import copy
from collections.abc import Callable, Iterable, Sequence

import numpy as np
import tensorflow as tf

from tf_ttur.data import formats, pillow
from tf_ttur.data.pillow import MAX_PIXELS, Conversion
from tf_ttur.errors import UserError

_PNG = b"\x89PNG\r\n\x1a\n"
# Bit depth and colour type of a PNG: RGB, and palettes. TensorFlow decodes these to 3 channels.
_PLAIN_PNG = [b"\x08\x02", b"\x01\x03", b"\x02\x03", b"\x04\x03", b"\x08\x03"]
_HEADER_BYTES = 48  # that decide who decodes
# Bytes that can also occur by chance: then Pillow decodes an image that TensorFlow could decode.
_NOT_PLAIN_PNG = r"(?s)\C*(acTL|tRNS)\C*"  # an animation, a transparent colour
_NOT_PLAIN_WEBP = r"(?s)\C*(ANIM|ANMF|ALPH|VP8L)\C*"


class UnreadableImage(UserError):
    """An image file that cannot be decoded, or is not RGB with 8 bits.

    Args:
      name: of the file.
      index: of the image in its source.
      found: what is wrong; the message puts it after the name.
      expected: what would have been correct.
      cure: what the user can do about it.

    Attributes:
      name, index: as above.
    """

    def __init__(self, name: str, index: int, found: str, expected: str, cure: str) -> None:
        super().__init__(f"{name} {found}", expected, cure)
        self.name = name
        self.index = index


class Decoder:
    """Decodes the image files of one source, and counts those that were not RGB.

    Args:
      conversion: for transparency and 16 bits.

    Attributes:
      conversion: as above.
    """

    def __init__(self, conversion: Conversion = pillow.NO_CONVERSION) -> None:
        self.conversion = conversion
        self._grey: set[int] = set()
        self._opaque_alpha: set[int] = set()
        self._kept: Sequence[int] | None = None

    def decode(self, encoded: tf.Tensor, index: tf.Tensor) -> tf.Tensor:
        """Decodes one image to RGB with 8 bits per channel. All pixels are Pillow's, to the bit.

        The one exception is a JPEG in CMYK without Adobe's marker, which they convert differently.

        Args:
          encoded: scalar string, the content of a file.
          index: scalar int64, of the image in its source.

        Returns:
          uint8 (height, width, 3).

        Raises:
          tf.errors.InvalidArgumentError: it cannot be decoded, or is not such an image.
        """
        is_plain, size = header(encoded)
        image = tf.cond(
            is_plain,
            lambda: _by_tensorflow(encoded, size),
            lambda: self._by_pillow(encoded, index),
        )
        return tf.ensure_shape(image, (None, None, 3))

    def _by_pillow(self, encoded: tf.Tensor, index: tf.Tensor) -> tf.Tensor:
        pixels, problem = tf.numpy_function(
            self._read, [encoded, index], (tf.uint8, tf.string), stateful=False
        )
        with tf.control_dependencies([tf.debugging.Assert(problem == "", [problem])]):
            return tf.ensure_shape(pixels, (None, None, 3))

    def _read(self, content: bytes, index: int) -> tuple[np.ndarray, bytes]:
        """Returns (pixels, b""), or (no pixels, what is wrong)."""
        if not isinstance(content, bytes):  # outside of graphs, TensorFlow gives an array of it
            content = np.asarray(content).item()
        try:
            picture = pillow.read(content, self.conversion)
        except pillow.Refused as error:
            return np.zeros((0, 0, 3), np.uint8), str(error).encode()
        if picture.grey:
            self._grey.add(int(index))
        if picture.opaque_alpha:
            self._opaque_alpha.add(int(index))
        return picture.pixels, b""

    def counts(self, indices: Iterable[int]) -> dict[str, int]:
        """How many of these images were read so far and were not RGB.

        Args:
          indices: of images in the source, or in its `subset`.

        Returns:
          dict with "grey" and "opaque_alpha"; without those that are 0.
        """
        if not self._grey and not self._opaque_alpha:
            return {}
        kept = self._kept
        chosen = set(indices) if kept is None else {kept[index] for index in indices}
        counts = {"grey": self._grey, "opaque_alpha": self._opaque_alpha}
        numbers = {name: len(chosen & seen) for name, seen in counts.items()}
        return {name: number for name, number in numbers.items() if number}

    def subset(self, indices: Sequence[int]) -> "Decoder":
        """The same decoder, whose `counts` are of a source with these images only."""
        kept = self._kept
        result = copy.copy(self)  # shares the sets
        result._kept = indices if kept is None else [kept[index] for index in indices]
        return result

    def explain(self, name: str, index: int, content: bytes) -> None:
        """Raises `UnreadableImage` if Pillow cannot read an image file; it says why."""
        try:
            pillow.read(content, self.conversion)
        except pillow.Refused as error:
            found = error.found
            if formats.is_misnamed(name, content):
                found = f"(content: {formats.format_of(content)}) {found}"
            raise UnreadableImage(name, index, found, error.expected, error.cure) from error


def decode(encoded: tf.Tensor) -> tf.Tensor:
    """As `Decoder.decode`, for a single image."""
    return Decoder().decode(encoded, tf.constant(0, tf.int64))


def header(encoded: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """What the header of an image file tells, before anything is decoded.

    Args:
      encoded: scalar string, the content of the file.

    Returns:
      (is_plain, size): scalar bool, whether TensorFlow decodes it to 3 channels of 8 bits, and
      safely; and int64 (2,), the two sides in pixels, in the order of the header. Files that are
      not plain have no size here. TensorFlow could decode a few of them too; for these Pillow gives
      the same pixels.

    Raises:
      tf.errors.InvalidArgumentError: a JPEG whose header is damaged.
    """
    # Padded, so that every position exists.
    start = tf.strings.join([tf.strings.substr(encoded, 0, _HEADER_BYTES), _HEADER_BYTES * "\0"])

    def jpeg() -> tuple[tf.Tensor, tf.Tensor]:
        shape = tf.image.extract_jpeg_shape(encoded)
        return shape[2] > 1, tf.cast(shape[:2], tf.int64)

    return tf.cond(
        tf.io.is_jpeg(encoded),
        jpeg,
        lambda: tf.cond(
            tf.strings.substr(start, 0, len(_PNG)) == _PNG,
            lambda: _png_header(encoded, start),
            lambda: _webp_header(encoded, start),
        ),
    )


def _png_header(encoded: tf.Tensor, start: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """As `header`, for a PNG that begins with the bytes `start`."""
    sides = tf.io.decode_raw(tf.strings.substr(start, 16, 8), tf.int32, little_endian=False)
    size = tf.cast(tf.bitcast(sides, tf.uint32), tf.int64)
    kind = tf.strings.substr(start, 24, 2) == tf.constant(_PLAIN_PNG)
    # Most files have no chunk between the header and the pixels.
    has_chunks = tf.strings.substr(start, 37, 4) != b"IDAT"
    is_still = tf.cond(
        has_chunks, lambda: ~tf.strings.regex_full_match(encoded, _NOT_PLAIN_PNG), lambda: True
    )
    is_first = tf.strings.substr(start, 12, 4) == b"IHDR"
    return tf.reduce_any(kind) & is_first & is_still, size


def _webp_header(encoded: tf.Tensor, start: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """As `header`, for a WebP, or any other file, that begins with the bytes `start`."""
    data = tf.cast(tf.io.decode_raw(tf.strings.substr(start, 20, 10), tf.uint8), tf.int64)
    sides = tf.reduce_sum(data[1:5] * [1, 2**8, 2**16, 2**24])
    lossless = tf.stack([sides, sides // 2**14]) % 2**14 + 1
    lossy = tf.stack([data[6] + 2**8 * data[7], data[8] + 2**8 * data[9]]) % 2**14
    extended = tf.reduce_sum(tf.reshape(data[4:], (2, 3)) * [1, 2**8, 2**16], 1) + 1
    name = tf.strings.substr(start, 12, 4)
    is_lossless = name == b"VP8L"
    is_extended = name == b"VP8X"
    size = tf.where(is_extended, extended, tf.where(is_lossless, lossless, lossy))

    is_webp = (tf.strings.substr(start, 0, 4) == b"RIFF") & (
        tf.strings.substr(start, 8, 4) == b"WEBP"
    )
    lossless_has_alpha = data[4] // 2**4 % 2 == 1
    has_alpha = data[0] // 2**4 % 2 == 1  # flags of the extended format
    is_animation = data[0] // 2 % 2 == 1
    is_still = tf.cond(
        is_extended, lambda: ~tf.strings.regex_full_match(encoded, _NOT_PLAIN_WEBP), lambda: True
    )
    kind = (
        (name == b"VP8 ")
        | (is_lossless & ~lossless_has_alpha)
        | (is_extended & ~has_alpha & ~is_animation & is_still)
    )
    return is_webp & kind, size


def _by_tensorflow(encoded: tf.Tensor, size: tf.Tensor) -> tf.Tensor:
    """Decodes a plain file, see `header`.

    JPEG is decoded by the accurate transform, which gives libjpeg's (and Pillow's) values. A
    decompression bomb is recognised by its header and refused before anything is decoded.
    """
    pixels = tf.reduce_prod(tf.cast(size, tf.float64))
    with tf.control_dependencies(
        [tf.debugging.Assert(pixels <= MAX_PIXELS, [f"more than {MAX_PIXELS:,} pixels"])]
    ):
        encoded = tf.identity(encoded)
    image = tf.cond(
        tf.io.is_jpeg(encoded),
        lambda: tf.io.decode_jpeg(encoded, channels=0, dct_method="INTEGER_ACCURATE"),
        lambda: tf.io.decode_image(encoded, channels=0, expand_animations=False),
    )
    is_rgb = tf.debugging.assert_equal(tf.shape(image)[-1], 3, "not an RGB image")
    with tf.control_dependencies([is_rgb]):
        return tf.ensure_shape(image, (None, None, 3))


def examine(
    name: str,
    index: int,
    read_bytes: Callable[[], bytes],
    read: Callable[[tf.Tensor], tf.Tensor],
    decoder: Decoder,
) -> tuple[int, int]:
    """Finds out whether an image file can be used.

    Args:
      name: of the file.
      index: of the image in its source.
      read_bytes: function that returns the content of the file.
      read: function of a scalar int64 index that returns the image, as `Source.read`.
      decoder: of the source.

    Returns:
      (width, height) in pixels.

    Raises:
      UnreadableImage: it cannot be used; the message says why.
    """
    try:
        content = read_bytes()
    except Exception as error:  # a file, a zip or an LMDB: errors of many types
        raise UnreadableImage(
            name,
            index,
            f"cannot be decoded ({error})",
            "a whole image",
            pillow.REPLACE,
        ) from error
    try:
        with tf.device("CPU:0"):
            height, width, _ = read(tf.constant(index, tf.int64)).shape
    except tf.errors.OpError as error:
        decoder.explain(name, index, content)
        reason = error.message.splitlines()[0]
        raise UnreadableImage(
            name,
            index,
            f"cannot be decoded by TensorFlow ({reason})",
            pillow.RGB,
            "save it again as PNG",
        ) from error
    return width, height
