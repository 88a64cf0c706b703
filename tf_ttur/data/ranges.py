"""What the values of given images mean, and the refusal of those that leave it in doubt.

This is the one rule for all images that a program or an array file gives, whether they are measured
or trained on. Only a measurement knows `value_range`.

Images are uint8 in 0 ... 255, or floats. Floats are of the range that `value_range` names: (0, 1),
(-1, 1) or (0, 255). Without it they are taken as of -1 ... 1, and the values themselves must not
speak against it. The rule counts all values of a side, so that a few extreme ones decide nothing:

- Floats, scaled to -1 ... 1: more than 1 % beyond ±1.25 is refused. They are of 0 ... 255, or
  normalised by a mean and a standard deviation. Fewer are clipped: a generator without tanh goes a
  little beyond.
- Floats without `value_range`: fewer than 0.1 % below -0.25 is refused. They are of 0 ... 1, even
  where some lie below 0. Photographs in -1 ... 1 have 10 % or more there.
- Floats with `value_range=(0, 255)`: fewer than 0.1 % above 1 is refused. They are of 0 ... 1.
- uint8: fewer than 0.1 % above 1 is refused, and so are values of which more than 99.9 % are 0, 1
  or 255 where there is a 1. They are floats that were cast before they were scaled. With
  `value_range=(0, 255)` they are taken as they are; other ranges do not concern uint8.
- NaN or infinity is refused, with the number of the image.

The rule is applied to an array before any work (of a file of uint8, to 1,000 images spread over
it), otherwise to the first 1,000 images, and in any
case again to all of them at the end. It cannot see that images in -0.5 ... 0.5 are not in -1 ... 1.
"""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np

from tf_ttur.errors import UserError

Range: TypeAlias = tuple[float, float]

# What float images may be in.
RANGES: tuple[Range, ...] = ((0, 1), (-1, 1), (0, 255))
EARLY = 1000  # images after which the rule is applied for the first time

_BEYOND = 1.25
_FAR = 5.0  # standardised images do not reach this far, those of 0 ... 255 do
_DARK = -0.25
_MANY = 1e-2
_FEW = 1e-3

# Counts of values in this order. They can be added.
FLOATS = ("values", "not_finite", "beyond", "far", "dark", "above_one")
INTEGERS = ("values", "above_one", "ones", "others")

Counts: TypeAlias = Sequence[Any]

_CHUNK = 1000  # images whose values are counted at a time


@dataclasses.dataclass
class Tally:
    """What is counted of the images of a side.

    Attributes:
      floats: counts of the values of float images, in the order of `FLOATS`.
      integers: counts of the values of uint8 images, in the order of `INTEGERS`.
      images: number of images.
      low, high: the extreme values of float images, for messages only; NaN if unknown.
    """

    floats: np.ndarray = dataclasses.field(default_factory=lambda: np.zeros(len(FLOATS), int))
    integers: np.ndarray = dataclasses.field(default_factory=lambda: np.zeros(len(INTEGERS), int))
    images: int = 0
    low: float = np.nan
    high: float = np.nan

    def add(self, name: str, images: np.ndarray, value_range: Range | None) -> None:
        """Counts the values of a batch.

        Args:
          name: how messages call the side.
          images: (n, height, width, 3), uint8 or float.
          value_range: of `RANGES`, or None.

        Raises:
          UserError: a value is NaN or infinite.
        """
        if images.dtype == np.uint8:
            self.integers += count_integers(images, np.count_nonzero)
        else:
            with np.errstate(over="ignore"):
                values = images.astype(np.float32, copy=False)
            _check_finite(name, values, self.images)
            self.floats += count_floats(values, value_range, np.count_nonzero)
            self.low = float(np.fmin(self.low, values.min()))
            self.high = float(np.fmax(self.high, values.max()))
        self.images += len(images)


def count_floats(values: Any, value_range: Range | None, count: Callable[[Any], Any]) -> Counts:
    """Counts of float values, in the order of `FLOATS`.

    Args:
      values: float array or tensor of any shape.
      value_range: of `RANGES`; None is (-1, 1).
      count: function that counts the true elements, of arrays or of tensors.
    """
    low, high = value_range or (-1, 1)
    scaled = (values - low) * (2 / (high - low)) - 1
    return (
        count(values == values),
        count((values - values) != 0),
        count((scaled > _BEYOND) | (scaled < -_BEYOND)),
        count((scaled > _FAR) | (scaled < -_FAR)),
        count(scaled < _DARK),
        count(values > 1),
    )


def count_integers(values: Any, count: Callable[[Any], Any]) -> Counts:
    """Counts of uint8 values, in the order of `INTEGERS`.

    Args:
      values: uint8 array or tensor of any shape.
      count: as in `count_floats`.
    """
    return (
        count(values >= 0),
        count(values > 1),
        count(values == 1),
        count((values > 1) & (values < 255)),
    )


def find_range(value_range: Any) -> Range:
    """The one of `RANGES` that a user has named. Raises `UserError` if there is none."""
    try:
        pair = tuple(map(float, value_range))
    except (TypeError, ValueError):
        pair = ()
    for known in RANGES:
        if pair == known:
            return known
    raise UserError(
        f"value_range={value_range!r}",
        f"one of {', '.join(map(str, RANGES))}, or None to find out",
        "correct value_range",
    )


def judge_array(
    name: str, images: np.ndarray, value_range: Range | None, is_measured: bool = True
) -> None:
    """Applies the rule to an array before any work.

    Args:
      name: how messages call it.
      images: (n, height, width, ...), uint8 or float. Of uint8 up to `EARLY` images are looked at.
      value_range: of `RANGES`, or None.
      is_measured: as in `judge`.

    Raises:
      UserError: as of `judge`.
    """
    numbers = np.arange(len(images))
    if images.dtype == np.uint8 and len(images) > EARLY:
        numbers = np.linspace(0, len(images) - 1, EARLY).round().astype(np.int64)
    tally = Tally()
    for first in range(0, len(numbers), _CHUNK):
        tally.add(name, images[numbers[first : first + _CHUNK]], value_range)
    judge(name, tally, value_range, is_measured)


def judge(name: str, tally: Tally, value_range: Range | None, is_measured: bool = True) -> None:
    """Applies the rule of this file.

    Args:
      name: how messages call the images.
      tally: what was counted of them.
      value_range: of `RANGES`, or None.
      is_measured: whether the caller knows `value_range`. A training does not.

    Raises:
      UserError: the values are not what they should be, or leave it in doubt.
    """
    if tally.integers[0]:
        _judge_integers(
            name, dict(zip(INTEGERS, tally.integers, strict=True)), value_range, is_measured
        )
    if tally.floats[0] or tally.floats[1]:
        _judge_floats(name, tally, value_range, is_measured)


def _judge_integers(
    name: str, counts: dict[str, int], value_range: Range | None, is_measured: bool
) -> None:
    if value_range == (0, 255):
        return
    cure = (
        "scale before you cast: (images * 255).round().astype('uint8'); if they are right, pass "
        "floats: images / 127.5 - 1"
    )
    if is_measured:
        cure += "; value_range=(0, 255), or --value-range 0,255, takes them as they are"
    if counts["above_one"] < _FEW * counts["values"]:
        share = _percent(1 - counts["above_one"] / counts["values"])
        found = f"{name}: uint8 images with no value above 1 in {share} of the values"
        raise UserError(f"{found}: cast before scaling?", "uint8 images in 0 ... 255", cure)
    if counts["ones"] and counts["others"] < _FEW * counts["values"]:
        found = f"{name}: uint8 images of hardly any value but 0, 1 and 255"
        raise UserError(f"{found}: cast before scaling?", "uint8 images in 0 ... 255", cure)


def _judge_floats(name: str, tally: Tally, value_range: Range | None, is_measured: bool) -> None:
    counts = dict(zip(FLOATS, tally.floats, strict=True))
    if counts["not_finite"]:
        raise UserError(
            f"{name}: {counts['not_finite']:,} values are NaN or infinite",
            "finite numbers",
            "find out where they come from: a generator that has diverged gives NaN",
        )
    total = counts["values"]
    found = f"{name}: floats"
    if not np.isnan(tally.low):
        found += f" from {tally.low:.6g} to {tally.high:.6g}"
    low, high = value_range or (-1, 1)
    expected = f"uint8 in 0 ... 255, or floats in {low} ... {high}; a few may lie a little beyond"
    if counts["beyond"] > _MANY * total:
        share = _percent(counts["beyond"] / total)
        if value_range is not None:
            raise UserError(
                f"{found}, {share} of them far outside of value_range={value_range}",
                expected,
                "name the range that the values have, or scale them",
            )
        raise UserError(
            f"{found}, {share} of them beyond ±{_BEYOND}",
            expected,
            _cure_of_beyond(
                counts["far"] > _MANY * total, counts["dark"] > _FEW * total, is_measured
            ),
        )
    if value_range is None and counts["dark"] < _FEW * total:
        share = _percent(1 - counts["dark"] / total)
        cure = "scale them: 2 * images - 1"
        bright = "If they really are so bright or grey, pass uint8"
        if is_measured:
            cure += "; or say what they mean with value_range=(0, 1) (--value-range 0,1)"
            bright += ", or say value_range=(-1, 1) (--value-range=-1,1)"
        raise UserError(
            f"{found}, {share} of them above {_DARK}: probably of 0 ... 1",
            expected,
            f"{cure}. {bright}",
        )
    if value_range == (0, 255) and counts["above_one"] < _FEW * total:
        raise UserError(
            f"{found} with value_range=(0, 255): hardly any is above 1, so probably of 0 ... 1",
            "floats in 0 ... 255",
            "pass value_range=(0, 1), or cast the images to uint8 if they really are black",
        )


def _cure_of_beyond(is_far: bool, has_negative: bool, is_measured: bool) -> str:
    or_range = ", or say with value_range what the values mean" if is_measured else ""
    if not is_far:
        return (
            "they are probably normalised by a mean and a standard deviation, as for a classifier: "
            f"undo that (images * std + mean){or_range}"
        )
    if has_negative:
        return f"they are probably of 0 ... 255 less a mean: add the mean{or_range}"
    or_range = ", or say value_range=(0, 255) (--value-range 0,255)" if is_measured else ""
    return f"they are probably of 0 ... 255: round and cast them to uint8{or_range}"


def _check_finite(name: str, values: np.ndarray, first: int) -> None:
    """Refuses NaN and infinity. Raises `UserError`."""
    # A sum is not finite if a value is not, and needs no array of its own.
    if np.isfinite(values.sum(dtype=np.float64)):
        return
    wrong = ~np.isfinite(values).all(axis=tuple(range(1, values.ndim)))
    number = int(np.argmax(wrong))
    what = "NaN" if np.isnan(values[number]).any() else "infinity"
    raise UserError(
        f"{name}: {what} in image {first + number} (counted from 0)",
        "finite numbers",
        "find out where it comes from: a generator that has diverged gives NaN",
    )


def _percent(share: float) -> str:
    return f"{100 * share:.4g} %"
