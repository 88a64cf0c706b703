"""FID against the Inception Score while images are disturbed more and more (Heusel et al. 2017,
figure 3 and section A1.2).
"""

import json
import pathlib

import numpy as np

from tf_ttur.data import disturbances
from tf_ttur.data.disturbances import DISTURBANCES, LEVELS, MIXED_ALPHAS
from tf_ttur.errors import UserError
from tf_ttur.io import console, files
from tf_ttur.metrics import statistics
from tf_ttur.metrics.frechet import frechet_distance
from tf_ttur.metrics.inception_score import SPLITS, InceptionScore
from tf_ttur.metrics.moments import Moments
from tf_ttur.studies import report
from tf_ttur.studies.published import DISTURBED

MIXED = "mixed"
UNDISTURBED = "undisturbed"


def measure(
    images,
    network,
    reference,
    output,
    count,
    batch_size=100,
    seed=0,
    others=None,
    names=None,
    swirl_radius=None,
):
    """FID and Inception Score at every level of every disturbance.

    What is measured is kept in `output`/disturb.jsonl at once; on the same settings a second call
    goes on from there.

    Args:
      images: `data.images.Images`, square and of one size; the first `count` are disturbed.
      network: gives pool_3 and logits, as `metrics.inception.Inception`.
      reference: `statistics.Statistics` of undisturbed images.
      output: folder.
      count: number of images.
      batch_size: images that go through the network at a time.
      seed: of the disturbances.
      others: `Images` of another data set to mix in; None leaves that disturbance out.
      names: the disturbances, keys of `DISTURBANCES` in any order; None takes all.
      swirl_radius: in pixels; None takes that of the original code.

    Returns:
      (rows, settings): a list of dicts with disturbance, level, alpha, fid, inception_score and
      inception_score_std (over the splits); and what they belong to.

    Raises:
      UserError: too few images, or ones that are not square, or an output folder of other settings.
    """
    if count < SPLITS:
        raise UserError(
            f"{images.source.word} has {count} images",
            f"at least {SPLITS}, better 50,000",
            "name a larger source",
        )
    shape = images.shape
    if shape[0] != shape[1]:
        raise UserError(
            f"{images.source.word} has images of {shape[1]}x{shape[0]} pixels",
            "square images",
            "crop them, or name a config: source",
        )
    statistics.check(reference, network, shape)
    if reference.provenance.get("num_images") != count:  # else there was a warning before
        statistics.warn_if_few(count, network.dimension, images.source.word)
    settings = {
        "source": images.source.word,
        "source_identity": images.identity,
        "images": count,
        "seed": seed,
        "swirl_radius": swirl_radius or disturbances.original_swirl_radius(shape[0]),
        **statistics.identity(network),
        "reference": reference.origin,
        "mixed_in": others and others.source.word,
        "mixed_in_identity": others and others.identity,
    }
    log = _Log(pathlib.Path(output) / "disturb.jsonl", settings)

    wanted = [(MIXED, level) for level in LEVELS[1:]] if others else []
    if not all(log.holds(*key) for key in [(UNDISTURBED, 0), *wanted]):
        log.add(_undisturbed_and_mixed(images, others, network, reference, count, batch_size, seed))
    for name in DISTURBANCES if names is None else names:
        for level in LEVELS[1:]:
            if not log.holds(name, level):
                disturbed = _disturbed(
                    images, name, level, seed, count, batch_size, settings["swirl_radius"]
                )
                meter = _Meter(network, reference, count)
                for batch in console.track(disturbed, f"{title(name)}, level {level}", count):
                    meter.update(*network(batch))
                log.add([_row(name, level, DISTURBANCES[name].alphas[level], meter.values())])
    return log.rows, settings


def _disturbed(images, name, level, seed, count, batch_size, swirl_radius):
    first = 0
    for batch in images.in_order(batch_size, count=count):
        disturbed = disturbances.disturb(
            batch / np.float32(127.5) - 1, name, level, seed, first, swirl_radius
        )
        yield (disturbed + 1) * np.float32(127.5)
        first += len(batch)


def _undisturbed_and_mixed(images, others, network, reference, count, batch_size, seed):
    """Level 0, and in the same pass the mixture with other images, whose features are looked up."""
    levels = LEVELS[1:] if others else ()
    if others:
        chosen = {
            level: disturbances.replacements(count, others.num_images, MIXED_ALPHAS[level], seed)
            for level in levels
        }
        needed = np.setdiff1d(chosen[LEVELS[-1]], [-1])  # every level takes from these
        batches = console.track(
            _select(others.in_order(batch_size), needed),
            f"features of {others.source.word}",
            len(needed),
        )
        other_outputs = [
            np.concatenate(parts) for parts in zip(*(network(batch) for batch in batches))
        ]
    meters = {level: _Meter(network, reference, count) for level in (0, *levels)}
    first = 0
    for batch in console.track(images.in_order(batch_size, count=count), "undisturbed", count):
        outputs = [np.array(output) for output in network(batch)]
        meters[0].update(*outputs)
        for level in levels:
            numbers = chosen[level][first : first + len(batch)]
            replaced = (numbers >= 0)[:, None]
            place = np.searchsorted(needed, numbers)
            meters[level].update(
                *(
                    np.where(replaced, other[place], own)
                    for own, other in zip(outputs, other_outputs)
                )
            )
        first += len(batch)
    rows = [_row(UNDISTURBED, 0, 0, meters[0].values())]
    return rows + [
        _row(MIXED, level, MIXED_ALPHAS[level], meters[level].values()) for level in levels
    ]


def _select(batches, numbers):
    """The images with these numbers (sorted), in batches as they come."""
    first = 0
    for batch in batches:
        low, high = np.searchsorted(numbers, (first, first + len(batch)))
        if low < high:
            yield batch[numbers[low:high] - first]
        first += len(batch)


class _Meter:
    """Both measures of one stream of network outputs."""

    def __init__(self, network, reference, count):
        self._moments, self._score = Moments(network.dimension), InceptionScore(count)
        self._reference = reference

    def update(self, pool_3, logits):
        self._moments.update(pool_3)
        self._score.update(logits)

    def values(self):
        fid = frechet_distance(
            self._moments.mean, self._moments.covariance, self._reference.mu, self._reference.sigma
        )
        return fid, self._score.scores


def _row(name, level, alpha, values):
    fid, scores = values
    return {
        "disturbance": name,
        "level": level,
        "alpha": alpha,
        "fid": fid,
        "inception_score": float(np.mean(scores)),
        "inception_score_std": float(np.std(scores)),
    }


class _Log:
    """The rows so far, after a first line with the settings that they belong to."""

    def __init__(self, path, settings):
        self._path = path
        settings = json.loads(json.dumps(settings))
        lines = files.read_json_lines(path)[0] if path.exists() else [settings]
        keys = {"disturbance", "level", "alpha", "fid", "inception_score", "inception_score_std"}
        if not lines or any(line.keys() != keys for line in lines[1:]):
            raise UserError(
                f"{path} is not what this study writes",
                "its settings and a row for each level",
                "move it away, or choose another --output",
            )
        if lines[0] != settings:
            changed = [key for key in settings if lines[0].get(key) != settings[key]]
            raise UserError(
                f"{path} holds values of another {', '.join(changed)}",
                "the same settings",
                "choose another --output",
            )
        self._settings, self.rows = settings, lines[1:]
        self._write()

    def holds(self, name, level):
        return any((row["disturbance"], row["level"]) == (name, level) for row in self.rows)

    def add(self, rows):
        self.rows += [row for row in rows if not self.holds(row["disturbance"], row["level"])]
        self._write()

    def _write(self):
        with files.atomic(self._path, "w") as file:
            file.write("".join(json.dumps(line) + "\n" for line in (self._settings, *self.rows)))


def study(rows, settings, metric, example, limit="largest"):
    """What was measured.

    Args:
      rows, settings: what `measure` returns.
      metric: the name of the distance.
      example: (size, size, 3) uint8 image, which the figure shows at all levels.
      limit: as in `summarise`.

    Returns:
      A `report.Report`.
    """
    summary = summarise(rows, limit)
    if not summary:
        raise UserError(
            "no disturbance has been measured at all levels",
            "one at least",
            "name one, with --only or --mixed-in",
        )
    numbers = {"settings": settings, "metric": metric, "disturbances": summary}
    return report.Report(
        "disturb",
        _verdict(summary, metric),
        _text(summary, settings, metric),
        numbers,
        _figure(summary, metric, example, settings["swirl_radius"]),
    )


def summarise(rows, limit="largest"):
    """Series by disturbance.

    Args:
      rows: what `measure` returns.
      limit: the bound m of IND = m - IS. "largest" takes the largest score over the levels of a
        disturbance, as the original's notebook does, so that the smallest IND is 0; "published"
        those of the published figures; a number is taken as it is. The paper's bound for m samples
        of m classes or fewer is their number.

    Returns:
      {name of a disturbance of which all levels were measured: dict of lists over the levels 0 to
      3: alpha, fid, inception_score, inception_score_std, ind; and of ind_limit, fid_rises,
      inception_score_falls}.
    """
    start = next(row for row in rows if row["disturbance"] == UNDISTURBED)
    result = {}
    for name in (*DISTURBANCES, MIXED):
        series = [start] + sorted(
            (row for row in rows if row["disturbance"] == name), key=lambda row: row["level"]
        )
        if len(series) < len(LEVELS):
            continue
        columns = {
            key: [row[key] for row in series]
            for key in ("alpha", "fid", "inception_score", "inception_score_std")
        }
        bound = {
            "largest": max(columns["inception_score"]),
            "published": DISTURBED[name]["ind_limit"],
        }.get(limit, limit)
        columns["ind_limit"] = bound
        columns["ind"] = [bound - score for score in columns["inception_score"]]
        columns["fid_rises"] = bool(np.all(np.diff(columns["fid"]) > 0))
        columns["inception_score_falls"] = bool(np.all(np.diff(columns["inception_score"]) < 0))
        result[name] = columns
    return result


def title(name):
    return "mixed with other images" if name == MIXED else DISTURBANCES[name].title


def _verdict(summary, metric):
    """One line: for which disturbances each measure follows the level."""

    def named(names):
        return f"{len(names)} of {len(summary)} disturbances" + (
            f" ({', '.join(title(name) for name in names)})"
            if 0 < len(names) < len(summary)
            else ""
        )

    fid = [name for name, columns in summary.items() if columns["fid_rises"]]
    score = [name for name, columns in summary.items() if columns["inception_score_falls"]]
    return f"{metric} rises with every level of {named(fid)}; the Inception Score falls with every level of {named(score)}."


def _text(summary, settings, metric):
    text = (
        f"Measured on {settings['images']:,} images of `{settings['source']}`, seed {settings['seed']}, with the "
        f"{settings['network']} network ({settings['precision']}); the distance is `{metric}` to the undisturbed reference. The Inception "
        "Score need not fall when images get worse, as it never sees the real images. IND is the limit that stands beside it minus the score. "
        "Published values: CelebA, 50,000 images, the original network; they are comparable in shape only."
    )
    if MIXED in summary:
        text += f" Mixed: that part of the images is replaced by images of `{settings['mixed_in']}`, drawn with replacement."
    head = [
        "disturbance",
        "level",
        "alpha",
        metric,
        "Inception Score",
        "IND",
        "its limit",
        "published FID",
        "published Inception Score",
        "published IND",
    ]
    rows = []
    for name, columns in summary.items():
        for level in LEVELS:
            score = f"{columns['inception_score'][level]:.3f} ± {columns['inception_score_std'][level]:.3f}"
            published = DISTURBED[name]
            fid, published_score = published["fid"][level], published["inception_score"][level]
            own = [
                columns["fid"][level],
                score,
                f"{columns['ind'][level]:.3f}",
                columns["ind_limit"],
            ]
            rows.append(
                [
                    title(name),
                    str(level),
                    columns["alpha"][level],
                    *own,
                    fid,
                    published_score,
                    published["ind_limit"] - published_score,
                ]
            )
    return f"{text}\n\n{report.table(head, rows)}"


def _figure(summary, metric, example, swirl_radius):
    """A row for each disturbance: an image at its four levels, the distance, the Inception Score
    and IND.
    """
    result, axes = report.grid(len(summary), 4, 3.6, 2.5)
    image = example[None] / np.float32(127.5) - 1
    for (name, columns), (pictures, fid, score, ind) in zip(summary.items(), axes):
        pictures.set(xticks=[], yticks=[], title=title(name))
        if name == MIXED:
            pictures.text(0.5, 0.5, "a part of the images is replaced", ha="center", va="center")
        else:
            strip = [
                (disturbances.disturb(image, name, level, swirl_radius=swirl_radius)[0] + 1) * 127.5
                for level in LEVELS
            ]
            pictures.imshow(np.concatenate(strip, axis=1).round().astype(np.uint8))
            pictures.set_xlabel("levels 0, 1, 2, 3")
        fid.plot(LEVELS, columns["fid"], "o-")
        fid.set(ylabel=metric, ylim=(0, None))
        score.errorbar(
            LEVELS,
            columns["inception_score"],
            columns["inception_score_std"],
            fmt="o-",
            capsize=4,
            color="C1",
        )
        score.set(ylabel="Inception Score (std of parts)")
        ind.plot(LEVELS, columns["ind"], "o-", color="C2")
        ind.set(ylabel=f"IND (limit {columns['ind_limit']:.3g})")
        for axis in (fid, score, ind):
            axis.set(xticks=LEVELS, xlabel="level")
            axis.grid(alpha=0.3)
    return result
