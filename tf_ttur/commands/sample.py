"""Writes samples of an exported generator: images as PNG files, lines as one text file.

tf-ttur sample exported/svhn --count 64 --output samples/
"""

import pathlib
from collections.abc import Sequence

import PIL.Image

from tf_ttur.commands import flags, program
from tf_ttur.errors import UserError
from tf_ttur.io import files


def main(words: Sequence[str]) -> None:
    parser = flags.parser(__doc__, "sample")
    parser.add_argument("export", metavar="EXPORT", help="the folder that tf-ttur export wrote")
    parser.add_argument("--count", type=flags.positive, default=64, help="number of samples [64]")
    parser.add_argument(
        "--seed", type=flags.seed, default=0, help="sample i is a function of the seed and i [0]"
    )
    parser.add_argument("--output", required=True, metavar="DIR")
    flags.add_trust(parser)
    arguments = parser.parse_args(words)
    program.start_tensorflow()
    from tf_ttur.data.exported import Exported

    output = pathlib.Path(arguments.output)
    if output.exists() and any(output.iterdir()):
        raise UserError(
            f"{output} is not empty",
            "a new folder, so that it holds these samples alone",
            "remove it or choose another --output",
        )
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
