"""Compares images per second of the FID's parts and of torch-fidelity's network.

    python benchmarks/fid.py
    python benchmarks/fid.py --images 2000 --batch-size 100 --inception PATH

It measures the network alone, and the way from files to statistics. Each of several rounds measures
everything in turn, and all results are medians, so that a slow moment of the machine does not
matter. Weights do not affect the speed: they are random if no network is on this machine. Those of
torch-fidelity's network are always random; it runs in PyTorch on the CPU and needs
`pip install -e .[benchmark]`.
"""

import functools
import io
import pathlib
import sys
import tempfile
import unittest.mock
import warnings

import comparison
import numpy as np
import PIL.Image

from tf_ttur.commands import flags, program

# Floating-point operations of an image in the network: products and sums of its convolutions and
# matrices, without those that fall on the border.
OPERATIONS = 11.0e9

# The rows of the table.
EXACT = "network, float32"
FAST = "network, bfloat16"
TORCH = "torch-fidelity's network, float32"
PNG = "32x32 PNG files to statistics, float32"
JPEG = "256x256 JPEG files to statistics, float32"

# {row: (another row, target ratio of their images per second)}
TARGETS = {
    EXACT: (TORCH, 2.5),
    FAST: (TORCH, 8),
    PNG: (EXACT, 0.95),
    JPEG: (EXACT, 0.95),
}


def main():
    parser = flags.parser(__doc__, "")
    parser.prog = "benchmarks/fid.py"
    parser.add_argument(
        "--images", type=flags.positive, default=500, help="images per row and round [500]"
    )
    parser.add_argument(
        "--batch-size",
        type=flags.positive,
        default=50,
        help="images per batch of a network [50]",
    )
    parser.add_argument(
        "--inception", metavar="PATH", help="the network: a .pb, the .tgz, or a folder with either"
    )
    arguments = parser.parse_args()
    program.start_tensorflow()
    import random_inception

    from tf_ttur.data import digits
    from tf_ttur.metrics import inception, speed

    warnings.simplefilter("ignore")  # a warning says that these are few images for a distance
    images = np.stack([digits.draw(number, seed=0) for number in range(arguments.images)])
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        path = inception.locate(arguments.inception)
        weights = path or "random"
        if path is None:
            path = folder / inception.GRAPH_FILE
            path.write_bytes(random_inception.graph_bytes())
        exact = inception.load(path, "float32")
        fast = inception.load(path, "bfloat16")
        rows = {
            EXACT: batch_by_batch(exact, arguments.batch_size),
            PNG: from_files(write(images, folder / "png", "png", 32), exact, arguments.batch_size),
            JPEG: from_files(
                write(images, folder / "jpg", "jpg", 256), exact, arguments.batch_size
            ),
            FAST: batch_by_batch(fast, arguments.batch_size),
        }
        theirs = torch_fidelity()
        if theirs:
            rows[TORCH] = batch_by_batch(theirs, arguments.batch_size)
        rates = measure(rows, images, arguments.batch_size)
        peaks = speed.matrix_peaks()
    print(comparison.machine())
    print(comparison.describe_peaks(peaks))
    batches = f"{arguments.images} images in batches of {arguments.batch_size}"
    print(f"{comparison.ROUNDS} rounds of {batches}; weights: {weights}\n")
    print(comparison.table(rates, "images/s", TARGETS, OPERATIONS, peaks))
    if not theirs:
        print(f"\nfor a comparison with {TORCH}: pip install -e .[benchmark]")


def batch_by_batch(network, batch_size):
    """A function that puts images in memory through the network."""

    def run(images):
        for start in range(0, len(images), batch_size):
            np.asarray(network(images[start : start + batch_size])[0])

    return run


def from_files(folder, network, batch_size):
    """A function that computes statistics of the folder's files, as the commands do.

    It takes images only to know how many files to read: as many as there are images.
    """
    from tf_ttur.data.images import Images
    from tf_ttur.metrics import extraction

    return lambda images: extraction.image_statistics(
        Images(str(folder)), network, batch_size, limit=len(images)
    )


def write(images, folder, suffix, size):
    """Writes the images, resized, as files with the suffix; returns the folder."""
    folder.mkdir()
    for number, image in enumerate(images):
        PIL.Image.fromarray(image).resize((size, size), PIL.Image.Resampling.BICUBIC).save(
            folder / f"{number:06}.{suffix}", quality=90
        )
    return folder


def torch_fidelity():
    """The network of torch-fidelity with random weights; None if it is not installed.

    Returns:
      Function of uint8 images (n, height, width, 3) that returns features and logits.
    """
    try:
        import torch

        try:
            import torchvision  # noqa: F401  to see whether it can be imported
        # It is missing, or does not fit this PyTorch. torch-fidelity imports it, but the network
        # does not use it.
        except Exception:
            names = (
                "torchvision",
                "torchvision.datasets",
                "torchvision.transforms",
                "torchvision.transforms.functional",
            )
            sys.modules.update({name: unittest.mock.MagicMock() for name in names})
        from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3
    except ImportError:
        return None

    class RandomInception(FeatureExtractorInceptionV3):
        def load_state_dict(self, state_dict):
            """Draws random weights by He's rule: activations neither vanish nor overflow."""
            for module in self.modules():
                if isinstance(module, torch.nn.Conv2d):
                    torch.nn.init.kaiming_normal_(module.weight)

    empty = io.BytesIO()
    torch.save({}, empty)
    empty.seek(0)
    network = RandomInception(
        "random", ["2048", "logits_unbiased"], feature_extractor_weights_path=empty
    )

    @torch.inference_mode()
    def run(images):
        return network(torch.from_numpy(images).permute(0, 3, 1, 2).contiguous())

    return run


def measure(rows, images, batch_size, rounds=comparison.ROUNDS):
    """Runs every row once per round.

    Args:
      rows: {name: function of uint8 images (n, height, width, 3)}.
      images: the images for each function.
      batch_size: the batch size of the functions.
      rounds: number of rounds.

    Returns:
      {name: [images per second in each round]}.
    """
    for run in rows.values():  # the first batch of a size takes longer and is not measured
        run(images[: batch_size + len(images) % batch_size])
    calls = {name: functools.partial(run, images) for name, run in rows.items()}
    return comparison.measure(calls, len(images), rounds)


if __name__ == "__main__":
    program.run(main)
