"""Writes samples of an exported generator: images as PNG files, lines as one text file.

    tf-ttur sample exported/svhn --count 64 --output samples/

The same seed always gives the same samples, whatever their number.
"""

from collections.abc import Sequence

from tf_ttur.commands import flags, program
from tf_ttur.data import samples


def main(words: Sequence[str]) -> None:
    """Runs the command with these arguments."""
    parser = flags.parser(__doc__, "sample")
    parser.add_argument("export", metavar="EXPORT", help="the folder that tf-ttur export wrote")
    parser.add_argument("--output", required=True, metavar="DIR", help="a new folder")
    group = parser.add_argument_group("the samples")
    group.add_argument("--count", type=flags.positive, default=64, help="number of samples [64]")
    group.add_argument(
        "--seed", type=flags.seed, default=0, help="sample i is a function of the seed and i [0]"
    )
    flags.add_trust(parser)
    arguments = parser.parse_args(words)
    output = samples.check_new(arguments.output)
    program.start_tensorflow()
    from tf_ttur.data.exported import Exported

    generator = Exported(arguments.export, arguments.trust)
    drawn = generator.sample(arguments.count, arguments.seed).numpy()
    write = samples.write_lines if generator.makes == "lines" else samples.write_images
    write(drawn, output)
    print(f"{output}: {arguments.count} {generator.makes}")
