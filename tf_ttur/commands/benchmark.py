"""Measures what the time of an experiment is made of, on this machine: update, Inception, distance.

tf-ttur benchmark [--inception PATH]
tf-ttur benchmark --config configs/wgan_gp_cifar10.py:orig    # that card's update, and what its time goes into
"""

import platform
import time
from collections.abc import Sequence

import numpy as np

from tf_ttur import config as configs
from tf_ttur.commands import flags, program
from tf_ttur.io import files


def main(words: Sequence[str]) -> None:
    parser = flags.parser(__doc__, "benchmark")
    parser.add_argument(
        "--inception",
        metavar="PATH",
        help="the network: a .pb, the .tgz, a folder with either, or hub:HANDLE",
    )
    parser.add_argument(
        "--batch-size",
        type=flags.positive,
        default=100,
        help="images that go through the network at a time [100]",
    )
    flags.add_trust(parser)
    parser.add_argument("--config", metavar="CONFIG", help="measure the update of this card alone")
    arguments = parser.parse_args(words)
    card = configs.load(arguments.config) if arguments.config else None
    program.start_tensorflow()
    import tensorflow as tf

    from tf_ttur.training import speed

    print(
        f"{platform.platform()}, {len(tf.config.list_logical_devices('GPU'))} GPUs, TensorFlow {tf.__version__}, tf_ttur {files.version()}"
    )
    if card:
        print(
            f"{card.name}:{card.variant}, {card.discriminator.steps} discriminator steps of {card.batch_size}: {speed.seconds_per_update(card):.3f} s an update"
        )
        operations = speed.costly_operations(card)
        print(
            "most of it in " + ", ".join(f"{name} ({share:.0%})" for name, share in operations[:3])
        )
        return
    for name in ("cifar10", "celeba"):
        card = configs.load(name)
        size = card.data.image_size
        print(
            f"DCGAN update, batch {card.batch_size}, {size}x{size}: {speed.seconds_per_update(card, 15):.3f} s"
        )
    for precision in ("float32", "bfloat16"):
        print(
            f"Inception, {precision}, batch {arguments.batch_size}: {images_per_second(arguments, precision):.1f} images/s"
        )
    ours, root, difference = seconds_of_distance()
    print(
        f"Fréchet distance, d = 2048: {ours:.2f} s; with scipy.linalg.sqrtm of the product {root:.2f} s ({root / ours:.1f} times); relative difference {difference:.1e}"
    )


def images_per_second(arguments, precision, count=3):
    """Throughput of 32x32 images, resizing included."""
    from tf_ttur.metrics import inception

    network = inception.load(arguments.inception, precision, arguments.trust)
    images = np.random.default_rng(0).integers(0, 256, (arguments.batch_size, 32, 32, 3), np.uint8)
    network(images)[0].numpy()
    start = time.perf_counter()
    for _ in range(count):
        network(images)[0].numpy()
    return count * len(images) / (time.perf_counter() - start)


def seconds_of_distance(dimension=2048):
    """(seconds of ours, seconds by the matrix square root, relative difference of the two values);
    ours the median of 5 runs.
    """
    import scipy.linalg

    from tf_ttur.metrics.frechet import frechet_distance

    random = np.random.default_rng(0)
    sides = []
    for _ in range(2):
        # Covariances with a spectrum that falls over four decades, as that of pool_3.
        spectrum = np.logspace(0, -4, dimension)
        basis = scipy.linalg.qr(random.normal(size=(dimension, dimension)))[0]
        sides += [random.normal(0, 0.1, dimension), (basis * spectrum) @ basis.T]
    seconds = []
    for _ in range(5):
        start = time.perf_counter()
        value = frechet_distance(*sides)
        seconds.append(time.perf_counter() - start)
    start = time.perf_counter()
    root = scipy.linalg.sqrtm(sides[1] @ sides[3])
    expected = (
        ((sides[0] - sides[2]) ** 2).sum()
        + np.trace(sides[1])
        + np.trace(sides[3])
        - 2 * np.trace(root).real
    )
    return np.median(seconds), time.perf_counter() - start, abs(value / expected - 1)
