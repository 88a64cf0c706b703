"""Prints the table of all experiment cards.

    tf-ttur list              # with the hours per 1000 updates that were measured on this machine before
    tf-ttur list --measure    # measures them: a few updates of every network, some minutes on a CPU
    tf-ttur list --json

Hours are of updates alone, without evaluation. The published best is over all runs and evaluations;
the mean and its range over the runs are those at the end of the published curve.
"""

import hashlib
import json
import os
import pathlib
import platform
import sys
from collections.abc import Sequence

from ml_collections import ConfigDict

from tf_ttur import config as configs
from tf_ttur.commands import flags, program
from tf_ttur.config import cards
from tf_ttur.errors import UserError
from tf_ttur.io import files
from tf_ttur.studies import published

# What the time of an update depends on.
_COSTLY = (
    "batch_size",
    "model",
    "discriminator.steps",
    "discriminator.gradient_penalty",
    "data.image_size",
    "data.line_length",
    "latent.size",
    "loss",
)


def main(words: Sequence[str]) -> None:
    parser = flags.parser(__doc__, "list")
    parser.add_argument(
        "folder", nargs="?", type=pathlib.Path, help="of the cards [those that ship with tf_ttur]"
    )
    parser.add_argument(
        "--measure", action="store_true", help="measure what has not been measured on this machine"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON array")
    arguments = parser.parse_args(words)
    read = read_cards(arguments.folder)
    speeds = read_speeds()
    if arguments.measure:
        measure([card for card in read if speed_key(card) not in speeds], speeds)
    rows = [row for card in read for row in describe(card, speeds.get(speed_key(card)))]
    if arguments.json:
        print(json.dumps(rows))
        return
    print_table(rows)
    if any(row["hours_per_1000_updates"] is None for row in rows):
        print(
            "Hours are shown where they have been measured on this machine: --measure does that.",
            file=sys.stderr,
        )


def read_cards(folder: pathlib.Path | None) -> list[ConfigDict]:
    """The config of every variant of every card in a folder."""
    paths = configs.list_cards(folder)
    if not paths:
        expected = "experiment cards with VARIANTS, such as those in configs/"
        raise UserError(f"{folder} holds no cards", expected, "name their folder")
    return [configs.load(f"{path}:{variant}") for path in paths for variant in cards.variants(path)]


def describe(card, seconds):
    """The rows of one card, one for each of its published metrics; one without any where nothing is
    published.
    """
    rates = (card.discriminator.learning_rate, card.generator.learning_rate)
    common = {
        "experiment": card.name,
        "variant": card.variant,
        "discriminator": rates[0],
        "generator": rates[1],
        "discriminator_steps": card.discriminator.steps,
        "updates": card.updates,
        "hours_per_1000_updates": None if seconds is None else 1000 * seconds / 3600,
    }
    metrics = [
        metric
        for (name, metric), scores in published.SCORES.items()
        if name == card.name and rates in scores
    ]
    for metric in metrics or [None]:
        score = published.SCORES[card.name, metric][rates] if metric else None
        end = (published.curve(card.name, metric, rates) or [None])[-1]
        yield common | {
            "metric": metric,
            "published_table": score and score.table,
            "published_best": score and score.best,
            "published_best_at": score and score.at,
            "published_end": end and {"mean": end[1], "low": end[2], "high": end[3]},
            "published_lowest_mean": score and score.mean[0],
            "erratum": published.ERRATA.get(card.name),
        }


def print_table(rows):
    """The rows as aligned columns, then the errata."""
    lines = [
        (
            "experiment",
            "rates D, G",
            "D steps",
            "updates",
            "metric",
            "best",
            "mean [range] at the end",
            "hours / 1000 updates",
        )
    ]
    for row in rows:
        end, hours = row["published_end"], row["hours_per_1000_updates"]
        at = f" at {row['published_best_at']}" if row["published_best_at"] else ""
        lowest = (
            f"lowest mean {row['published_lowest_mean']:g}" if row["published_lowest_mean"] else "-"
        )
        lines.append(
            (
                f"{row['experiment']}:{row['variant']}",
                f"{row['discriminator']:g}, {row['generator']:g}",
                str(row["discriminator_steps"]),
                f"{row['updates']:,}",
                row["metric"] or "-",
                f"{row['published_best']:g}{at}" if row["published_best"] else "-",
                f"{end['mean']:g} [{end['low']:g}, {end['high']:g}]" if end else lowest,
                f"{hours:.2f}" if hours is not None else "-",
            )
        )
    widths = [max(map(len, column)) for column in zip(*lines)]
    for line in lines:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip())
    print("\nErrata")
    for name in dict.fromkeys(row["experiment"] for row in rows if row["erratum"]):
        print(f"  {name}: {published.ERRATA[name]}")


def speeds_path():
    return files.cache_dir() / "speed.json"


def read_speeds():
    """{key: seconds per update} of this machine, from earlier measurements."""
    try:
        return json.loads(speeds_path().read_text()) if speeds_path().exists() else {}
    except ValueError as error:
        raise UserError(
            f"{speeds_path()} cannot be read ({error})",
            "what --measure wrote",
            "remove it, and measure again",
        ) from error


def speed_key(card):
    """The same for all cards whose update costs the same on this machine."""
    flat = configs.flatten(card)
    costly = {key: value for key, value in flat.items() if key.startswith(_COSTLY)}
    return hashlib.sha256(
        json.dumps([_machine(), files.version("tensorflow"), costly]).encode()
    ).hexdigest()[:16]


def _machine():
    """What tells this machine, and what of it TensorFlow may use, from others; TensorFlow itself
    would take seconds to say it.
    """
    gpus = len(list(pathlib.Path("/proc/driver/nvidia/gpus").glob("*")))
    return (
        platform.node(),
        platform.machine(),
        os.cpu_count(),
        gpus,
        os.environ.get("CUDA_VISIBLE_DEVICES"),
    )


def measure(cards, speeds):
    """Adds the cards' seconds to `speeds`, and keeps them."""
    program.start_tensorflow()
    from tf_ttur.training import speed

    for key, card in {speed_key(card): card for card in cards}.items():
        speeds[key] = speed.seconds_per_update(card)
        print(f"{card.name}:{card.variant}: {speeds[key]:.2f} s an update", file=sys.stderr)
        with files.atomic(speeds_path(), "w") as file:
            json.dump(speeds, file)
