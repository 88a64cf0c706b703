"""Digits that the program draws: data sets that need no download.

Each image is a function of (seed, index) alone. `draw` gives street-number-like digits: one in the
middle and parts of its neighbours at the sides, with random colours, lighting gradient, slant,
size, blur and sensor noise. `draw_plain` gives one bright digit on a dark ground.
"""

import colorsys
import functools
from collections.abc import Iterable

import numpy as np
import PIL.Image
import PIL.ImageDraw
import PIL.ImageFilter

SIZE = 32
VERSION = 1

# Glyphs on a grid 4 wide and 6 high, each a list of strokes through the given points.
_STROKES: dict[int, list[list[tuple[float, float]]]] = {
    0: [[(1, 0), (3, 0), (4, 1.5), (4, 4.5), (3, 6), (1, 6), (0, 4.5), (0, 1.5), (1, 0)]],
    1: [[(0.8, 1.3), (2.2, 0), (2.2, 6)], [(0.8, 6), (3.6, 6)]],
    2: [[(0, 1.4), (1, 0), (3, 0), (4, 1.3), (3.6, 2.6), (0, 6), (4, 6)]],
    3: [
        [(0, 0.6), (1.2, 0), (3, 0), (4, 1.2), (3.2, 2.7), (1.6, 2.9)],
        [(3.2, 2.9), (4, 4.4), (3, 6), (1, 6), (0, 5.3)],
    ],
    4: [[(3, 6), (3, 0), (0, 4.2), (4, 4.2)]],
    5: [[(3.8, 0), (0.5, 0), (0.2, 2.7), (2.6, 2.4), (4, 3.8), (3.4, 5.6), (1.4, 6), (0, 5.2)]],
    6: [
        [
            (3.4, 0.2),
            (1.4, 1),
            (0.1, 3.6),
            (0.6, 5.4),
            (2, 6),
            (3.6, 5.3),
            (4, 4),
            (3, 2.8),
            (1.2, 3),
            (0.2, 4),
        ]
    ],
    7: [[(0, 0), (4, 0), (1.6, 6)]],
    8: [
        [(1, 0), (3, 0), (3.8, 1.4), (3, 2.8), (1, 2.8), (0.2, 1.4), (1, 0)],
        [(1, 2.8), (3, 2.8), (4, 4.4), (3, 6), (1, 6), (0, 4.4), (1, 2.8)],
    ],
    9: [
        [
            (3.8, 2.2),
            (2.8, 3.2),
            (1, 3.2),
            (0, 2),
            (0.5, 0.6),
            (2, 0),
            (3.4, 0.6),
            (3.9, 2.4),
            (2.6, 5),
            (0.6, 5.8),
        ]
    ],
}
_SCALE = 4  # digits are drawn this many times larger, then averaged down, for smooth edges
_SIDE = SIZE * _SCALE


def draw(index: int, seed: int = 0) -> np.ndarray:
    """Draws image number `index`.

    Returns:
      uint8 (32, 32, 3).
    """
    random = np.random.Generator(np.random.Philox(key=[seed, int(index)]))
    mask = _draw_glyphs(random)
    ground = random.uniform(20, 235) + random.normal(0, 20, 3)
    # Paint and wall differ in brightness by at least 60 grey levels, in either direction.
    direction = 1 if ground.mean() < 128 else -1
    contrast = (60 + random.uniform(0, 100)) * direction
    paint = ground.mean() + contrast + random.normal(0, 20, 3)
    x, y = np.meshgrid(np.linspace(-1, 1, SIZE), np.linspace(-1, 1, SIZE))
    light = 1 + random.normal(0, 0.12) * x + random.normal(0, 0.12) * y
    noise = random.normal(0, random.uniform(0, 6), (SIZE, SIZE, 3))
    image = (ground * (1 - mask) + paint * mask) * light[..., None] + noise
    return np.clip(np.rint(image), 0, 255).astype(np.uint8)


def draw_plain(index: int, seed: int = 0) -> np.ndarray:
    """Draws image number `index` of the plain digits: one bright digit on a dark ground.

    A small network learns them in minutes.

    Returns:
      uint8 (32, 32, 3).
    """
    random = np.random.Generator(np.random.Philox(key=[seed, int(index)]))
    digit = _glyph(random.integers(10))
    height = random.uniform(0.62, 0.74) * _SIDE
    slant = random.uniform(-0.1, 0.2)
    turn = random.normal(0, 0.05)
    middle = np.array([0.5, 0.5]) * _SIDE + random.normal(0, 0.015, 2) * _SIDE
    width = int(random.uniform(0.12, 0.17) * height)
    strokes = [stroke * height * [0.85, 1] for stroke in digit]
    mask = _average(_paint(strokes, _shape(turn, slant), middle, width))
    hue = random.uniform(0, 1)
    saturation = random.uniform(0.3, 0.8)
    paint = np.array(colorsys.hsv_to_rgb(hue, saturation, random.uniform(0.85, 1))) * 255
    ground = random.uniform(10, 50)
    return np.rint(ground * (1 - mask) + paint * mask).astype(np.uint8)


def _draw_glyphs(random: np.random.Generator) -> np.ndarray:
    """The fraction of each pixel that paint covers: float32 (32, 32, 1) in 0 ... 1."""
    centre = _glyph(random.integers(10))
    height = random.uniform(0.62, 0.95) * _SIDE
    spacing = random.uniform(0.62, 0.8) * height
    slant = random.uniform(-0.15, 0.25)
    turn = random.normal(0, 0.08)
    middle = np.array([0.5, 0.5]) * _SIDE + random.normal(0, 0.03, 2) * _SIDE
    width = int(random.uniform(0.09, 0.17) * height)
    neighbours = [
        (_glyph(random.integers(10)), place) for place in (-1, 1) if random.random() < 0.5
    ]
    strokes = [
        stroke * height * [0.85, 1] + [place * spacing, 0]
        for digit, place in [(centre, 0.0), *neighbours]
        for stroke in digit
    ]
    mask = _paint(strokes, _shape(turn, slant), middle, width)
    blur = random.uniform(0.2, 1.2) * _SCALE / 2
    return _average(mask.filter(PIL.ImageFilter.GaussianBlur(blur)))


def _shape(turn: float, slant: float) -> np.ndarray:
    """The (2, 2) matrix that slants points, then turns them."""
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    return rotation @ np.array([[1, -slant], [0, 1]])


def _paint(
    strokes: Iterable[np.ndarray], shape: np.ndarray, middle: np.ndarray, width: int
) -> PIL.Image.Image:
    """Strokes with round ends, `_SCALE` times larger than in the image.

    Args:
      strokes: (n, 2) points each, about 0.
      shape: (2, 2) matrix that is applied to them.
      middle: (2,) where 0 is.
      width: of the strokes.
    """
    mask = PIL.Image.new("L", (_SIDE, _SIDE))
    pen = PIL.ImageDraw.Draw(mask)
    for stroke in strokes:
        points = stroke @ shape.T + middle
        pen.line([tuple(point) for point in points], fill=255, width=width, joint="curve")
        for x, y in points[[0, -1]]:
            pen.ellipse((x - width / 2, y - width / 2, x + width / 2, y + width / 2), fill=255)
    return mask


def _average(mask: PIL.Image.Image) -> np.ndarray:
    """A large mask as float32 (32, 32, 1) in 0 ... 1."""
    small = mask.resize((SIZE, SIZE), PIL.Image.Resampling.BOX)
    return np.asarray(small, np.float32)[..., None] / 255


@functools.lru_cache(None)
def _glyph(digit: int) -> list[np.ndarray]:
    """Strokes of a digit as arrays of points, centred, 1 high."""
    return [(np.array(stroke, float) - [2, 3]) / 6 for stroke in _STROKES[int(digit)]]
