"""What `tf_ttur.metrics` offers to Python programs.

TensorFlow is imported for images only; statistics do without.
"""

import pathlib
import warnings
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from tf_ttur.data import passed, sources
from tf_ttur.errors import UserError
from tf_ttur.metrics import features, measures, protocols, ranking, sides
from tf_ttur.metrics.features import Features
from tf_ttur.metrics.features import load as load_features
from tf_ttur.metrics.measures.comparison import measure
from tf_ttur.metrics.networks import FeatureNetwork
from tf_ttur.metrics.results import Result, Results
from tf_ttur.metrics.settings import Settings
from tf_ttur.metrics.statistics import Statistics
from tf_ttur.metrics.statistics import load as load_statistics

# What names a network, or is one; see `load_network`.
Network: TypeAlias = FeatureNetwork | Callable[[Any], Any] | str | pathlib.Path | None

__all__ = [
    "Features",
    "Result",
    "Results",
    "Statistics",
    "compare",
    "compute_statistics",
    "evaluate",
    "fid",
    "keep_features",
    "load_features",
    "load_inception",
    "load_network",
    "load_statistics",
]


def load_inception(
    path: str | pathlib.Path | None = None, precision: str = "float32", trust: bool = False
) -> FeatureNetwork:
    """The Inception network, downloaded on first use; on all GPUs.

    Args:
      path: a `.pb`, the `.tgz`, a folder that holds either, or `hub:HANDLE`; None takes the
        variable `TF_TTUR_INCEPTION` and then the cache.
      precision: "float32" or "bfloat16".
      trust: whether a TF-Hub module may hold any operation.

    Raises:
      UserError: there is no network, or none that can be used.
    """
    from tf_ttur.metrics import inception  # imports TensorFlow

    return inception.load(path, precision, trust)


def evaluate(
    generated: Any,
    real: Any,
    network: Network = None,
    names: str | Sequence[str] | None = None,
    num_images: int | None = None,
    batch_size: int = 100,
    quantisation: str = "round",
    seed: int = 0,
    allow_mixed: bool = False,
    *,
    metrics: str | Sequence[str] | None = None,
    value_range: tuple[float, float] | None = None,
    latent_size: int | None = None,
    latent: str = "normal",
    size: int | None = None,
    crop: str | None = None,
    filter: str | None = None,
    background: str = "",
    depth: int = 0,
    protocol: str = protocols.OFFICIAL,
) -> Results:
    """Measures of generated images against real ones, from one pass over the images of each side.

    Args:
      generated, real: images in any of the forms above, or `Statistics`.
      network: what `load_inception` gives, what `load_network` takes, or your own
        `networks.FeatureNetwork`; None loads the original one if there are images.
      names: of `measures.MEASURES` ("fid", "fid_inf", "kid", "is", "prdc"), or `MODULE:OBJECT` or
        `PATH.py:OBJECT` of your own `measures.Measure`. Options follow a name, as in
        "kid:degree=2". As a string: with commas between. None takes those of the protocol, "fid" of
        the official one.
      num_images: how many to draw from a function, a Keras model or an exported generator (None
        draws 50,000), and how many to take from an iterator (None takes all). Other forms are taken
        whole.
      batch_size: images that go through the network, and are drawn from a function, at a time.
      quantisation: how floats become 0 ... 255: "round" as in files, "truncate" or "float"
        (`quantisation.quantise`).
      seed: of latents, and of measures that draw at random, such as the blocks of KID.
      allow_mixed: whether to compare features of different precision, which moves the distance.
      metrics: another name of `names`.
      value_range: what floats mean: (0, 1), (-1, 1) or (0, 255). None takes -1 ... 1, and refuses
        images that speak against it (`data.ranges`).
      latent_size: of the latents of a Keras model; None takes that of its input.
      latent: "normal", or "uniform" in -1 ... 1.
      size: side in pixels to which all images are brought, as Pillow resizes; None leaves them as
        they are, and then all must have one size.
      crop: "square" (the default) resizes the largest centred square, "none" all of an image.
      filter: "bicubic" (the default), "bilinear" or "lanczos", all antialiased.
      background: the colour on which transparent images of a word are put, "white", "black" or
        "#rrggbb"; "" refuses them.
      depth: 8 keeps the upper 8 of 16 bits per channel of the images of a word; 0 refuses them.
      protocol: "official"; "clean" as clean-fid, whose values are called "clean_fid" and so on; or
        "adm" as guided-diffusion, with the measures "fid", "sfid", "is" and "pr".

    Returns:
      {name of a value: `Result` with value, and where known standard_error, low and high (95 %
      interval)}, a dict. "is" gives inception_score, with the std of its ten parts too; "prdc"
      gives precision, recall, density and coverage. A name that is missing is a `UserError`, which
      is a `KeyError` too and lists the names that are there.

    Raises:
      UserError: sides that do not belong together, images that cannot be used, or too few of them
        for a measure.
    """
    # Long: the description of its options.
    settings = Settings(
        num_images,
        batch_size,
        quantisation,
        value_range,
        latent_size,
        latent,
        seed,
        background,
        depth,
        size,
        crop,
        filter,
        protocol,
    )
    network = check_network(network)
    contents = {"generated": generated, "real": real}
    chosen, prefers = _choose(names if metrics is None else metrics, contents, protocol)
    check_used(settings.given, contents, prefers)
    opened = _open(contents, settings, prefers)
    loaded = _load_network(network, opened, protocol)
    both = sides.gather(opened, chosen, loaded, allow_mixed)
    provenance = {name: side.statistics.origin for name, side in zip(contents, both, strict=True)}
    numbers = measure(chosen, sides.network_name(both), both[0], both[1], seed, protocol)
    return Results({name: Result.of(name, result, provenance) for name, result in numbers.items()})


def fid(generated: Any, real: Any, network: Any = None, **options: Any) -> float:
    """The Fréchet Inception Distance, as a number.

    Args:
      generated, real: images in any of the forms above, or `Statistics`.
      network, **options: as in `evaluate`.

    Returns:
      The distance. Where the network is not the original one it is no FID, and there is a warning
      that says its name.

    Raises:
      UserError: as of `evaluate`.
    """
    unsuitable = {"names", "metrics"} & set(options)
    if unsuitable:
        found = f"metrics.fid with {unsuitable.pop()}"
        raise UserError(found, "the FID alone", "call metrics.evaluate")
    [result] = evaluate(generated, real, network, "fid", **options).values()
    if result.name != "fid":
        warnings.warn(
            f"the network is not the original one: this value is {result.name}, not the FID",
            stacklevel=2,
        )
    return result.value


def compare(
    first: Any,
    second: Any,
    reference: Any,
    network: Network = None,
    num_images: int | None = None,
    batch_size: int = 100,
    quantisation: str = "round",
    allow_mixed: bool = False,
    *,
    value_range: tuple[float, float] | None = None,
    latent_size: int | None = None,
    latent: str = "normal",
    seed: int = 0,
    size: int | None = None,
    crop: str | None = None,
    filter: str | None = None,
    background: str = "",
    depth: int = 0,
    protocol: str = protocols.OFFICIAL,
) -> dict[str, Any]:
    """Whether the first images are nearer to the reference, by their Fréchet distance, than the
    second ones.

    Args:
      first, second: images in any of the forms above.
      reference: the same, or `Statistics`.
      network, num_images, batch_size, quantisation, allow_mixed: as in `evaluate`.
      value_range, latent_size, latent, seed: as in `evaluate`.
      size, crop, filter, background, depth, protocol: as in `evaluate`.

    Returns:
      dict: answer ("yes", "no", or "inconclusive" where the 95 % interval of the difference holds
      0), difference (first minus second), corrected (whether for the numbers of images),
      standard_error, low, high.

    Raises:
      UserError: as of `evaluate`; or unequal numbers of images too small for the correction.
    """
    # Long: its options.
    settings = Settings(
        num_images,
        batch_size,
        quantisation,
        value_range,
        latent_size,
        latent,
        seed,
        background,
        depth,
        size,
        crop,
        filter,
        protocol,
    )
    network = check_network(network)
    ranking.check(first, second)
    contents = {"first": first, "second": second, "reference": reference}
    prefers = [True, True, False]
    check_used(settings.given, contents, prefers)
    opened = _open(contents, settings, prefers)
    ranking.check(opened[0][1], opened[1][1])
    loaded = _load_network(network, opened, protocol)
    return ranking.compare(*ranking.gather(opened, loaded, allow_mixed))


def compute_statistics(
    images: Any,
    network: Network = None,
    num_images: int | None = None,
    batch_size: int = 100,
    quantisation: str = "round",
    *,
    value_range: tuple[float, float] | None = None,
    latent_size: int | None = None,
    latent: str = "normal",
    seed: int = 0,
    size: int | None = None,
    crop: str | None = None,
    filter: str | None = None,
    background: str = "",
    depth: int = 0,
    protocol: str = protocols.OFFICIAL,
) -> Statistics:
    """Mean and covariance of the features of images.

    Args:
      images: in any of the forms above.
      network, num_images, batch_size, quantisation: as in `evaluate`.
      value_range, latent_size, latent, seed: as in `evaluate`.
      size, crop, filter, background, depth: as in `evaluate`.

    Returns:
      `Statistics`, which has `save`.

    Raises:
      UserError: images that cannot be used.
    """
    settings = Settings(
        num_images,
        batch_size,
        quantisation,
        value_range,
        latent_size,
        latent,
        seed,
        background,
        depth,
        size,
        crop,
        filter,
        protocol,
    )
    network = check_network(network)
    check_used(settings.given, {"images": images}, [True])
    return statistics_of(images, network, settings)


def statistics_of(images: Any, network: Network, settings: Settings) -> Statistics:
    """As `compute_statistics`, with any options, whether or not they have an effect."""
    [(name, content)] = _open({"images": images}, settings, [True])
    if isinstance(content, Statistics):
        raise UserError(f"{name}: statistics in the place of images", "images", "pass the images")
    loaded = _load_network(network, [(name, content)], settings.protocol)
    return content.statistics(loaded)


def keep_features(
    images: Any,
    path: str | pathlib.Path,
    network: Network = None,
    dtype: str = "float32",
    logits: bool | None = None,
    batch_size: int = 100,
    *,
    overwrite: bool = False,
    **options: Any,
) -> Features:
    """Writes the features of images to a file, which stands in their place from then on.

    Args:
      images: in any of the forms above. An interrupted call resumes if they are named by a word.
      path: of the file, an .npz. A features file is replaced.
      network, batch_size: as in `evaluate`.
      dtype: "float32", or "float16" for half the space.
      logits: whether to keep the classes too, for the Inception Score; None keeps them where the
        network gives any.
      overwrite: whether to replace any file.
      **options: how the images are read: num_images, quantisation, value_range, latent_size,
        latent, seed, background, depth, size, crop, filter and protocol ("official" or "clean"),
        as in `evaluate`.

    Returns:
      The `Features`, which every function takes in the place of images.

    Raises:
      UserError: images that cannot be used, or a file that may not be written.
    """
    if dtype not in features.DTYPES:
        raise UserError(f"dtype {dtype!r}", " or ".join(features.DTYPES), "correct dtype")
    place = features.check_output(path, what="path", overwrite=overwrite)
    network = check_network(network)
    settings = Settings(batch_size=batch_size, **options)
    if settings.protocol == "adm":
        raise UserError(
            "features of the protocol adm",
            "images or statistics: its spatial features are not kept",
            "call metrics.compute_statistics(protocol='adm')",
        )
    check_used(settings.given, {"images": images}, [True])
    [(name, content)] = _open({"images": images}, settings, [True])
    if isinstance(content, Statistics | Features):
        found = f"{name}: {type(content).__name__} in the place of images"
        raise UserError(found, "images", "pass the images")
    loaded = _load_network(network, [(name, content)], settings.protocol)
    assert loaded is not None  # as there are images
    keeper = features.Keeper(place, dtype, logits)
    if isinstance(content, sides.ImagesOfWord):
        from tf_ttur.metrics import extraction  # with `Images`, which have imported TensorFlow

        extraction.keep_features(content.images, loaded, keeper, batch_size)
    else:
        keeper.begin(0)
        keeper.finish(content.statistics(loaded, [keeper.update]))
    return features.load(place)


def _choose(
    names: str | Sequence[str] | None, contents: dict[str, Any], protocol: str
) -> tuple[list[str], list[bool]]:
    """The measures, and what `sides.prefer_images` says of both sides. Raises `UserError`."""
    given = names.split(",") if isinstance(names, str) else names
    chosen = protocols.measure_names(protocol, given or protocols.find(protocol).default)
    prefers = sides.prefer_images(list(contents.values()), chosen)
    have_statistics = map(_is_statistics, contents.values(), prefers)
    has_images = [not has_statistics for has_statistics in have_statistics]
    if given is None:
        chosen = protocols.possible(chosen, has_images)
    measures.check(chosen, *has_images)
    return chosen, prefers


def check_used(given: Sequence[str], contents: dict[str, Any], prefers: Sequence[bool]) -> None:
    """Refuses options that have an effect on none of the sides.

    Args:
      given: names of options, as of `Settings.given`.
      contents: {name: side}.
      prefers: as of `sides.prefer_images`.

    Raises:
      UserError: names the option and the sides.
    """
    uses = [
        (
            str(content) if isinstance(content, str | pathlib.PurePath) else name,
            sides.options_of(content, prefer),
        )
        for (name, content), prefer in zip(contents.items(), prefers, strict=True)
    ]
    sources.refuse_unused({option: option for option in given}, uses)


def _is_statistics(content: Any, prefer_images: bool) -> bool:
    if isinstance(content, str | pathlib.PurePath):
        return sides.is_statistics(str(content), prefer_images)
    return isinstance(content, Statistics)


def _open(
    contents: dict[str, Any], settings: Settings, prefers: Sequence[bool]
) -> list[sides.Opened]:
    """The sides as `sides.gather` takes them; `prefers` is as of `sides.prefer_images`."""
    opened: list[sides.Opened] = []
    for (name, content), prefer_images in zip(contents.items(), prefers, strict=True):
        if isinstance(content, str | pathlib.PurePath):
            word = str(content)
            opened.append((word, sides.open_word(word, settings, prefer_images)))
        elif isinstance(content, Statistics | Features):
            opened.append((name, content))
        else:
            from tf_ttur.metrics.forms import GivenImages  # imports TensorFlow

            opened.append((name, GivenImages(name, content, settings)))
    return opened


def load_network(
    network: Network = None, trust: bool = False, shape: tuple[int, ...] | None = None
) -> FeatureNetwork:
    """A feature network: the Inception network, or your own.

    Args:
      network: what `load_inception` takes; or a network of your own, whose distance is called
        frechet_NAME: a function of uint8 images or a Keras model that gives (n, d) features,
        `MODULE:FUNCTION`, `PATH.py:FUNCTION`, the folder of a SavedModel, or a `.keras` file.
      trust: whether a TF-Hub module or SavedModel may hold any operation.
      shape: (height, width, 3) of the images that will come, with which your own network is tried;
        None tries it with images of 64x64 pixels.

    Raises:
      UserError: there is no network, or none that can be used.
    """
    if network is None:
        return load_inception(trust=trust)
    from tf_ttur.metrics import own_networks  # imports TensorFlow

    if not isinstance(network, str | pathlib.PurePath):
        return own_networks.wrap(network, shape=shape)
    if own_networks.is_own(network):
        return own_networks.load(network, trust, shape)
    return load_inception(network, trust=trust)


def check_network(network: Any) -> Any:
    """Refuses, before any work, what is neither a network nor where one is. Raises `UserError`."""
    is_callable = callable(network) and not isinstance(network, type)
    if network is None or is_callable or isinstance(network, str | pathlib.PurePath):
        return network
    raise UserError(
        f"network: {passed.describe(network)}",
        "what metrics.load_inception gives, the path of a network, a function or Keras model that "
        "gives features of images, or a metrics.FeatureNetwork",
        "leave it out for the original network",
    )


def _load_network(
    network: Network, opened: Sequence[sides.Opened], protocol: str
) -> FeatureNetwork | None:
    """The network as the protocol uses it; loaded only where it is needed."""
    if isinstance(network, FeatureNetwork):
        return protocols.adapt(network, protocol)
    loaded = sides.find_network(
        opened, lambda: load_network(network, shape=sides.first_shape(opened))
    )
    return loaded and protocols.adapt(loaded, protocol)
