"""Files that are either whole or not there, and where this project keeps what can be made again."""

import contextlib
import errno
import importlib.metadata
import json
import lzma
import os
import pathlib
import socket
import struct
import tarfile
import tempfile
import tokenize
import zipfile
import zlib

from tf_ttur.errors import UserError

try:
    import fcntl
except ImportError:  # Windows: there folders are not locked
    fcntl = None

# What NumPy, zipfile and tarfile raise for a file that is damaged or of another kind.
UNREADABLE = (
    *(
        OSError,
        ValueError,
        TypeError,
        AttributeError,
        EOFError,
        RuntimeError,
        IndexError,
        OverflowError,
        MemoryError,
        SyntaxError,
    ),
    *(
        zlib.error,
        lzma.LZMAError,
        struct.error,
        tokenize.TokenError,
        zipfile.BadZipFile,
        tarfile.TarError,
    ),
)

# A file may unpack to this many bytes, or to this many times what it takes on disk, whichever is
# more.
FREE_BYTES, MOST_TIMES = 2**30, 100


def cache_dir():
    """The folder of the network and of reference statistics: `TF_TTUR_CACHE`, or tf_ttur in the
    user's cache.
    """
    if folder := os.environ.get("TF_TTUR_CACHE"):
        return pathlib.Path(folder)
    return (
        pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "tf_ttur"
    )


@contextlib.contextmanager
def atomic(path, mode="wb"):
    """Opens a temporary file that becomes `path` only if the block ends without an error (fsync,
    then rename).
    """
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, mode) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, path)
        to_disk(path.parent)
    except BaseException:
        pathlib.Path(temporary).unlink(missing_ok=True)
        raise


def to_disk(path):
    """Waits until the system has written a file or folder, so that a loss of power does not empty
    what has its name already.
    """
    if os.name == "nt" and os.path.isdir(path):
        return  # Windows opens no folders
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def check_writable(path):
    """Makes sure, before long work, that `path` can be written: raises `OSError` if not."""
    folder = pathlib.Path(path).parent
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=folder, prefix=f".{pathlib.Path(path).name}."):
        pass


def _umask():
    mask = os.umask(0)
    os.umask(mask)
    return mask


def walk(path):
    """As `os.walk`: links are followed, hidden folders are left out.

    Raises:
      UserError: a link leads back to where the walk came from, so that it would not end.
    """
    for folder, folders, names in os.walk(path, followlinks=True):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for link in (
            pathlib.Path(folder, name)
            for name in folders
            if os.path.islink(os.path.join(folder, name))
        ):
            above = [parent for parent in link.parents if parent.is_relative_to(path)]
            if os.path.realpath(link) in map(os.path.realpath, above):
                raise UserError(
                    f"the link {link} leads back to a folder that it is in",
                    "links to other places",
                    "remove it",
                )
        yield folder, folders, names


def check_unpacked_sizes(name, archive):
    """Refuses, before anything is unpacked, a zip with a member that would become far larger than
    it is on disk.

    Also one that is packed by bzip2 or LZMA: of these Python unpacks more than the directory says.

    Args:
      name: how messages call it.
      archive: the open `zipfile.ZipFile`.

    Raises:
      UserError: naming the member.
    """
    for member in archive.infolist():
        check_packing(name, member)
        most = max(FREE_BYTES, MOST_TIMES * member.compress_size)
        if member.file_size > most:
            found = f"{member.filename} of {name} takes {member.compress_size:,} bytes, and {member.file_size:,} when it is unpacked"
            raise UserError(
                found,
                f"at most {most:,}",
                "do not use this file; or, if it is yours, write it without compression",
            )


def check_packing(name, member):
    """Refuses a `zipfile.ZipInfo` that is neither stored nor deflated. Raises `UserError`."""
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        found = f"{member.filename} of {name} is packed in another way"
        raise UserError(found, "a zip whose files are stored or deflated", "pack it anew")


def read_json_lines(path, columns=None):
    """The objects of a file with one JSON object a line, and the number of lines that are none.

    Nor is a line one that lacks one of `columns`, a {key: type or types of its value}; True and
    False are of no type.
    """
    lines, objects = pathlib.Path(path).read_text(errors="replace").splitlines(), []
    for line in lines:
        with contextlib.suppress(ValueError):
            found = json.loads(line)
            if isinstance(found, dict) and all(
                _is_of(found.get(key, ...), types) for key, types in (columns or {}).items()
            ):
                objects.append(found)
    return objects, len(lines) - len(objects)


def _is_of(value, types):
    return isinstance(value, types) and not isinstance(value, bool)


def lock(path):
    """Takes a file for this process alone, until it ends or closes the file that is returned.

    Raises:
      UserError: another process has it.
    """
    file = open(path, "a+")  # noqa: SIM115  stays open
    if not take(file):
        file.seek(0)
        owner = file.read().strip() or "another process"
        file.close()
        found, cure = (
            f"{pathlib.Path(path).parent} is in use by {owner}",
            "wait for its end, or choose another folder",
        )
        raise UserError(found, "one process at a time", cure)
    file.truncate(0)
    file.write(f"process {os.getpid()} on {socket.gethostname()}")
    file.flush()
    return file


def take(file):
    """Whether an open file is this process' alone from now on. True also on Windows and file
    systems without locks.
    """
    if fcntl:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            return error.errno not in (errno.EWOULDBLOCK, errno.EACCES)
    return True


def version(package="tf_ttur"):
    """The installed version of a package, or "not installed" (tf_ttur itself may run from its
    source folder).
    """
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"
