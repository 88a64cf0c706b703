"""What makes a zip or a tarball safe to read. No archive is ever unpacked to disk."""

import contextlib
import gzip
import os
import stat
import tarfile
import zipfile
from collections.abc import Iterator
from typing import IO, cast

from tf_ttur.errors import UserError

# A file may unpack to FREE_BYTES, or to MOST_TIMES its size on disk, whichever is more.
FREE_BYTES = 2**30
MOST_TIMES = 100

_BLOCK_BYTES = 2**20  # of a tarball that are read at a time


def check_member_name(archive: str | os.PathLike[str], name: str) -> None:
    """Refuses a name inside an archive that would lead out of the folder it is unpacked in.

    Args:
      archive: how messages call the archive.
      name: of the member.

    Raises:
      UserError: naming the archive and the member.
    """
    parts = name.replace("\\", "/").split("/")
    has_drive = parts[0][1:] == ":"
    if not parts[0] or has_drive or ".." in parts:
        raise UserError(
            f"{archive} has the member {name}",
            "members inside the folder that the archive is unpacked in",
            "do not unpack this archive; fetch or make another one",
        )


def check_zip_member(archive: str, member: zipfile.ZipInfo, most_bytes: int | None = None) -> None:
    """Refuses a member of a zip that is not a plain file below the zip's folder.

    Args:
      archive: how messages call the zip.
      member: its entry in the directory.
      most_bytes: what it may unpack to; None sets no limit.

    Raises:
      UserError: naming the member.
    """
    check_member_name(archive, member.filename)
    check_packing(archive, member)
    if stat.S_ISLNK(member.external_attr >> 16):
        raise UserError(
            f"{archive} has the link {member.filename}",
            "plain files",
            "make the zip again with the files themselves",
        )
    if most_bytes is not None and member.file_size > most_bytes:
        raise UserError(
            f"{member.filename} of {archive} takes {member.file_size:,} bytes when it is unpacked",
            f"a file of at most {most_bytes:,} bytes",
            "do not use this zip, or leave that file out",
        )


def check_packing(archive: str | os.PathLike[str], member: zipfile.ZipInfo) -> None:
    """Refuses a member of a zip that is neither stored nor deflated.

    Of bzip2 and LZMA, Python unpacks more than the directory says.

    Raises:
      UserError: naming the member.
    """
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise UserError(
            f"{member.filename} of {archive} is packed in another way",
            "a zip whose files are stored or deflated",
            "pack it again",
        )


def check_unpacked_sizes(name: str | os.PathLike[str], archive: zipfile.ZipFile) -> None:
    """Refuses, before anything is unpacked, a zip with a member that would become far larger than
    it is on disk, or that is packed in a way that hides its size.

    Args:
      name: how messages call the zip.
      archive: the open zip.

    Raises:
      UserError: naming the member.
    """
    for member in archive.infolist():
        check_packing(name, member)
        most_bytes = max(FREE_BYTES, MOST_TIMES * member.compress_size)
        if member.file_size > most_bytes:
            raise UserError(
                f"{member.filename} of {name} takes {member.compress_size:,} bytes, "
                f"and {member.file_size:,} when it is unpacked",
                f"at most {most_bytes:,}",
                "do not use this file; or, if it is yours, write it without compression",
            )


def check_tar_member(
    archive: str | os.PathLike[str],
    member: tarfile.TarInfo,
    name: str | os.PathLike[str],
    most_bytes: int | None = None,
) -> None:
    """Refuses a member of a tarball that is a link or a device, or too large.

    Args:
      archive: how messages call the tarball.
      member: its header.
      name: how messages call the member.
      most_bytes: what it may hold; None sets no limit.

    Raises:
      UserError: naming the member.
    """
    if not member.isreg():
        raise UserError(
            f"{archive} has a {name} that is a link or a device",
            "a plain file",
            "fetch the archive again",
        )
    if most_bytes is not None and member.size > most_bytes:
        raise UserError(
            f"{archive} has a {name} of {member.size:,} bytes",
            f"at most {most_bytes:,}",
            "fetch the archive again",
        )


@contextlib.contextmanager
def open_tar(path: str | os.PathLike[str]) -> Iterator[tarfile.TarFile]:
    """Opens a tarball, plain or gzipped, whose members are read from front to end.

    When the block ends, the rest is read too: tarfile by itself takes a damaged member for the
    end, and stops before gzip's checksum.

    Raises:
      Exception: one of `files.UNREADABLE` where the tarball is damaged or cut off.
    """
    with open(path, "rb") as file:
        is_gzipped = file.peek(2).startswith(b"\x1f\x8b")
        content = gzip.GzipFile(fileobj=file) if is_gzipped else file
        with tarfile.open(fileobj=content, mode="r|", bufsize=_BLOCK_BYTES) as archive:
            yield archive
            for _ in archive:  # members that the block has not read
                pass
            _check_end(cast(IO[bytes], archive.fileobj))


def _check_end(stream: IO[bytes]) -> None:
    """Reads what follows the first empty block, which must be empty as well."""
    end_bytes = 0
    while block := stream.read(_BLOCK_BYTES):
        end_bytes += len(block)
        if block.strip(b"\0"):
            raise tarfile.ReadError("a member is damaged")
    if end_bytes < tarfile.BLOCKSIZE:  # the second of the two empty blocks that end every tar
        raise tarfile.ReadError("its end is missing")
