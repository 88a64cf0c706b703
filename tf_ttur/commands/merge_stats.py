"""Merges the statistics of all shards of a data set into one file.

    tf-ttur merge-stats stats.*-of-16.npz --output stats.npz

Up to rounding, the result equals the statistics of all images computed at once.
"""

from collections.abc import Sequence

from tf_ttur.commands import flags
from tf_ttur.metrics import statistics
from tf_ttur.wording import counted


def main(words: Sequence[str]) -> None:
    """Runs the command with these arguments."""
    parser = flags.parser(__doc__, "merge-stats")
    parser.add_argument(
        "parts", metavar="FILE.npz", nargs="+", help="the files that tf-ttur stats --shard wrote"
    )
    parser.add_argument("--output", required=True, metavar="FILE.npz", help="the file to write")
    flags.add_overwrite(parser)
    arguments = parser.parse_args(words)
    output = statistics.check_output(
        arguments.output, sources=arguments.parts, overwrite=arguments.overwrite
    )
    merged = statistics.merge([statistics.load(part) for part in arguments.parts])
    merged.save(output, overwrite=True)  # as it has been checked
    print(f"{output}: {counted(merged.provenance['num_images'], 'image')}")
