"""Writes images of an exported generator as PNG files.

    python tools/sample.py exported/svhn --count 64 --output samples/
"""

import pathlib

import PIL.Image

from tf_ttur import command, files
from tf_ttur.errors import UserError


def main():
    parser = command.parser(__doc__)
    parser.add_argument("export", metavar="EXPORT", help="the folder that tools/export.py wrote")
    parser.add_argument("--count", type=command.positive, default=64, help="number of images [64]")
    parser.add_argument("--seed", type=command.seed, default=0, help="image i is a function of the seed and i [0]")
    parser.add_argument("--output", required=True, metavar="DIR")
    arguments = parser.parse_args()
    command.start_tensorflow()
    from tf_ttur.data import sources

    output = pathlib.Path(arguments.output)
    if output.exists() and any(output.iterdir()):
        raise UserError(f"{output} is not empty", "a new folder, so that it holds these images alone", "remove it or choose another --output")
    generator = sources.open_generator(arguments.export, arguments.count, arguments.seed)
    digits = len(str(arguments.count - 1))
    for number, image in enumerate(generator.in_order().as_numpy_iterator()):
        with files.atomic(output / f"{number:0{digits}d}.png") as file:
            PIL.Image.fromarray(image).save(file, "PNG")
    print(f"{output}: {arguments.count} images")


if __name__ == "__main__":
    command.run(main)
