"""The formats in which a generator is exported, known before TensorFlow is imported."""

import dataclasses
import importlib.util
import pathlib
from collections.abc import Callable

from tf_ttur.errors import UserError
from tf_ttur.io import outputs
from tf_ttur.io.paths import PathLike

SAVED_MODEL = "savedmodel"
HUB = "hf"  # a SavedModel with a model card
FOLDERS = (SAVED_MODEL, HUB)
PRODUCER = "tf_ttur"  # who wrote an ONNX file, as the file says
_HEAD_BYTES = 64  # they hold the marks of both formats


@dataclasses.dataclass(frozen=True)
class Format:
    """A format of one file.

    Attributes:
      suffix: of the file's name.
      kind: what the file is, with an article.
      is_own: function of the first bytes of a file; whether it is of this kind.
      convert: `module:object` of the function that makes the file's content.
      needs: module that must be installed, and the extra that installs it; None needs no other.
    """

    suffix: str
    kind: str
    is_own: Callable[[bytes], bool]
    convert: str
    needs: tuple[str, str] | None = None


FILES = {
    "tflite": Format(
        ".tflite",
        "a TFLite file",
        lambda head: head[4:8] == b"TFL3",
        "tf_ttur.training.conversion:tflite",
    ),
    "onnx": Format(
        ".onnx",
        "an ONNX file that tf-ttur wrote",
        lambda head: PRODUCER.encode() in head,
        "tf_ttur.training.conversion:onnx",
        needs=("tf2onnx", "onnx"),
    ),
}
NAMES = (*FOLDERS, *FILES)


def check_output(name: str, word: PathLike, overwrite: bool = False) -> pathlib.Path:
    """The path of an export that may be written.

    Args:
      name: of the format, one of `NAMES`.
      word: the name of the file or folder that the user gave.
      overwrite: whether any existing file may be replaced; without effect for a folder.

    Raises:
      UserError: it may not be written, or what the format needs is not installed.
    """
    if name in FOLDERS:
        return outputs.check_folder(word)
    chosen = FILES[name]
    if chosen.needs and importlib.util.find_spec(chosen.needs[0]) is None:
        module, extra = chosen.needs
        raise UserError(
            f"--format {name} without {module}",
            f"the extra `{extra}`",
            f"pip install -e .[{extra}]",
        )

    def is_own(path: pathlib.Path) -> bool:
        with path.open("rb") as file:
            return chosen.is_own(file.read(_HEAD_BYTES))

    return outputs.check_file(word, [chosen.suffix], chosen.kind, is_own, overwrite=overwrite)
