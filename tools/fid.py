"""Fréchet Inception Distance between two sets of images.

    python tools/fid.py SOURCE REFERENCE [--json]

Each is a folder or zip of images, an .npy or .npz of uint8 images, an .npz of statistics (also of the official tool or of
pytorch-fid), tfds:NAME/SPLIT, digits:N, config:configs/svhn.py, or an exported generator. Only with the original network
is the value called fid; any other network stands in its name.
"""

import json

from tf_ttur import command


def main():
    parser = command.parser(__doc__)
    parser.add_argument("source", metavar="SOURCE")
    parser.add_argument("reference", metavar="REFERENCE")
    parser.add_argument("--json", action="store_true", help="print one JSON object with the provenance of both sides")
    parser.add_argument("--count", type=command.positive, default=50_000, help="images of an exported generator [50000]")
    parser.add_argument("--seed", type=command.seed, default=0, help="of an exported generator [0]")
    command.add_network_arguments(parser)
    arguments = parser.parse_args()
    command.start_tensorflow()
    from tf_ttur import inputs
    from tf_ttur.data.images import Images
    from tf_ttur.metrics import inception, statistics
    from tf_ttur.training import evaluation

    # Both sides are opened and checked before the long work on either.
    words = (arguments.source, arguments.reference)
    sides = [inputs.open_side(word, arguments.count, arguments.seed) for word in words]
    if any(isinstance(side, Images) for side in sides):
        network = inception.load(arguments.inception, arguments.precision)
        for side in sides:
            if isinstance(side, statistics.Statistics):
                statistics.check(side, network)
        sides = [evaluation.image_statistics(side, network, arguments.batch_size) if isinstance(side, Images) else side for side in sides]
    value = statistics.distance(*sides)
    name = inception.metric_name(next((side.provenance["network"] for side in sides if side.provenance), "unknown"))
    counts = [side.provenance.get("num_images") for side in sides]
    if arguments.json:
        result = {"metric": name, "value": value, "source": sides[0].provenance, "reference": sides[1].provenance}
        print(json.dumps({**result, "names": list(words)}))
    else:
        print(f"{name} {value:.4f}  ({words[0]}: {counts[0] or 'unknown'} images, {words[1]}: {counts[1] or 'unknown'} images)")


if __name__ == "__main__":
    command.run(main)
