"""FID against the Inception Score under disturbances: from SOURCE words to the report."""

import dataclasses
from collections.abc import Sequence

from tf_ttur.data.disturbances import DISTURBANCES, MIXED
from tf_ttur.data.images import Images, open_images
from tf_ttur.metrics import extraction, inception, statistics
from tf_ttur.studies import disturbance_report, disturbances
from tf_ttur.studies.disturbance_report import Limit
from tf_ttur.studies.report import Report

_SHOWN = 16  # images of the figure


@dataclasses.dataclass(frozen=True, kw_only=True)
class Options:
    """What to measure, and with what.

    Attributes:
      source: SOURCE of square images of one size.
      output: the folder of the results.
      count: how many images of `source`, from the first; all if there are fewer.
      mixed_in: SOURCE of images to mix in; None leaves that disturbance out.
      reference: file with statistics of undisturbed images; None computes those of all of `source`,
        and caches them.
      only: the disturbances, names of `DISTURBANCES` or "mixed"; None takes all.
      swirl_radius: in pixels; None takes that of the original code.
      example: SOURCE whose first images the figure shows; None takes `source`.
      limit: as in `disturbance_report.summarise`.
      seed: of the disturbances and of generated images.
      background, depth, size, crop, filter, value_range: of all images, as `open_images` takes
        them.
      inception, precision, trust: as `inception.load` takes them.
      batch_size: images that go through the network at a time.
    """

    source: str
    output: str
    count: int = 50_000
    mixed_in: str | None = None
    reference: str | None = None
    only: Sequence[str] | None = None
    swirl_radius: float | None = None
    example: str | None = None
    limit: Limit = "largest"
    seed: int = 0
    background: str = ""
    depth: int = 0
    size: int | None = None
    crop: str | None = None
    filter: str | None = None
    value_range: tuple[float, float] | None = None
    inception: str | None = None
    precision: str = "float32"
    trust: bool = False
    batch_size: int = 100


def study(options: Options) -> Report:
    """Measures what has not been measured yet, and reports everything.

    Raises:
      UserError: something that the options name is missing, or does not fit the rest.
    """
    only = [*DISTURBANCES, MIXED] if options.only is None else options.only
    images = _open(options, options.source, options.count, options.seed)
    shown = _open(options, options.example) if options.example else images
    others = _open_others(options) if MIXED in only else None
    network = inception.load(options.inception, options.precision, options.trust)
    if options.reference:
        reference = statistics.load(options.reference)
    else:
        reference = extraction.cached_statistics(images, network, options.batch_size)
    rows, settings = disturbances.measure(
        images,
        network,
        reference,
        options.output,
        count=min(options.count, images.num_images),
        batch_size=options.batch_size,
        seed=options.seed,
        others=others,
        names=[name for name in only if name != MIXED],
        swirl_radius=options.swirl_radius,
    )
    return disturbance_report.study(
        rows,
        settings,
        network.metric,
        next(shown.in_order(min(_SHOWN, shown.num_images))),
        None if others is None else next(others.in_order(min(_SHOWN, others.num_images))),
        options.limit,
    )


def _open(options: Options, word: str, count: int = 50_000, seed: int = 0) -> Images:
    """The images of a SOURCE; `count` and `seed` are of an exported generator."""
    return open_images(
        word,
        count,
        seed,
        trust=options.trust,
        background=options.background,
        depth=options.depth,
        size=options.size,
        crop=options.crop,
        filter=options.filter,
        value_range=options.value_range,
    )


def _open_others(options: Options) -> Images | None:
    """The images to mix in.

    Without `--size`, files may have any size and are cropped to squares of 256 pixels.
    """
    if not options.mixed_in:
        return None
    others = _open(options, options.mixed_in, options.count, options.seed)
    is_raw = others.resizing is None and others.preparation["crop"] == "none"
    if others.source.contents and is_raw:
        return Images(others.source, 256, "square")
    return others
