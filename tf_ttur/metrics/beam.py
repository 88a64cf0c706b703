"""The extraction of `statistics` by many processes or machines, as an Apache Beam pipeline.

The images are divided by their indices into parts, and a worker reads a part in order, in the
batches of a single process: the features are the same, only the sums in the moments round in
another order. The result comes back through a file.
"""

import contextlib
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

import numpy as np

from tf_ttur.errors import UserError
from tf_ttur.io import console
from tf_ttur.metrics import beam_worker, extraction, statistics

_DISABLED = logging.root.manager.disable
logging.disable(
    max(_DISABLED, logging.WARNING)
)  # at its import Beam says which optional parts of it are missing
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

PART_BATCHES = (
    10  # of a part: what a worker that fails has to do again, and what workers are balanced by
)


class Part(extraction.Extraction):
    """The statistics in the making of some of the images; those of others can be added."""

    def merge(self, other):
        """Takes in another part. Raises `UserError` if its images have another shape."""
        if (
            None not in (self.image_shape, other.image_shape)
            and self.image_shape != other.image_shape
        ):
            found = f"images of shapes {self.image_shape} and {other.image_shape} in one set"
            raise UserError(found, "images of one size", "resize them beforehand")
        self.image_shape = self.image_shape or other.image_shape
        self.moments.merge(other.moments)
        self._digest = (self._digest + other._digest) % 2**256


class Workers:
    """The workers of a Beam runner, which extract features instead of this process.

    DirectRunner means processes of this machine, one a core, unless its flags say otherwise. All
    others are given Beam's flags as they are, and need --temp_location: a folder that the workers
    and this machine share.
    """

    def __init__(self, open_both, flags):
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
        name = _parsed(flags).view_as(pipeline_options.StandardOptions).runner or "DirectRunner"
        self._local = name.lower() in ("direct", "directrunner")
        if self._local:
            flags = [
                "--direct_running_mode=multi_processing",
                f"--direct_num_workers={os.cpu_count()}",
                *flags,
            ]
        self._options = _parsed(flags)
        self._temporary = self._options.view_as(pipeline_options.GoogleCloudOptions).temp_location
        if self._local:
            _refuse_unknown(self._options)
            self._count, self._runner = _on_this_machine(
                self._options.view_as(pipeline_options.DirectOptions)
            )
        else:
            self._count, self._runner = None, _elsewhere(name)
            if not self._temporary:
                cure = "name it after --runner"
                raise UserError(
                    f"--runner={name} without --temp_location",
                    "a folder that the workers and this machine share",
                    cure,
                )
        try:
            apache_beam.Pipeline(self._runner, self._options)
        except ValueError as error:
            raise UserError(
                f"Beam refuses the flags of --runner={name}: {error}",
                "what Beam documents for it",
                "correct them",
            ) from error

    def extract(self, images, network, batch_size, first, end):
        """The `Part` of the images from `first` up to `end`.

        Args:
          images, network: what `open_both` gave in this process. Of the images: `num_images`,
            `identity`, `word`, `source.read` (None where they can only be read one after the other)
            and `in_order`, as of `data.images.Images`.
          batch_size: images that go through a network at a time.
          first, end: indices.

        Raises:
          UserError: what a worker met, or the source cannot be read from many machines.
        """
        parts = self._divide(images, batch_size, first, end)
        if not parts:
            return Part(network.dimension)
        workers = f"{self._count} workers" if self._count else "the workers"
        text = f"{end - first:,} images of {images.word} for {workers} of Beam"
        console.STDERR.print(text, soft_wrap=True, markup=False, emoji=False)
        expected = [images.identity, statistics.identity(network)]
        with self._result() as path, _quiet() if self._local else contextlib.nullcontext():
            try:
                with apache_beam.Pipeline(self._runner, self._options) as pipeline:
                    (
                        pipeline
                        | "parts" >> apache_beam.Create(parts)
                        | "features"
                        >> apache_beam.ParDo(_Features(self._open_both, batch_size, expected))
                        | "moments"
                        >> apache_beam.CombineGlobally(_Merge(network.dimension)).without_defaults()
                        | "result" >> apache_beam.Map(_write, path)
                    )
            except Exception as error:  # each runner raises its own kinds
                if met := _met_by_a_worker(error):
                    raise met from error
                raise
            whole = Part(network.dimension)
            with FileSystems.open(path, compression_type=CompressionTypes.UNCOMPRESSED) as file:
                with np.load(io.BytesIO(file.read()), allow_pickle=False) as state:
                    whole.take(state)
            return whole

    def _divide(self, images, batch_size, first, end):
        """[(first, end)] of the parts; all but the last hold whole batches."""
        batches, workers = -(-(end - first) // batch_size), self._count or 1
        number = workers * -(-batches // (workers * PART_BATCHES))
        if images.source.read is None:  # a part would read all that comes before it
            if not self._local:
                cure = "prepare the images once with tf-ttur prepare, or use --runner=DirectRunner"
                raise UserError(
                    f"{images.word} can only be read from its start",
                    "images that workers can read from anywhere",
                    cure,
                )
            number = workers
        ranges = [statistics.shard_range(batches, i, number) for i in range(1, number + 1)]
        return [
            (first + a * batch_size, min(first + b * batch_size, end)) for a, b in ranges if a < b
        ]

    @contextlib.contextmanager
    def _result(self):
        """The path of a file for the result, which is gone afterwards."""
        with contextlib.ExitStack() as stack:
            folder = self._temporary or stack.enter_context(tempfile.TemporaryDirectory())
            path = posixpath.join(folder, f"tf_ttur-{uuid.uuid4().hex}.npz")
            try:
                yield path
            finally:
                if FileSystems.exists(path):
                    FileSystems.delete([path])


def _parsed(flags):
    """Beam's options."""
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said):
            options = pipeline_options.PipelineOptions(flags)
            options.get_all_options(retain_unknown_options=True)  # parses them all
            return options
    except SystemExit as end:  # after a page of usage, with the reason in the last line
        raise UserError(
            said.getvalue().strip().rpartition("error: ")[2], "flags of Beam", "correct it"
        ) from end


def _refuse_unknown(options):
    """DirectRunner would take no notice of them."""
    every = options.get_all_options(drop_default=True, retain_unknown_options=True)
    if unknown := sorted(every.keys() - options.get_all_options(drop_default=True).keys()):
        found = ", ".join(f"--{name}" for name in unknown)
        raise UserError(f"{found} after --runner=DirectRunner", "flags of Beam", "correct it")


def _on_this_machine(direct):
    """(number of workers, runner) of DirectRunner with these options."""
    count = direct.direct_num_workers or os.cpu_count()
    if count < 0:
        raise UserError(
            f"--direct_num_workers={count}", "1 or more, or 0 for one a core", "correct it"
        )
    # Beam's own choice would first look for another runner on the internet, which starts no
    # processes of Python.
    if direct.direct_running_mode != "multi_processing":
        return count, FnApiRunner()
    # In this mode it would start worker processes that are not quiet; in the other one it starts
    # those that it is given.
    direct.direct_running_mode = "in_memory"
    command = [sys.executable, "-m", beam_worker.__name__, str(max(1, os.cpu_count() // count))]
    return count, FnApiRunner(
        SubprocessSDKEnvironment.from_command_string(f"exec {shlex.join(command)}")
    )


def _elsewhere(name):
    """The runner of that name."""
    try:
        return create_runner(name)
    except (ValueError, ImportError, AttributeError) as error:
        raise UserError(
            f"--runner={name} ({error})",
            "a runner of Beam, as DirectRunner or FlinkRunner",
            "correct it",
        ) from error


@contextlib.contextmanager
def _quiet():
    """Holds back what Beam logs, and what its threads say when a worker has died: its exception
    tells it.
    """
    logger, excepthook = logging.getLogger("apache_beam"), threading.excepthook
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    threading.excepthook = lambda _: None
    try:
        yield
    finally:
        logger.setLevel(level)
        threading.excepthook = excepthook


class _Features(apache_beam.DoFn):
    """(first, end) -> the `Part` of these images."""

    def __init__(self, open_both, batch_size, expected):
        self._open_both, self._batch_size, self._expected = open_both, batch_size, expected
        self._shared = Shared()  # a worker may have several threads, with a copy of this each

    def setup(self):
        self._opened = self._shared.acquire(lambda: _Opened(*self._open_both()))
        found = [self._opened.images.identity, statistics.identity(self._opened.network)]
        for what, there, here in zip(("images", "network"), found, self._expected, strict=True):
            if there != here:
                raise UserError(
                    f"a worker found other {what} ({there})",
                    f"those of this machine ({here})",
                    "let all see the same files",
                )

    def process(self, part):
        first, end = part
        images, network = self._opened.images, self._opened.network
        made = Part(network.dimension)
        for batch in images.in_order(self._batch_size, first, end - first):
            made.update(batch, network(batch)[0])
        if made.moments.count != end - first:
            raise UserError(
                f"{images.word} gave {made.moments.count} images from {first} on",
                f"{end - first}",
                "prepare it anew",
            )
        yield made


class _Opened:
    """What a worker process opens once."""

    def __init__(self, images, network):
        self.images, self.network = images, network


class _Merge(apache_beam.CombineFn):
    """Parts -> the `Part` of all their images."""

    def __init__(self, dimension):
        self._dimension = dimension

    def create_accumulator(self):
        return Part(self._dimension)

    def add_input(self, whole, part):
        whole.merge(part)
        return whole

    def merge_accumulators(self, parts):
        whole = self.create_accumulator()
        for part in parts:
            whole.merge(part)
        return whole

    def extract_output(self, whole):
        return whole


def _write(part, path):
    content = io.BytesIO()
    part.write(content)
    with FileSystems.create(path, compression_type=CompressionTypes.UNCOMPRESSED) as file:
        file.write(content.getvalue())


def _met_by_a_worker(error):
    """The `UserError` out of the text that Beam makes of it; None if the error is another."""
    if "Channel closed prematurely" in str(error):
        return UserError(
            "a worker process has died",
            "enough memory for each",
            "start fewer: --direct_num_workers=N after --runner",
        )
    text = re.search(
        r"^[\w.]+: (.+)\n  expected: (.+)\n  to do:    (.+?)(?: \[while running .*)?$",
        str(error),
        re.MULTILINE,
    )
    return text and UserError(*text.groups())
