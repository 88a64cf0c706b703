"""Checks that make a zip or a tarball safe to read. No archive is ever unpacked to disk."""

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
_GZIP = b"\x1f\x8b"  # the first bytes of a file that gzip compressed


def check_member_name(archive: str | os.PathLike[str], name: str) -> None:
    """Refuses a member whose name points outside the folder that the archive is unpacked in.

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
            "do not unpack this archive; download or create another one",
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

    With bzip2 and LZMA, Python may unpack more bytes than the zip's directory declares.

    Raises:
      UserError: naming the member.
    """
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise UserError(
            f"{member.filename} of {archive} is compressed by an unsupported method",
            "a zip whose files are stored or deflated",
            "create the zip again",
        )


def check_unpacked_sizes(name: str | os.PathLike[str], archive: zipfile.ZipFile) -> None:
    """Refuses a zip bomb before anything is unpacked.

    That is a zip with a member that would unpack to far more than its size on disk, or whose
    compression method hides its size.

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
            "download the archive again",
        )
    if most_bytes is not None and member.size > most_bytes:
        raise UserError(
            f"{archive} has a {name} of {member.size:,} bytes",
            f"at most {most_bytes:,}",
            "download the archive again",
        )


def is_gzipped(path: str | os.PathLike[str]) -> bool:
    """Whether a file is compressed with gzip, by its content."""
    with open(path, "rb") as file:
        return file.read(len(_GZIP)) == _GZIP


def members_of_plain_tar(path: str | os.PathLike[str]) -> Iterator[tarfile.TarInfo]:
    """The members of a tarball that is not compressed. Their contents are skipped, not read.

    `offset_data` of a member says where its content begins in the file.

    Raises:
      Exception: one of `files.UNREADABLE` if a header is damaged, or the end is missing.
    """
    end = 0
    with open(path, "rb") as file:
        with tarfile.open(fileobj=file, mode="r:") as archive:
            for member in archive:
                has_content = member.isreg() or member.type not in tarfile.SUPPORTED_TYPES
                num_blocks = -(-member.size // tarfile.BLOCKSIZE) if has_content else 0
                end = member.offset_data + num_blocks * tarfile.BLOCKSIZE
                # There may be millions, of which tarfile would keep every one.
                archive.members = []  # type: ignore[attr-defined]  # as its type is unknown
                yield member
        file.seek(end)
        _check_end(file)


@contextlib.contextmanager
def open_tar(path: str | os.PathLike[str]) -> Iterator[tarfile.TarFile]:
    """Opens a tarball, plain or gzipped, whose members are read from front to end.

    When the block ends, the rest of the file is read too. Otherwise damage could pass unnoticed:
    tarfile takes a damaged member for the end of the archive, and does not read gzip's checksum.

    Raises:
      Exception: one of `files.UNREADABLE` if the tarball is damaged or truncated.
    """
    with open(path, "rb") as file:
        compressed = file.peek(len(_GZIP)).startswith(_GZIP)
        content = gzip.GzipFile(fileobj=file) if compressed else file
        with tarfile.open(fileobj=content, mode="r|", bufsize=_BLOCK_BYTES) as archive:
            yield archive
            for _ in archive:  # members that the block has not read
                pass
            _check_end(cast(IO[bytes], archive.fileobj))


def _check_end(stream: IO[bytes]) -> None:
    """Reads what follows the first empty block, and refuses anything but empty blocks."""
    end_bytes = 0
    while block := stream.read(_BLOCK_BYTES):
        end_bytes += len(block)
        if block.strip(b"\0"):
            raise tarfile.ReadError("a member is damaged")
    if end_bytes < tarfile.BLOCKSIZE:  # the second of the two empty blocks that end every tar
        raise tarfile.ReadError("its end is missing")
