"""Prepares the data of an experiment once: from what was downloaded to what training reads.

    tf-ttur prepare celeba --input img_align_celeba.zip --output data/celeba        # centre 108, resized to 64
    tf-ttur prepare lsun --input bedroom_train_lmdb --output data/lsun              # centre square, resized to 64
    tf-ttur prepare svhn --input train_32x32.mat --output data/svhn                 # 32, as it is
    tf-ttur prepare cifar10 --input cifar-10-binary.tar.gz --output data/cifar10    # 32, as it is
    tf-ttur prepare billion_word --input 1-billion-word-language-modeling-benchmark-r13output.tar.gz --output data/billion_word

Interrupted, images go on where they stopped when it is run again; lines, which take a minute, start
anew. Any other source of images serves as well: a folder or zip, an .npy or .npz of uint8 images,
tfds:NAME/SPLIT.
"""

import argparse
from collections.abc import Sequence

from tf_ttur.commands import flags, program
from tf_ttur.errors import UserError


def crop(text):
    """none, square, or a side in pixels, for `argparse`."""
    if text not in ("none", "square") and not (text.isdecimal() and int(text) > 0):
        raise argparse.ArgumentTypeError(f"{text} is not none, square or a number of pixels")
    return text


def main(words: Sequence[str]) -> None:
    parser = flags.parser(__doc__, "prepare")
    parser.add_argument("data_set", choices=("celeba", "lsun", "svhn", "cifar10", "billion_word"))
    parser.add_argument("--input", required=True, metavar="DOWNLOADED")
    parser.add_argument("--output", required=True, metavar="DIR")
    parser.add_argument(
        "--crop",
        type=crop,
        help="none, square, or the side of a centred square [that of the data set]",
    )
    parser.add_argument(
        "--size", type=flags.positive, help="side of the images in pixels [that of the data set]"
    )
    parser.add_argument(
        "--trust-pickle",
        action="store_true",
        help="read CIFAR-10's version for Python, which is made of pickles",
    )
    parser.add_argument(
        "--skip-unreadable",
        action="store_true",
        help="leave out images that cannot be decoded as RGB, and name them",
    )
    parser.add_argument(
        "--files", metavar="GLOB", help="names of the shards of billion_word [news.en-*]"
    )
    arguments = parser.parse_args(words)
    if arguments.files and arguments.data_set != "billion_word":
        raise UserError(
            f"{arguments.data_set} with --files",
            "billion_word",
            "leave it out; --input names the images",
        )
    if arguments.data_set == "billion_word":
        if arguments.crop or arguments.size or arguments.trust_pickle or arguments.skip_unreadable:
            raise UserError(
                "billion_word with an option for images",
                "--input, --output and --files",
                "leave the others out",
            )
    program.start_tensorflow()
    if arguments.data_set == "billion_word":
        from tf_ttur.data import text

        print(text.prepare(arguments.input, arguments.output, arguments.files or text.FILES))
        return
    from tf_ttur.data import prepare

    options = arguments.crop, arguments.size, arguments.trust_pickle, arguments.skip_unreadable
    made = prepare.prepare(arguments.data_set, arguments.input, arguments.output, *options)
    size, left_out = (
        made["size"],
        f" ({len(made['skipped']):,} left out)" if made["skipped"] else "",
    )
    fitting = "none" if made["crop"] == "none" else f"{made['crop']} or none"
    print(
        f"{arguments.output}: {made['num_images']:,} images{left_out} of {size}x{size} pixels, digest {made['images_digest']}. "
        f"Train on them with --config.data.source={arguments.output}, where config.data.crop is {fitting}."
    )
