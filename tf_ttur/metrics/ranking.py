"""Which of two sets of images is nearer to a reference, and how certain that is."""

from collections.abc import Sequence
from typing import Any

from tf_ttur.errors import UserError
from tf_ttur.metrics import sides, uncertainty
from tf_ttur.metrics.measures.comparison import Side
from tf_ttur.metrics.networks import FeatureNetwork
from tf_ttur.metrics.statistics import Statistics


def check(first: Any, second: Any) -> None:
    """Refuses, before any work, stored statistics in the place of images. Raises `UserError`."""
    if isinstance(first, Statistics) or isinstance(second, Statistics):
        raise UserError(
            "a comparison of stored statistics",
            "images of both sets: stored statistics carry no sampling error",
            "name the images",
        )


def gather(
    opened: Sequence[sides.Opened], network: FeatureNetwork | None, allow_mixed: bool = False
) -> list[Side]:
    """The sides of a comparison of two sets, after one pass over the images of each.

    Args:
      opened: the first set, the second set, the reference, as in `sides.gather`.
      network: as in `sides.gather`.
      allow_mixed: as in `sides.gather`.

    Raises:
      UserError: as of `check`, `can_compare` and `sides.gather`.
    """
    contents = [content for _, content in opened]
    check(*contents[:2])
    can_compare(sides.dimension_of(opened, network), *map(sides.count_images, contents))
    return sides.gather(opened, ["fid"], network, allow_mixed)


def compare(first: Side, second: Side, reference: Side) -> dict[str, Any]:
    """Whether the first side is nearer to the reference than the second.

    The difference of the distances decides. It is corrected for the numbers of images where these
    are large enough; else both sides must have the same number, so that their biases are alike.

    Returns:
      dict: answer ("yes", "no", or "inconclusive" where the 95 % interval of the difference holds
      0), difference (first minus second), corrected (whether it is), standard_error, low, high.

    Raises:
      UserError: too few images of unequal number, or the same images twice.
    """
    _check_independent(first, second, reference)
    estimate = uncertainty.difference(first.sample, second.sample, reference.sample)
    corrected = can_compare(
        len(first.statistics.mu), first.num_images, second.num_images, reference.num_images
    )
    centre = estimate.corrected if corrected else estimate.value
    low, high = estimate.interval(centre)
    return {
        "answer": _answer(low, high),
        "difference": centre,
        "corrected": corrected,
        "standard_error": estimate.standard_error,
        "low": low,
        "high": high,
    }


def can_compare(
    dimension: int, first: int | None, second: int | None, reference: int | None
) -> bool:
    """Whether the difference of two sides can be corrected for their numbers of images.

    Args:
      dimension: of the features.
      first, second, reference: numbers of images; None where only statistics are known.

    Returns:
      False where there are too few for the correction but equal numbers.

    Raises:
      UserError: too few of unequal number.
    """
    least = uncertainty.enough(dimension)
    few = 2 * uncertainty.GROUPS
    counts = [count for count in (first, second, reference) if count is not None]
    if min(counts) >= least:
        return True
    if first != second or min(counts) < few:
        raise UserError(
            f"sets of {first} and {second} images",
            f"equal numbers of {few} or more, or {least:,} or more of each",
            "take the same number of both",
        )
    return False


def _check_independent(*compared: Side) -> None:
    """Refuses the same images twice. Raises `UserError`."""
    by_digest: dict[Any, Side] = {}
    for side in compared:
        digest = side.statistics.provenance.get("images_digest") or side
        other = by_digest.setdefault(digest, side)
        if other is not side:
            raise UserError(
                f"{other.name} and {side.name} are the same images",
                "three sets of images that are independent",
                "name others",
            )


def _answer(low: float, high: float) -> str:
    if high < 0:
        return "yes"
    return "no" if low > 0 else "inconclusive"
