"""Where the file of the Inception network is: named by the user, in the cache, or downloaded."""

import hashlib
import http
import http.client
import os
import pathlib
import tarfile
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import IO, Any

from tf_ttur.errors import UserError
from tf_ttur.io import cache, console, files, paths

GRAPH_FILE = "classify_image_graph_def.pb"
ARCHIVE_FILE = "inception-2015-12-05.tgz"
ARCHIVE_URL = f"https://download.tensorflow.org/models/image/imagenet/{ARCHIVE_FILE}"

# Size in bytes and git-blob SHA-1: the digests under which the files are publicly known.
ARCHIVE = (88_931_400, "c0b8db7a2feaf3e26970e968c9bb7452b53e7f32")
ORIGINAL = (95_673_916, "f34cb9b774a4547b5e214ef4202e5775a9c0f436")

# {git-blob SHA-1 of the graph: its name}
NETWORKS = {
    ORIGINAL[1]: "original",
    "63637cff8c4363af7342ba7cbf5b2657c26ca6fe": "stand-in",
}

_MB = 1_000_000
_BLOCK = 2**16  # bytes that are written at a time
_MAX_BYTES = 2**28  # well above the original's 96 MB


def locate(path: str | pathlib.Path | None = None) -> str | pathlib.Path | None:
    """Finds the network without downloading.

    Args:
      path: a `.pb`, the `.tgz`, a folder that holds either, or `hub:HANDLE`; None takes the
        variable `TF_TTUR_INCEPTION` and then the cache.

    Returns:
      A path that exists, or `hub:HANDLE` unchecked; None if only a download can help.

    Raises:
      UserError: the place that was named holds no network.
    """
    named = (os.environ.get("TF_TTUR_INCEPTION") or None) if path is None else path
    if named is not None and str(named).startswith("hub:"):
        return str(named)
    what = "TF_TTUR_INCEPTION" if path is None else "--inception"
    place = cache.folder() if named is None else paths.local(named, what)
    if place.is_file():
        return place
    for name in (GRAPH_FILE, ARCHIVE_FILE):
        if (place / name).is_file():
            return place / name
    if named is not None:
        raise UserError(
            f"no Inception network at {place}",
            f"{GRAPH_FILE}, {ARCHIVE_FILE}, a folder that holds one of them, or hub:HANDLE",
            "correct --inception or TF_TTUR_INCEPTION, or leave both out to download the network",
        )
    return None


def download(timeout_seconds: float = 10) -> pathlib.Path:
    """Downloads the original archive into the cache, checks it, and unpacks the graph.

    What has arrived is kept in the cache as ARCHIVE_FILE.partial. An interrupted download resumes
    from there.

    Args:
      timeout_seconds: how long to wait for an answer of the host.

    Returns:
      The path of the graph.

    Raises:
      UserError: no internet, or a file that is not the original.
    """
    target = cache.folder() / GRAPH_FILE
    cache.once(target, lambda: _download(target, timeout_seconds))
    return target


def _download(target: pathlib.Path, timeout_seconds: float) -> None:
    partial = target.with_name(f"{ARCHIVE_FILE}.partial")
    _fetch(partial, timeout_seconds)
    _check_archive(partial)
    with files.atomic(target) as file:
        file.write(_read_archive(partial))
    partial.unlink()


def read_graph(path: str | pathlib.Path) -> bytes:
    """The bytes of the frozen graph in a `.pb` or in the archive.

    Raises:
      UserError: the file is far larger than the original, or an archive without a graph.
    """
    path = pathlib.Path(path)
    if path.suffix in (".tgz", ".gz", ".tar"):
        return _read_archive(path)
    _check_size(path, path.stat().st_size)
    return path.read_bytes()


def git_blob_sha1(content: bytes) -> str:
    """Hex of the SHA-1 under which git knows a file with this content."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def _check_archive(partial: pathlib.Path) -> None:
    """Removes a download that is not the original archive, and raises `UserError`."""
    size = partial.stat().st_size
    digest = git_blob_sha1(partial.read_bytes())
    if (size, digest) == ARCHIVE:
        return
    partial.unlink()
    raise UserError(
        f"{ARCHIVE_URL} gave {size} bytes with git-blob SHA-1 {digest}",
        f"{ARCHIVE[0]} bytes with {ARCHIVE[1]}",
        "try again; if it stays so, fetch the archive from a source that you trust",
    )


def _fetch(partial: pathlib.Path, timeout_seconds: float) -> None:
    """Completes the file of what has arrived.

    It takes at most one byte more than the archive has; that byte tells that it is another file.
    """
    done = partial.stat().st_size if partial.exists() else 0
    if done >= ARCHIVE[0]:
        return
    after = f", after the {done / 1e6:.0f} MB that are here" if done else ""
    size = f"{ARCHIVE[0] / 1e6:.0f} MB"
    console.say(f"downloading the Inception network ({size}) from {ARCHIVE_URL}{after}")
    try:
        _request(partial, done, timeout_seconds)
    except (OSError, http.client.HTTPException, ValueError) as error:  # URLError is an OSError
        if (
            isinstance(error, urllib.error.HTTPError)
            and error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE
        ):
            partial.unlink(missing_ok=True)  # more than the server has: it is of another file
        raise UserError(
            f"the Inception network is not on this machine and cannot be downloaded ({error})",
            f"{GRAPH_FILE} or {ARCHIVE_FILE} of {ARCHIVE_URL}",
            "try again, which resumes the download; or fetch that file elsewhere, then name it by "
            f"--inception PATH or TF_TTUR_INCEPTION, or put it in {partial.parent}",
        ) from error


def _request(partial: pathlib.Path, done: int, timeout_seconds: float) -> None:
    """Asks for the rest of the archive and appends it; starts over where the host sends all."""
    headers = {"Range": f"bytes={done}-"} if done else {}
    request = urllib.request.Request(ARCHIVE_URL, headers=headers)
    opener = urllib.request.build_opener(_Redirects)
    with opener.open(request, timeout=timeout_seconds) as response:
        content_range = response.headers.get("Content-Range", "")
        resumes = done and response.status == 206 and content_range.startswith(f"bytes {done}-")
        with open(partial, "ab" if resumes else "wb") as file:
            start = file.tell()
            most = ARCHIVE[0] + 1 - start
            status = console.Status("MB of the network", start // _MB, ARCHIVE[0] // _MB, 10)
            with status:
                _copy(response, file, most, lambda: status.show(file.tell() // _MB))
            received = file.tell() - start
    announced = int(response.headers.get("Content-Length") or received)
    if received < min(announced, most):
        raise OSError(f"the connection ended after {received} of {announced} bytes")


def _copy(source: IO[bytes], target: IO[bytes], most: int, on_block: Callable[[], None]) -> None:
    """Copies what comes until its end, at most `most` bytes; calls `on_block` after each block."""
    left = most
    while block := source.read(min(_BLOCK, left)):
        target.write(block)
        left -= len(block)
        on_block()


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows no redirect that would leave https."""

    def redirect_request(
        self, request: Any, file: Any, code: int, message: str, headers: Any, url: str
    ) -> urllib.request.Request | None:
        if not url.startswith("https://"):
            raise urllib.error.URLError(
                f"{request.full_url} redirects to {url}, which is not https"
            )
        return super().redirect_request(request, file, code, message, headers, url)


def _read_archive(path: pathlib.Path) -> bytes:
    """The graph's bytes out of the archive; nothing is extracted to disk."""
    try:
        with tarfile.open(path) as archive:
            for member in archive:
                if member.isfile() and member.name.removeprefix("./") == GRAPH_FILE:
                    _check_size(f"{GRAPH_FILE} of {path}", member.size)
                    return archive.extractfile(member).read()  # type: ignore[union-attr]
    except files.UNREADABLE as error:
        raise UserError(
            f"{path} cannot be read ({error})", ARCHIVE_FILE, "fetch the archive again"
        ) from error
    raise UserError(f"{path} holds no {GRAPH_FILE}", ARCHIVE_FILE, "fetch the archive again")


def _check_size(name: str | pathlib.Path, size: int) -> None:
    if size > _MAX_BYTES:
        raise UserError(
            f"{name} has {size:,} bytes",
            f"{GRAPH_FILE}, of {ORIGINAL[0]:,} bytes",
            "fetch the file again",
        )
