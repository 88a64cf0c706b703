"""Measures on this machine how long the parts of an experiment take.

    tf-ttur benchmark                                  # update, Inception network, distance
    tf-ttur benchmark --config wgan_gp_cifar10:orig    # the update of one experiment, and its costs

Updates are measured on random examples, so no data are needed.
"""

import argparse
import platform
from collections.abc import Sequence

from ml_collections import ConfigDict

from tf_ttur import config as configs
from tf_ttur.commands import flags, program
from tf_ttur.io import files


def main(words: Sequence[str]) -> None:
    """Runs the command with these arguments."""
    parser = flags.parser(__doc__, "benchmark")
    flags.add_network(parser, precision=False)
    flags.add_config(parser)
    arguments = parser.parse_args(words)
    config = flags.read_optional_config(arguments)
    if config is not None:
        flags.refuse_unused(
            arguments,
            ["--inception", "--batch-size"],
            "together with --config, which measures the update alone",
            "this flag without --config",
        )
    program.start_tensorflow()
    print(_machine())
    if config is not None:
        _print_update(config)
    else:
        _print_all(arguments)


def _machine() -> str:
    import tensorflow as tf

    gpus = len(tf.config.list_logical_devices("GPU"))
    versions = f"TensorFlow {tf.__version__}, tf_ttur {files.version()}"
    return f"{platform.platform()}, {gpus} GPUs, {versions}"


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
