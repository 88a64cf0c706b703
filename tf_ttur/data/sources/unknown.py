"""What a file or folder is that is no source, for the message that refuses it.

This file imports no TensorFlow.
"""

import pathlib

from tf_ttur.data import formats, pickles, published_archives
from tf_ttur.data.sources.source import PREPARED_RECORD
from tf_ttur.errors import UserError

_START_BYTES = 512

_UNPACK = "unpack it, and name the folder or tarball inside"
# What a file starts with, or holds at this position: (bytes, position, what it is, what to do).
_KINDS: tuple[tuple[bytes, int, str, str], ...] = (
    (b"PK\3\4", 0, "a zip", "rename it so that it ends in .zip, or in .npz if NumPy wrote it"),
    (b"\x93NUMPY", 0, "an array of NumPy", "rename it so that it ends in .npy"),
    (b"ustar", 257, "a tarball", "rename it so that it ends in .tar"),
    (
        b"\x1f\x8b",
        0,
        "compressed with gzip",
        f"if it is a tarball, rename it to .tar.gz; {_UNPACK}",
    ),
    (b"BZh", 0, "compressed with bzip2", _UNPACK),
    (b"\xfd7zXZ", 0, "compressed with xz", _UNPACK),
    (b"\x28\xb5\x2f\xfd", 0, "compressed with zstd", _UNPACK),
    (b"7z\xbc\xaf", 0, "a 7z archive", _UNPACK),
    (b"Rar!", 0, "a RAR archive", _UNPACK),
    (b"\x89HDF", 0, "an HDF5 file", "save its images with numpy.save(file, images)"),
    (b"PAR1", 0, "a Parquet file", "save its images as files, or as one .npy"),
)
# {file that a folder of this kind holds: what the folder is}
_FOLDERS = {
    "saved_model.pb": "an exported generator",
    PREPARED_RECORD: "a prepared folder",
    "data.mdb": "an LMDB",
}
_EXPORT = "export"  # in a run folder; this and the next line: as `runs` names them
_IN_RUN = ("metrics.jsonl", "checkpoints")  # one of them beside config.json
_ENDINGS = (".zip", ".npz", ".npy", ".mat", *published_archives.TARS)
_MAX_LOOKED_AT = 1000  # files and folders, when a source is looked for inside a folder


def refusal(word: str, path: pathlib.Path, forms: str) -> UserError:
    """The error that says what a file is.

    Args:
      word: as the user gave it.
      path: the file, which exists.
      forms: the words that are taken.
    """
    try:
        with open(path, "rb") as file:
            start = file.read(_START_BYTES)
    except OSError as error:
        return UserError(f"{word} cannot be read ({error})", forms, "make it readable")
    if pickles.is_pickle(start):
        return pickles.refusal(word, path)
    for magic, position, what, cure in _KINDS:
        if start.startswith(magic, position):
            return UserError(f"{word} is {what}", forms, cure)
    name = formats.format_of(start)
    if name in formats.FORMATS:
        return UserError(
            f"{word} is one image ({name}): a distance or a training needs sets of images",
            forms,
            "name the folder that it is in",
        )
    if not start:
        return UserError(f"{word} is empty", forms, "download or create it again")
    other = f" ({name})" if name else ""
    return UserError(
        f"{word} is a file of another kind{other}", forms, "convert it to one of these"
    )


def refuse_run(folder: pathlib.Path) -> None:
    """Refuses a run folder where its exported generator may be meant.

    Its grids of samples would be taken for images.

    Raises:
      UserError: it is one; the message names the export, if there is one.
    """
    is_run = (folder / "config.json").is_file() and any(
        (folder / name).exists() for name in _IN_RUN
    )
    if is_run:
        export = folder / _EXPORT
        cure = f"name {export}" if export.is_dir() else f"tf-ttur export {folder} --output DIR"
        raise UserError(f"{folder} is a run folder", "its exported generator", cure)


def refusal_of_pattern(word: str, path: pathlib.Path) -> UserError:
    """The error for a word such as photos/*.jpg, which names no file."""
    if path.name.lower().endswith(published_archives.TARS):
        cure = "name the tarballs by their numbers, as in 'X-{000..009}.tar'"
    else:
        cure = f"name the folder {path.parent}/ instead"
    return UserError(
        f"{word} does not exist, and patterns of files are not read",
        "a folder of images, or another form that --help lists",
        cure,
    )


def source_inside(folder: pathlib.Path) -> str:
    """What to name in the place of a folder that holds no images; "" if nothing is found inside.

    Args:
      folder: it and the folders inside, one level down, are looked through.
    """
    looked_at = 0
    for path in _below(folder):
        looked_at += 1
        if looked_at > _MAX_LOOKED_AT:
            break
        if path.is_file():
            if path.name.lower().endswith(_ENDINGS):
                return f"name the file {path}"
            continue
        if published_archives.is_cifar10(path):
            return f"name {path}, which holds CIFAR-10"
        for name, what in _FOLDERS.items():
            if (path / name).is_file():
                return f"name {path}, which is {what}"
        if word := _tfds_word(path):
            return word
    return ""


def _below(folder: pathlib.Path) -> list[pathlib.Path]:
    """A folder, then what it holds, then what its folders hold."""
    try:
        first = sorted(folder.iterdir())
        second = [path for inner in first if inner.is_dir() for path in sorted(inner.iterdir())]
    except OSError:
        return [folder]
    return [folder, *first, *second]


def _tfds_word(path: pathlib.Path) -> str:
    """How to name a data set of TFDS that lies in this folder; "" if there is none."""
    if not ((path / "dataset_info.json").is_file() and (path / "features.json").is_file()):
        return ""
    version = path.absolute()
    name = version.parent.name
    data_dir = version.parent.parent
    # TFDS keeps metadata in such a folder beside the configurations of a data set.
    if (data_dir / ".config").is_dir():
        name = f"{data_dir.name}/{name}"
        data_dir = data_dir.parent
    return (
        f"{path} is a data set of TFDS: set TFDS_DATA_DIR={data_dir}, "
        f"and name tfds:{name}:{version.name}/train"
    )
