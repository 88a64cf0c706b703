"""Merges the statistics of all shards of a data set into one file.

    python tools/merge_stats.py stats.*-of-16.npz --output stats.npz
"""

from tf_ttur import command, files


def main():
    parser = command.parser(__doc__)
    parser.add_argument("parts", metavar="FILE.npz", nargs="+", help="what tools/precalc_stats.py --shard wrote")
    parser.add_argument("--output", required=True, metavar="FILE.npz")
    arguments = parser.parse_args()
    from tf_ttur.metrics import statistics

    files.check_writable(arguments.output)
    merged = statistics.merge([statistics.load(part) for part in arguments.parts])
    merged.save(arguments.output)
    print(f"{arguments.output}: {merged.provenance['num_images']:,} images")


if __name__ == "__main__":
    command.run(main)
