"""Measures on this machine how long the parts of an experiment take.

    tf-ttur benchmark                                  # update, Inception network, distance
    tf-ttur benchmark --config wgan_gp_cifar10:orig    # the update of one experiment, and its costs

    tf-ttur benchmark --gpu-report report.json         # all of it, in 10 minutes

Updates are measured on random examples, so no data are needed. The report measures what matters on
a GPU: with and without XLA, precisions, updates per call, the network, memory, kernels, one and all
GPUs, and whether a run resumes to the bit. It ends with tables for docs/performance.md and with the
settings that are the fastest on this machine.
"""

import argparse
import json
import os
import pathlib
import platform
from collections.abc import Sequence
from typing import Any

from ml_collections import ConfigDict

from tf_ttur import config as configs
from tf_ttur.commands import flags, program
from tf_ttur.errors import UserError
from tf_ttur.io import console, files, outputs
from tf_ttur.wording import counted

# The experiment whose settings a report varies.
_CARD = "cifar10:ttur"
# Of a report, in its order.
_PARTS = ("machine", "settings", "features", "resume", "all_gpus", "cards")


def main(words: Sequence[str]) -> None:
    """Runs the command with these arguments."""
    parser = flags.parser(__doc__, "benchmark")
    flags.add_network(parser, precision=False)
    flags.add_config(parser)
    parser.add_argument("--json", action="store_true", help="with --config: print one JSON object")
    _add_report(parser)
    arguments = parser.parse_args(words)
    _check_together(arguments)
    config = flags.read_optional_config(arguments)
    if arguments.gpu_report is not None:
        _write_report(arguments)
        return
    if config is not None:
        flags.refuse_unused(
            arguments,
            ["--inception", "--batch-size"],
            "together with --config, which measures the update alone",
            "this flag without --config",
        )
    program.start_tensorflow()
    if arguments.json and config is not None:
        _print_json(config)
        return
    print(_machine())
    if config is not None:
        _print_update(config)
    else:
        _print_all(arguments)


def _add_report(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("the report")
    group.add_argument(
        "--gpu-report", metavar="FILE.json", help="measure all of it, and write that"
    )
    group.add_argument(
        "--minutes",
        type=flags.positive,
        default=10,
        help="after which no further measurement begins; what is left out is named [10]",
    )
    group.add_argument(
        "--parts",
        type=lambda text: text.split(","),
        default=list(_PARTS),
        metavar="NAME,...",
        help=f"some of {','.join(_PARTS)} [all]",
    )
    group.add_argument(
        "--quick",
        action="store_true",
        help="small networks: to see that everything runs; always so without a GPU",
    )


def _check_together(arguments: flags.Arguments) -> None:
    """Refuses flags that have no effect. Raises `UserError`."""
    if arguments.gpu_report is None:
        flags.refuse_unused(
            arguments,
            ["--minutes", "--parts", "--quick"],
            "without --gpu-report",
            "a report",
            "this flag with --gpu-report",
        )
    else:
        flags.refuse_unused(
            arguments,
            ["--config", "--json", "--batch-size"],
            "together with --gpu-report, which chooses them itself",
            "this flag without --gpu-report",
        )
    if arguments.config is None:
        flags.refuse_unused(arguments, ["--json"], "without --config", "this flag with --config")
    unknown = [name for name in arguments.parts if name not in _PARTS]
    if unknown:
        raise UserError(f"--parts {unknown[0]!r}", f"some of {', '.join(_PARTS)}", "correct it")


def _write_report(arguments: flags.Arguments) -> None:
    """Measures, writes the report, and prints its tables."""
    path = outputs.check_file(
        arguments.gpu_report,
        (".json",),
        "a report of this command",
        _is_report,
        what="--gpu-report",
    )
    # Other processes measure too, and need some of the memory.
    os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
    program.start_tensorflow(_show_first_gpu)
    from tf_ttur.studies import cards_table
    from tf_ttur.training import gpu_report, gpu_table

    card = configs.load(_CARD)
    has_gpu = _num_gpus() > 0
    if not has_gpu:
        console.say("no GPU here: measuring small networks, as with --quick")
    quick = arguments.quick or not has_gpu
    scope = gpu_report.Scope(
        [card] if quick else cards_table.read_cards(),
        card,
        arguments.minutes,
        quick,
        arguments.inception,
    )

    def save(report: dict[str, Any]) -> None:
        with files.atomic(path, "w") as file:
            json.dump(report, file, indent=1)

    report = gpu_report.measure(scope, [name for name in _PARTS if name in arguments.parts], save)
    print(gpu_table.text(report))


def _show_first_gpu() -> None:
    import tensorflow as tf

    gpus = tf.config.list_physical_devices("GPU")
    if len(gpus) > 1:  # the part all_gpus sees them in a process of its own
        tf.config.set_visible_devices(gpus[:1], "GPU")


def _is_report(path: pathlib.Path) -> bool:
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(report, dict) and {"parts", "skipped"} <= report.keys()


def _print_json(config: ConfigDict) -> None:
    from tf_ttur.training import speed

    measured = speed.profile(config, seconds=3)
    print(json.dumps({"gpus": _num_gpus(), **measured._asdict()}))


def _machine() -> str:
    versions = f"TensorFlow {files.version('tensorflow')}, tf_ttur {files.version()}"
    return f"{platform.platform()}, {counted(_num_gpus(), 'GPU')}, {versions}"


def _num_gpus() -> int:
    """The GPUs that TensorFlow uses in this process."""
    import tensorflow as tf

    return len(tf.config.list_logical_devices("GPU"))


def _print_update(config: ConfigDict) -> None:
    from tf_ttur.training import speed

    steps = f"{config.discriminator.steps} discriminator steps of {config.batch_size}"
    seconds = speed.seconds_per_update(config)
    print(f"{config.name}:{config.variant}, {steps}: {seconds:.3f} s per update")
    largest = speed.costly_operations(config)[:3]
    print("most of it in " + ", ".join(f"{name} ({share:.0%})" for name, share in largest))


def _print_all(arguments: argparse.Namespace) -> None:
    from tf_ttur.metrics import inception
    from tf_ttur.metrics import speed as metrics_speed
    from tf_ttur.training import speed

    for name in ("cifar10", "celeba"):
        config = configs.load(name)
        size = config.data.image_size
        seconds = speed.seconds_per_update(config, 15)
        print(f"DCGAN update, batch {config.batch_size}, {size}x{size}: {seconds:.3f} s")
    for precision in ("float32", "bfloat16"):
        network = inception.load(arguments.inception, precision, arguments.trust)
        rate = metrics_speed.images_per_second(network, arguments.batch_size)
        print(f"Inception, {precision}, batch {arguments.batch_size}: {rate:.1f} images/s")
    distance = metrics_speed.seconds_of_distance()
    times = distance.sqrtm_seconds / distance.seconds
    print(
        f"Fréchet distance, d = 2048: {distance.seconds:.2f} s; with scipy.linalg.sqrtm of the "
        f"product {distance.sqrtm_seconds:.2f} s ({times:.1f} times); relative difference "
        f"{distance.relative_difference:.1e}"
    )
