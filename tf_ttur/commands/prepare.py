"""Prepares the data of an experiment once: converts a download to what training reads.

    tf-ttur prepare celeba --input img_align_celeba.zip         # writes data/celeba, and so on
    tf-ttur prepare lsun --input bedroom_train_lmdb
    tf-ttur prepare svhn --input train_32x32.mat
    tf-ttur prepare cifar10 --input cifar-10-binary.tar.gz
    tf-ttur prepare billion_word \\
        --input 1-billion-word-language-modeling-benchmark-r13output.tar.gz
    tf-ttur prepare images --input photos/                      # your own, for the card images

A training of the card that is started in the same folder takes what is in data/NAME.

CelebA is cropped to the centre 108x108 pixels, LSUN and your own images to the centre square; all
three are resized to 64x64. SVHN and CIFAR-10 keep their 32x32 pixels. For images, --input takes any
SOURCE below except config:CARD.

If interrupted, run it again: image preparation resumes, text preparation starts over and takes
about a minute.
"""

import argparse
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

from tf_ttur.commands import flags, program
from tf_ttur.data import downloads, sources
from tf_ttur.io import outputs
from tf_ttur.wording import counted


def main(words: Sequence[str]) -> None:
    """Runs the command with these arguments."""
    arguments = _parser().parse_args(words)
    _check_together(arguments)
    output = arguments.output
    output = outputs.check_folder(f"data/{arguments.data_set}" if output is None else output)
    program.start_tensorflow()
    if arguments.data_set == "billion_word":
        from tf_ttur.data import text

        print(text.prepare(arguments.input, output, arguments.files or text.FILES))
        return
    from tf_ttur.data import prepare

    record = prepare.prepare(
        arguments.data_set,
        arguments.input,
        output,
        crop=arguments.crop,
        size=arguments.size,
        trust_pickle=arguments.trust_pickle,
        skip_unreadable=arguments.skip_unreadable,
        jpeg_quality=arguments.jpeg or 0,
        background=arguments.background,
        depth=arguments.depth,
    )
    print(_describe(record, output))


def _parser() -> flags.Parser:
    parser = flags.parser(__doc__, "prepare")
    parser.add_argument(
        "data_set",
        choices=("celeba", "lsun", "svhn", "cifar10", "billion_word", "images"),
        help="a data set of the paper, or images for your own",
    )
    parser.add_argument(
        "--input", required=True, metavar="SOURCE", help="the download, or another source"
    )
    parser.add_argument(
        "--output", metavar="DIR", help="the folder to write [data/NAME, with the data set's name]"
    )
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
        "--jpeg",
        type=_quality,
        metavar="QUALITY",
        help="compress each image to JPEG at this quality, 1 to 100, and store what it decodes to; "
        "the original code read 64x64 JPEGs of CelebA and LSUN [no compression]",
    )
    images.add_argument(
        "--trust-pickle",
        action="store_true",
        help="read the Python version of CIFAR-10, which consists of pickles",
    )
    images.add_argument(
        "--skip-unreadable",
        action="store_true",
        help="leave out images that cannot be decoded as RGB, and name them",
    )
    flags.add_conversion(images)
    lines = parser.add_argument_group("billion_word")
    lines.add_argument("--files", metavar="GLOB", help="names of the shards [news.en-*]")
    flags.append_sources(parser)
    flags.append_table(parser, "Where the data sets of the paper are", downloads.describe())
    return parser


def _crop(text: str) -> str:
    """A type for `argparse`: none, square, or a side in pixels."""
    if text not in ("none", "square") and not (text.isdecimal() and int(text) > 0):
        raise argparse.ArgumentTypeError(f"{text} is not none, square or a number of pixels")
    return text


def _quality(text: str) -> int:
    """A type for `argparse`: 1 ... 100."""
    if not (text.isdecimal() and 1 <= int(text) <= 100):
        raise argparse.ArgumentTypeError(f"{text} is not a JPEG quality of 1 to 100")
    return int(text)


def _check_together(arguments: flags.Arguments) -> None:
    """Refuses flags for images with billion_word, and `--files` with images."""
    if arguments.data_set == "billion_word":
        flags.refuse_unused(
            arguments,
            [
                *("--crop", "--size", "--jpeg", "--trust-pickle", "--skip-unreadable"),
                *("--background", "--depth"),
            ],
            "is an option for images, and billion_word consists of lines",
            "--input, --output and --files",
        )
        return
    flags.refuse_unused(
        arguments,
        ["--files"],
        f"with {arguments.data_set}",
        "billion_word",
        "leave it out; --input names the images",
    )
    flags.refuse_unused_by(arguments, [(arguments.input, sources.options_of(arguments.input))])


def _describe(record: Mapping[str, Any], output: pathlib.Path) -> str:
    """What has been prepared, and how to train on it.

    Args:
      record: as `prepare.prepare` returns it.
      output: the prepared folder.
    """
    size = record["size"]
    left_out = f" ({len(record['skipped']):,} left out)" if record["skipped"] else ""
    crops = "none" if record["crop"] == "none" else f"{record['crop']} or none"
    if "jpeg_quality" in record:
        crops += f" and config.data.jpeg_quality is {record['jpeg_quality']}"
    name = record["data_set"]
    found = f" The card {name} finds them." if output == pathlib.Path("data", name) else ""
    return (
        f"{output}: {counted(record['num_images'], 'image')}{left_out} of {size}x{size} pixels, "
        f"digest {record['images_digest']}. Train on them with "
        f"--config.data.source={output}, where config.data.crop is {crops}.{found}"
    )
