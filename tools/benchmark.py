"""Measures what the time of an experiment is made of, on this machine: update, Inception, distance.

    python tools/benchmark.py [--inception PATH]
"""

import pathlib
import platform
import tempfile
import time

import numpy as np

from tf_ttur import command, files
from tf_ttur import config as configs


def main():
    parser = command.parser(__doc__)
    parser.add_argument("--inception", metavar="PATH", help="the network: a .pb, the .tgz, a folder with either, or hub:HANDLE")
    parser.add_argument("--batch-size", type=command.positive, default=100, help="images that go through the network at a time [100]")
    arguments = parser.parse_args()
    command.start_tensorflow()
    import tensorflow as tf

    print(f"{platform.platform()}, {len(tf.config.list_logical_devices('GPU'))} GPUs, TensorFlow {tf.__version__}, tf_ttur {files.version()}")
    for size in (32, 64):
        print(f"DCGAN update, batch 64, {size}x{size}: {seconds_per_update(size):.3f} s")
    for precision in ("float32", "bfloat16"):
        print(f"Inception, {precision}, batch {arguments.batch_size}: {images_per_second(arguments, precision):.1f} images/s")
    ours, root, difference = seconds_of_distance()
    print(f"Fréchet distance, d = 2048: {ours:.2f} s; with scipy.linalg.sqrtm of the product {root:.2f} s ({root / ours:.1f} times); relative difference {difference:.1e}")


def seconds_per_update(size, warm_up=3, count=15):
    """Mean over `count` updates after `warm_up` ones, with the data pipeline."""
    import tensorflow as tf

    from tf_ttur.data.images import Images
    from tf_ttur.training import devices
    from tf_ttur.training import update as updates
    from tf_ttur.training.state import State

    config = configs.default()
    config.data.image_size, config.updates = size, 100
    config.discriminator.learning_rate = config.generator.learning_rate = 1e-4
    strategy = devices.mirrored_strategy()
    with tempfile.TemporaryDirectory() as folder, strategy.scope():
        path = pathlib.Path(folder) / "images.npy"
        np.save(path, np.random.default_rng(0).integers(0, 256, (1024, size, size, 3), np.uint8))
        state = State(config)
        update = updates.build_update(config, strategy, state)
        batch_size = devices.batch_per_replica(config, strategy)
        iterator = updates.distribute_batches(config, strategy, Images(str(path), size), batch_size, 0)
        for number in range(warm_up + count):
            if number == warm_up:
                start = time.perf_counter()
            values = update(tf.constant(number, tf.int64), iterator)
            if number == warm_up - 1:
                float(values["loss/generator"])  # waits for the device
        float(values["loss/generator"])
        return (time.perf_counter() - start) / count


def images_per_second(arguments, precision, count=3):
    """Throughput of 32x32 images, resizing included."""
    from tf_ttur.metrics import inception

    network = inception.load(arguments.inception, precision)
    images = np.random.default_rng(0).integers(0, 256, (arguments.batch_size, 32, 32, 3), np.uint8)
    network(images)[0].numpy()
    start = time.perf_counter()
    for _ in range(count):
        network(images)[0].numpy()
    return count * len(images) / (time.perf_counter() - start)


def seconds_of_distance(dimension=2048):
    """(seconds of ours, seconds by the matrix square root, relative difference of the two values)."""
    import scipy.linalg

    from tf_ttur.metrics.frechet import frechet_distance

    random = np.random.default_rng(0)
    sides = []
    for _ in range(2):
        # Covariances with a spectrum that falls over four decades, as that of pool_3.
        spectrum = np.logspace(0, -4, dimension)
        basis = scipy.linalg.qr(random.normal(size=(dimension, dimension)))[0]
        sides += [random.normal(0, 0.1, dimension), (basis * spectrum) @ basis.T]
    start = time.perf_counter()
    value = frechet_distance(*sides)
    middle = time.perf_counter()
    root = scipy.linalg.sqrtm(sides[1] @ sides[3])
    expected = ((sides[0] - sides[2]) ** 2).sum() + np.trace(sides[1]) + np.trace(sides[3]) - 2 * np.trace(root).real
    return middle - start, time.perf_counter() - middle, abs(value / expected - 1)


if __name__ == "__main__":
    command.run(main)
