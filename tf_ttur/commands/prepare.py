"""Prepares the data of an experiment once: turns a download into what training reads.

    tf-ttur prepare celeba --input img_align_celeba.zip --output data/celeba
    tf-ttur prepare lsun --input bedroom_train_lmdb --output data/lsun
    tf-ttur prepare svhn --input train_32x32.mat --output data/svhn
    tf-ttur prepare cifar10 --input cifar-10-binary.tar.gz --output data/cifar10
    tf-ttur prepare billion_word --output data/billion_word \\
        --input 1-billion-word-language-modeling-benchmark-r13output.tar.gz

CelebA is cropped to the centre 108x108 pixels and LSUN to the centre square; both are resized to
64x64. SVHN and CIFAR-10 stay as they are, 32x32. Other sources of images work as well: a folder or
zip, an .npy or .npz of uint8 images, tfds:NAME/SPLIT.

If interrupted, run it again: image preparation resumes, text preparation starts over and takes
about a minute.
"""

import argparse
from collections.abc import Mapping, Sequence
from typing import Any

from tf_ttur.commands import flags, program
from tf_ttur.errors import UserError


def main(words: Sequence[str]) -> None:
    arguments = _parser().parse_args(words)
    _check_together(arguments)
    program.start_tensorflow()
    if arguments.data_set == "billion_word":
        from tf_ttur.data import text

        print(text.prepare(arguments.input, arguments.output, arguments.files or text.FILES))
        return
    from tf_ttur.data import prepare

    record = prepare.prepare(
        arguments.data_set,
        arguments.input,
        arguments.output,
        crop=arguments.crop,
        size=arguments.size,
        trust_pickle=arguments.trust_pickle,
        skip_unreadable=arguments.skip_unreadable,
    )
    print(_describe(record, arguments.output))


def _parser() -> flags.Parser:
    parser = flags.parser(__doc__, "prepare")
    parser.add_argument(
        "data_set",
        choices=("celeba", "lsun", "svhn", "cifar10", "billion_word"),
        help="which data set of the paper",
    )
    parser.add_argument(
        "--input", required=True, metavar="DOWNLOADED", help="the download, or another source"
    )
    parser.add_argument("--output", required=True, metavar="DIR", help="the prepared folder")
    images = parser.add_argument_group("images")
    images.add_argument(
        "--crop",
        type=_crop,
        help="none, square, or the side of a centred square in pixels [that of the data set]",
    )
    images.add_argument(
        "--size", type=flags.positive, help="side of the images in pixels [that of the data set]"
    )
    images.add_argument(
        "--trust-pickle",
        action="store_true",
        help="read CIFAR-10's version for Python, which consists of pickles",
    )
    images.add_argument(
        "--skip-unreadable",
        action="store_true",
        help="leave out images that cannot be decoded as RGB, and name them",
    )
    lines = parser.add_argument_group("billion_word")
    lines.add_argument("--files", metavar="GLOB", help="names of the shards [news.en-*]")
    return parser


def _crop(text: str) -> str:
    """none, square, or a side in pixels, for `argparse`."""
    if text not in ("none", "square") and not (text.isdecimal() and int(text) > 0):
        raise argparse.ArgumentTypeError(f"{text} is not none, square or a number of pixels")
    return text


def _check_together(arguments: argparse.Namespace) -> None:
    """Refuses flags of images with lines, and the other way round."""
    if arguments.data_set != "billion_word":
        if arguments.files:
            cure = "leave it out; --input names the images"
            raise UserError(f"{arguments.data_set} with --files", "billion_word", cure)
        return
    if arguments.crop or arguments.size or arguments.trust_pickle or arguments.skip_unreadable:
        raise UserError(
            "billion_word with an option for images",
            "--input, --output and --files",
            "leave the others out",
        )


def _describe(record: Mapping[str, Any], output: str) -> str:
    """What has been prepared, and how to train on it.

    Args:
      record: as `prepare.prepare` returns it.
      output: the prepared folder.
    """
    size = record["size"]
    left_out = f" ({len(record['skipped']):,} left out)" if record["skipped"] else ""
    crops = "none" if record["crop"] == "none" else f"{record['crop']} or none"
    return (
        f"{output}: {record['num_images']:,} images{left_out} of {size}x{size} pixels, digest "
        f"{record['images_digest']}. Train on them with --config.data.source={output}, where "
        f"config.data.crop is {crops}."
    )
