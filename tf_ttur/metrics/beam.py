"""The extraction of `statistics` by many processes or machines, as an Apache Beam pipeline.

The images are divided by their indices into parts. A worker reads a part in order, in the batches
that a single process would use, so the features are the same; only the sums in the moments round in
another order. The result comes back through a file.
"""

import contextlib
import dataclasses
import io
import logging
import os
import posixpath
import re
import shlex
import sys
import tempfile
import threading
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tf_ttur.data.resizing import cure_of_sizes
from tf_ttur.errors import UserError
from tf_ttur.io import console
from tf_ttur.metrics import beam_worker, extraction, statistics
from tf_ttur.wording import counted

if TYPE_CHECKING:
    from tf_ttur.data.images import Images
    from tf_ttur.metrics.networks import FeatureNetwork

_DISABLED = logging.root.manager.disable
# When it is imported, Beam logs which of its optional parts are missing.
logging.disable(max(_DISABLED, logging.WARNING))
try:
    import apache_beam
    from apache_beam.io.filesystem import CompressionTypes
    from apache_beam.io.filesystems import FileSystems
    from apache_beam.options import pipeline_options
    from apache_beam.runners.portability.fn_api_runner import FnApiRunner
    from apache_beam.runners.runner import create_runner
    from apache_beam.transforms.environments import SubprocessSDKEnvironment
    from apache_beam.utils.shared import Shared
except ImportError as error:
    raise UserError(
        f"Apache Beam cannot be imported ({error})", "the extra `beam`", "pip install -e .[beam]"
    ) from error
finally:
    logging.disable(_DISABLED)

# Batches of a part: what a worker that fails has to do again, and the unit in which the work is
# balanced between workers.
PART_BATCHES = 10

OpenBoth = Callable[[], "tuple[Images, FeatureNetwork]"]
Range = tuple[int, int]  # (first, end) of images


class Part(extraction.Extraction):
    """The unfinished statistics of some of the images; those of other images can be added."""

    def merge(self, other: "Part") -> None:
        """Adds another part. Raises `UserError` if its images have another shape."""
        first = self.image_shape
        second = other.image_shape
        if first is not None and second is not None and first != second:
            found = f"images of shapes {first} and {second} in one set"
            size = min(*first[:2], *second[:2])
            raise UserError(found, "images of one size", cure_of_sizes(size))
        self.image_shape = first or second
        self.moments.merge(other.moments)
        assert self._digest is not None and other._digest is not None  # a part digests its images
        self._digest = (self._digest + other._digest) % 2**256


class Workers:
    """The workers of a Beam runner, which extract features instead of this process.

    With DirectRunner they are processes of this machine, one per core, unless its flags say
    otherwise. All other runners are given Beam's flags as they are, and need --temp_location: a
    folder that the workers and this machine share.
    """

    def __init__(self, open_both: OpenBoth, flags: Sequence[str]) -> None:
        """Reads the flags; nothing is started yet.

        Args:
          open_both: function without arguments that gives (images, network) as `extract` takes
            them. It is pickled, and called once in every worker process, where the same names must
            lead to the same images and network.
          flags: Beam's, the runner among them, as ["--runner=DirectRunner",
            "--direct_num_workers=2"].

        Raises:
          UserError: Beam does not take them, or they lack --temp_location.
        """
        self._open_both = open_both
        name = _parse(flags).view_as(pipeline_options.StandardOptions).runner or "DirectRunner"
        self._local = name.lower() in ("direct", "directrunner")
        self._setup = _set_up_here(flags) if self._local else _set_up_elsewhere(name, flags)
        try:
            self._new_pipeline()
        except ValueError as error:
            raise UserError(
                f"Beam refuses the flags of --runner={name}: {error}",
                "what Beam documents for it",
                "correct them",
            ) from error

    def extract(
        self, images: "Images", network: "FeatureNetwork", batch_size: int, first: int, end: int
    ) -> Part:
        """The `Part` of the images from `first` up to `end`.

        Args:
          images, network: what `open_both` gave in this process. Of the images: `num_images`,
            `identity`, `word`, `source.read` (None where they can only be read one after the other)
            and `in_order`, as of `data.images.Images`.
          batch_size: images that go through a network at a time.
          first, end: indices.

        Raises:
          UserError: an error of a worker, or the source cannot be read from many machines.
        """
        ranges = self._divide(images, batch_size, first, end)
        if not ranges:
            return Part(network.dimension)
        count = self._setup.num_workers
        workers = counted(count, "worker") if count else "the workers"
        console.say(f"{counted(end - first, 'image')} of {images.word} for {workers} of Beam")
        features = _Features(
            self._open_both, batch_size, _Identities(images.identity, statistics.identity(network))
        )
        with self._result() as path:
            self._run(ranges, features, _Merge(network.dimension), path)
            return _read(path, network.dimension)

    def _run(
        self, ranges: Sequence[Range], features: "_Features", merge: "_Merge", path: str
    ) -> None:
        """Runs the pipeline, which writes the merged part to `path`."""
        with _quiet() if self._local else contextlib.nullcontext():
            try:
                with self._new_pipeline() as pipeline:
                    (
                        pipeline
                        | "parts" >> apache_beam.Create(ranges)
                        | "features" >> apache_beam.ParDo(features)
                        | "moments" >> apache_beam.CombineGlobally(merge).without_defaults()
                        | "result" >> apache_beam.Map(_write, path)
                    )
            except Exception as error:  # each runner raises exceptions of its own
                if user_error := _error_of_worker(error):
                    raise user_error from error
                raise

    def _new_pipeline(self) -> Any:
        return apache_beam.Pipeline(self._setup.runner, self._setup.options)

    def _divide(self, images: "Images", batch_size: int, first: int, end: int) -> list[Range]:
        """The ranges of the parts; all but the last hold full batches."""
        num_batches = _divide_up(end - first, batch_size)
        num_workers = self._setup.num_workers or 1
        num_parts = num_workers * _divide_up(num_batches, num_workers * PART_BATCHES)
        if images.source.read is None:  # to read a part is to read all that comes before it
            if not self._local:
                raise UserError(
                    f"{images.word} can only be read from its start",
                    "images that workers can read from anywhere",
                    "prepare the images once with tf-ttur prepare, or use --runner=DirectRunner",
                )
            num_parts = num_workers
        ranges = []
        for number in range(1, num_parts + 1):
            start, stop = statistics.shard_range(num_batches, number, num_parts)
            if start < stop:
                ranges.append((first + start * batch_size, min(first + stop * batch_size, end)))
        return ranges

    @contextlib.contextmanager
    def _result(self) -> Iterator[str]:
        """The path of a file for the result, which is removed afterwards."""
        with contextlib.ExitStack() as stack:
            folder = self._setup.temp_location
            if not folder:
                folder = stack.enter_context(tempfile.TemporaryDirectory())
            path = posixpath.join(folder, f"tf_ttur-{uuid.uuid4().hex}.npz")
            try:
                yield path
            finally:
                if FileSystems.exists(path):
                    FileSystems.delete([path])


@dataclasses.dataclass(frozen=True)
class _Setup:
    """A runner of Beam with its options.

    Attributes:
      runner: Beam's object.
      options: Beam's options.
      num_workers: how many workers there are; None where that is not known.
      temp_location: a folder that the workers share with this machine; None where none was named.
    """

    runner: Any
    options: Any
    num_workers: int | None
    temp_location: str | None


@dataclasses.dataclass(frozen=True)
class _Identities:
    """What all workers must open: the identity of the images, and that of the network."""

    images: str
    network: dict[str, Any]


@dataclasses.dataclass(frozen=True)
class _Opened:
    """What a worker process opens once."""

    images: "Images"
    network: "FeatureNetwork"


def _set_up_here(flags: Sequence[str]) -> _Setup:
    """DirectRunner with these flags. Raises `UserError` for flags that it does not have."""
    options = _parse(
        [
            "--direct_running_mode=multi_processing",
            f"--direct_num_workers={_num_cores()}",
            *flags,
        ]
    )
    _refuse_unknown(options)
    direct = options.view_as(pipeline_options.DirectOptions)
    num_workers = direct.direct_num_workers or _num_cores()
    if num_workers < 0:
        raise UserError(
            f"--direct_num_workers={num_workers}", "1 or more, or 0 for one per core", "correct it"
        )
    # Beam's own choice would first look on the internet for another runner, which starts no Python
    # processes.
    if direct.direct_running_mode != "multi_processing":
        runner = FnApiRunner()
    else:
        # In this mode it would start worker processes that are not quiet. In the other one it
        # starts those that it is given.
        direct.direct_running_mode = "in_memory"
        threads = max(1, _num_cores() // num_workers)
        command = shlex.join([sys.executable, "-m", beam_worker.__name__, str(threads)])
        runner = FnApiRunner(SubprocessSDKEnvironment.from_command_string(f"exec {command}"))
    return _Setup(runner, options, num_workers, _temp_location(options))


def _set_up_elsewhere(name: str, flags: Sequence[str]) -> _Setup:
    """Any other runner. Raises `UserError` where it is unknown or no folder is shared."""
    options = _parse(flags)
    try:
        runner = create_runner(name)
    except (ValueError, ImportError, AttributeError) as error:
        raise UserError(
            f"--runner={name} ({error})",
            "a runner of Beam, such as DirectRunner or FlinkRunner",
            "correct it",
        ) from error
    temp_location = _temp_location(options)
    if not temp_location:
        raise UserError(
            f"--runner={name} without --temp_location",
            "a folder that the workers and this machine share",
            "name it after --runner",
        )
    return _Setup(runner, options, None, temp_location)


def _parse(flags: Sequence[str]) -> Any:
    """Beam's options. Raises `UserError` with Beam's reason where it does not take the flags."""
    usage = io.StringIO()
    try:
        with contextlib.redirect_stderr(usage):
            options = pipeline_options.PipelineOptions(list(flags))
            options.get_all_options(retain_unknown_options=True)  # parses all of them
            return options
    except SystemExit as end:  # after a page of usage, with the reason in the last line
        reason = usage.getvalue().strip().rpartition("error: ")[2]
        raise UserError(reason, "flags of Beam", "correct it") from end


def _temp_location(options: Any) -> str | None:
    return options.view_as(pipeline_options.GoogleCloudOptions).temp_location


def _refuse_unknown(options: Any) -> None:
    """Refuses flags that DirectRunner would ignore."""
    known = options.get_all_options(drop_default=True)
    given = options.get_all_options(drop_default=True, retain_unknown_options=True)
    if unknown := sorted(given.keys() - known.keys()):
        found = ", ".join(f"--{name}" for name in unknown)
        raise UserError(f"{found} after --runner=DirectRunner", "flags of Beam", "correct it")


def _num_cores() -> int:
    return os.cpu_count() or 1


def _divide_up(number: int, divisor: int) -> int:
    """The quotient, rounded up."""
    return -(-number // divisor)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Silences what Beam logs, and what its threads print when a worker has died.

    The exception says the same.
    """
    logger = logging.getLogger("apache_beam")
    level = logger.level
    excepthook = threading.excepthook
    logger.setLevel(logging.CRITICAL)
    threading.excepthook = lambda _: None
    try:
        yield
    finally:
        logger.setLevel(level)
        threading.excepthook = excepthook


class _Features(apache_beam.DoFn):
    """(first, end) to the `Part` of these images."""

    def __init__(self, open_both: OpenBoth, batch_size: int, expected: _Identities) -> None:
        self._open_both = open_both
        self._batch_size = batch_size
        self._expected = expected
        self._shared = Shared()  # a worker may have several threads, each with a copy of this

    def setup(self) -> None:
        self._opened = self._shared.acquire(lambda: _Opened(*self._open_both()))
        for what, there, here in (
            ("images", self._opened.images.identity, self._expected.images),
            ("network", statistics.identity(self._opened.network), self._expected.network),
        ):
            if there != here:
                raise UserError(
                    f"a worker found other {what} ({there})",
                    f"those of this machine ({here})",
                    "give every worker the same files",
                )

    def process(self, range_of_images: Range) -> Iterator[Part]:
        first, end = range_of_images
        images = self._opened.images
        network = self._opened.network
        part = Part(network.dimension)
        for batch in images.in_order(self._batch_size, first, end - first):
            part.update(batch, network(batch)[0])
        if part.moments.count != end - first:
            raise UserError(
                f"{images.word} gave {counted(part.moments.count, 'image')} from {first} on",
                f"{end - first}",
                "prepare it again",
            )
        yield part


class _Merge(apache_beam.CombineFn):
    """Parts to the `Part` of all their images."""

    def __init__(self, dimension: int) -> None:
        self._dimension = dimension

    def create_accumulator(self) -> Part:
        return Part(self._dimension)

    def add_input(self, total: Part, part: Part) -> Part:
        total.merge(part)
        return total

    def merge_accumulators(self, parts: Iterable[Part]) -> Part:
        total = self.create_accumulator()
        for part in parts:
            total.merge(part)
        return total

    def extract_output(self, total: Part) -> Part:
        return total


def _write(part: Part, path: str) -> None:
    content = io.BytesIO()
    part.write(content)
    with FileSystems.create(path, compression_type=CompressionTypes.UNCOMPRESSED) as file:
        file.write(content.getvalue())


def _read(path: str, dimension: int) -> Part:
    part = Part(dimension)
    with FileSystems.open(path, compression_type=CompressionTypes.UNCOMPRESSED) as file:
        content = io.BytesIO(file.read())
    with np.load(content, allow_pickle=False) as state:
        part.take(state)
    return part


def _error_of_worker(error: Exception) -> UserError | None:
    """The `UserError` in the text that Beam makes of a worker's error; None for other errors."""
    if "Channel closed prematurely" in str(error):
        return UserError(
            "a worker process has died",
            "enough memory for each worker",
            "start fewer of them: --direct_num_workers=N after --runner",
        )
    match = re.search(
        r"^[\w.]+: (.+)\n  expected: (.+)\n  to do:    (.+?)(?: \[while running .*)?$",
        str(error),
        re.MULTILINE,
    )
    return UserError(*match.groups()) if match else None
