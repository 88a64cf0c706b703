"""Writes samples of an exported generator: images as PNG files, lines as one text file.

    python tools/sample.py exported/svhn --count 64 --output samples/
"""

import pathlib

import PIL.Image

from tf_ttur import command, files
from tf_ttur.errors import UserError


def main():
    parser = command.parser(__doc__)
    parser.add_argument("export", metavar="EXPORT", help="the folder that tools/export.py wrote")
    parser.add_argument("--count", type=command.positive, default=64, help="number of samples [64]")
    parser.add_argument("--seed", type=command.seed, default=0, help="sample i is a function of the seed and i [0]")
    parser.add_argument("--output", required=True, metavar="DIR")
    command.add_trust_argument(parser)
    arguments = parser.parse_args()
    command.start_tensorflow()
    from tf_ttur.data.exported import Exported

    output = pathlib.Path(arguments.output)
    if output.exists() and any(output.iterdir()):
        raise UserError(f"{output} is not empty", "a new folder, so that it holds these samples alone", "remove it or choose another --output")
    generator = Exported(arguments.export, arguments.trust)
    samples = generator.sample(arguments.count, arguments.seed).numpy()
    if generator.makes == "lines":
        with files.atomic(output / "lines.txt") as file:
            file.write(b"".join(line + b"\n" for line in samples))
    else:
        digits = len(str(arguments.count - 1))
        for number, image in enumerate(samples):
            with files.atomic(output / f"{number:0{digits}d}.png") as file:
                PIL.Image.fromarray(image).save(file, "PNG")
    print(f"{output}: {arguments.count} {generator.makes}")


if __name__ == "__main__":
    command.run(main)
