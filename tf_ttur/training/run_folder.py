"""The folder of a run: its config, where it ran, what it measured, what it drew."""

import contextlib
import itertools
import json
import math
import os
import pathlib
import platform
import shutil
import subprocess

import numpy as np
import PIL.Image
import tensorflow as tf

from tf_ttur import config as configs
from tf_ttur import runs
from tf_ttur.errors import UserError
from tf_ttur.io import console, files
from tf_ttur.optimizers import SCHEDULES
from tf_ttur.registry import Decides
from tf_ttur.training import rates, writing


class RunFolder:
    """A run folder that is open for writing, by this process alone. To be closed.

    `config.json`, `environment.json` (a list: where each part of the run was computed),
    `metrics.jsonl` (one object a line: update, training_seconds, name, value), `warnings.jsonl`,
    samples (`samples/*.png`, or `samples/*.txt` and `vocabulary.json`), and TensorBoard events.
    Checkpoints and the export are written beside them by others.

    Attributes:
      path: of the folder.
      rows: the rows of `metrics.jsonl`, once `begin` has been called.
    """

    def __init__(self, path, config, vocabulary=()):
        """Opens or makes the folder.

        Args:
          path: of the folder.
          config: the validated config.
          vocabulary: the symbols of a generator of lines; empty for images.

        Raises:
          UserError: it belongs to another config or other data, holds other things, cannot be
            written, or another process is at work in it.
        """
        self.path, self._config, self._vocabulary = pathlib.Path(path), config, list(vocabulary)
        check(self.path, config)  # before anything is written
        known = (
            read_vocabulary(self.path, config)
            if (self.path / "vocabulary.json").exists()
            else self._vocabulary
        )
        if known != self._vocabulary:
            raise UserError(
                f"{path} holds a run with {len(known)} symbols; the data now have {len(vocabulary)}, or others",
                "the lines that the run was started with",
                "name the same data, or choose another --workdir",
            )
        try:
            files.check_writable(self.path / "config.json")
            self._lock = files.lock(self.path / ".lock")
            check(
                self.path, config
            )  # another process may have begun a run, and ended it, before the lock
            self._remove_unfinished()
        except OSError as error:
            raise UserError(
                f"{path} cannot be written ({error})",
                "a folder with room for the run",
                "choose another --workdir",
            ) from error
        self._metrics, self._board = self.path / "metrics.jsonl", None

    def close(self):
        """Lets other processes in."""
        with (
            self._lock,
            contextlib.suppress(tf.errors.OpError),
        ):  # what could not be written has been said
            if self._board:
                self._board.close()

    def begin(self, update, evaluation, names=(), num_examples=None, skipped=()):
        """Starts at update 0, or goes on after `update` updates: later rows are dropped, as they
        will be written again.

        Args:
          update: the count of updates in the restored checkpoint; None where there is none.
          evaluation: dict that says what evaluates this run (network, reference), or None.
          names: of the values that an evaluation gives, which stand in the file all or not at all.
          num_examples: how many the run learns from.
          skipped: names of the files that were left out of them.

        Raises:
          UserError: what is in the folder does not fit that.
        """
        found, damaged = runs.read_rows(self._metrics) if self._metrics.exists() else ([], 0)
        if update is None and any(row["update"] > 0 for row in found):
            raise UserError(
                f"{self.path} has metrics up to update {found[-1]['update']} and no checkpoint that can be read",
                "the checkpoints of that run",
                "put copies of them into its folder checkpoints/, where damaged-* are those that cannot be read; or choose another --workdir",
            )
        if update is not None and self._config.updates < update:
            raise UserError(
                f"{self.path} holds a run of {update} updates; now config.updates = {self._config.updates}",
                f"{update} or more",
                "raise config.updates, or choose another --workdir",
            )
        place = self.path / "environment.json"
        parts = _read_environment(place) if place.exists() and update is not None else []
        if parts and parts[-1].get("num_examples", num_examples) != num_examples:
            raise UserError(
                f"{self.path} holds a run on {parts[-1]['num_examples']:,} examples; now there are {num_examples:,}",
                "the data that the run was started with",
                "name the same data, or choose another --workdir",
            )
        if parts and _deciding(parts[-1]["evaluation"]) != _deciding(evaluation):
            raise UserError(
                f"{self.path} was evaluated with {json.dumps(parts[-1]['evaluation'])}; now it is {json.dumps(evaluation)}",
                "the same network and reference: values of others cannot stand in one curve",
                "name the same ones, or choose another --workdir",
            )
        a2 = rates.check_a2(self._config)
        theorem_1 = {
            "a2_satisfied": a2.holds,
            "a2_satisfied_by_schedules": a2.numbers["schedules_hold"],
            "a2": a2.words,
        }
        own = {
            "num_examples": num_examples,
            "skipped": list(skipped),
            "evaluation": evaluation,
            "theorem_1": theorem_1,
        }
        parts.append({"from_update": update or 0} | _environment() | own)
        _write(
            self.path / "config.json", configs.to_json(self._config)
        )  # first, as it makes this a run folder
        _write(place, json.dumps(parts, indent=2) + "\n")
        if self._vocabulary:
            _write(self.path / "vocabulary.json", json.dumps(self._vocabulary) + "\n")
        if damaged:
            self._set_damaged_aside(damaged)
        self.rows = [row for row in found if update is not None and row["update"] <= update]
        if not all(self.holds(update, name) for name in names):
            self.rows = [
                row for row in self.rows if row["update"] != update or row["name"] not in names
            ]
        _write(self._metrics, "".join(json.dumps(row) + "\n" for row in self.rows))
        with self._board_errors():
            self._board = tf.summary.create_file_writer(str(self.path))

    def scalars(self, update, seconds, values):
        """Adds a row for each of `values`, a {name: float}; a value that is not finite becomes
        null.
        """
        shown = {name: value if math.isfinite(value) else None for name, value in values.items()}
        added = [
            dict(zip(runs.COLUMNS, (update, round(seconds, 3), name, value), strict=True))
            for name, value in shown.items()
        ]
        with self._metrics.open("a") as file:
            file.write("".join(json.dumps(row) + "\n" for row in added))
            file.flush()
            os.fsync(
                file.fileno()
            )  # a checkpoint that follows must not be on the disk without its rows
        self.rows += added
        with self._board_errors(), self._board.as_default(step=update):
            for name, value in values.items():
                tf.summary.scalar(name, value)
            self._board.flush()

    def holds(self, update, name):
        """Whether there is a row for this value."""
        return any(row["update"] == update and row["name"] == name for row in self.rows)

    def warn(self, signs):
        """Writes `warnings.jsonl` and says on stderr what is new.

        Args:
          signs: list of (update, words), all of the run so far.
        """
        path = self.path / "warnings.jsonl"
        known = (
            [
                (row["update"], row["warning"])
                for row in files.read_json_lines(path, {"update": int, "warning": str})[0]
            ]
            if path.exists()
            else []
        )
        for update, words in signs:
            if (update, words) not in known:
                console.STDERR.print(
                    f"warning: update {update}: {words}", soft_wrap=True, markup=False
                )
        if signs != known:
            _write(
                path,
                "".join(
                    json.dumps({"update": update, "warning": words}) + "\n"
                    for update, words in signs
                ),
            )

    def crash(self, report):
        """Writes what is needed to see a failure again as `crash.json`; returns its path."""
        _write(self.path / "crash.json", json.dumps(report, indent=2) + "\n")
        return self.path / "crash.json"

    def images(self, update, images):
        """Writes a square grid of (n, height, width, 3) uint8 images."""
        grid = tile(images)
        folder = self.path / "samples"
        with files.atomic(folder / f"{update:07d}.png") as file:
            PIL.Image.fromarray(grid).save(file, "PNG")
        with self._board_errors(), self._board.as_default(step=update):
            tf.summary.image("samples", grid[None])
            self._board.flush()

    def lines(self, update, lines):
        """Writes a list of strings, one a line."""
        text = "".join(f"{line}\n" for line in lines)
        _write(self.path / "samples" / f"{update:07d}.txt", text)
        with self._board_errors(), self._board.as_default(step=update):
            tf.summary.text(
                "samples", "    " + text.replace("\n", "\n    ")
            )  # indented, Markdown leaves them alone
            self._board.flush()

    def _remove_unfinished(self):
        """What a process that was killed had begun to write, here and in the samples."""
        own = (
            "export",
            "config.json",
            "environment.json",
            "vocabulary.json",
            "metrics.jsonl",
            "warnings.jsonl",
            "crash.json",
            "checkpoints/checkpoint",
        )
        places = [pathlib.Path(name) for name in own] + [pathlib.Path("samples/[0-9]*")]
        for path in [
            path
            for place in places
            for path in self.path.glob(str(place.with_name(f".{place.name}.*")))
        ]:
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()

    def _set_damaged_aside(self, count):
        """Keeps a copy of the rows with those that cannot be read."""
        copy = next(
            path
            for number in itertools.count(1)
            if not (path := self.path / f"metrics.damaged-{number}.jsonl").exists()
        )
        shutil.copyfile(self._metrics, copy)
        text = f"{self._metrics} has {count} lines that cannot be read, and are left out; as it was it is now {copy}"
        console.STDERR.print(text, soft_wrap=True, markup=False)

    def _board_errors(self):
        return writing.by_tensorflow(f"TensorBoard's events in {self.path}")


def check(path, config):
    """Refuses a folder that is not this run's, without writing anything. Raises `UserError`."""
    path = pathlib.Path(path)
    if path.exists() and not path.is_dir():
        raise UserError(f"{path} is a file", "a folder", "choose another --workdir")
    known = path / "config.json"
    if not known.exists():
        # Names with a dot are of this program: the lock, and files that were not finished when a
        # start was killed.
        if path.exists() and any(not entry.name.startswith(".") for entry in path.iterdir()):
            raise UserError(
                f"{path} is not empty and not a run folder",
                "a new folder, or one of an earlier run",
                "choose another --workdir",
            )
        return
    old, new = configs.flatten(configs.from_json(known)), configs.flatten(config)
    fixed = not any(
        SCHEDULES.find(config[player].schedule).depends_on_length
        for player in ("discriminator", "generator")
    )
    for key in new:
        if old[key] != new[key] and not (
            configs.KEYS[key].decides is Decides.NOTHING and (fixed or key != "updates")
        ):
            raise UserError(
                f"{path} holds a run with {key} = {old.get(key)!r}; now {key} = {new.get(key)!r}",
                "the config that the run was started with",
                "choose another --workdir, or give the same config to go on with this run",
            )


def _read_environment(path):
    try:
        parts = json.loads(path.read_text())
        if not isinstance(parts, list) or not all(
            isinstance(part, dict) and "evaluation" in part for part in parts
        ):
            raise ValueError("not a list of the parts of a run")
        return parts
    except ValueError as error:
        cure = "put a copy in its place, or move it away: then nothing says what the values so far were measured with"
        raise UserError(f"{path} cannot be read ({error})", "what training wrote", cure) from error


def read_vocabulary(path, config):
    """The symbols of a run that generates lines; an empty list for images.

    Raises:
      UserError: the file is missing or damaged.
    """
    return runs.open_run(path).vocabulary_of(config)


def tile(images):
    """(n, height, width, 3) images as one picture, as square as n allows; missing ones are black."""
    images = np.asarray(images)
    columns = math.ceil(math.sqrt(len(images)))
    rows = math.ceil(len(images) / columns)
    grid = np.zeros((rows * columns, *images.shape[1:]), images.dtype)
    grid[: len(images)] = images
    height, width = images.shape[1:3]
    return (
        grid.reshape(rows, columns, height, width, 3)
        .swapaxes(1, 2)
        .reshape(rows * height, columns * width, 3)
    )


def _deciding(evaluation):
    """What decides whether values belong into one curve.

    The floor follows from the reference, up to its last digit. Of a reference whose images are
    known by their digest it does not matter where they lay, nor which versions computed it.
    """
    if not evaluation:
        return evaluation
    reference = dict(evaluation.get("reference") or {})
    if reference.get("images_digest"):
        reference = {
            key: value
            for key, value in reference.items()
            if key not in ("source", "source_identity", "versions")
        }
    return {key: value for key, value in evaluation.items() if key != "floor"} | {
        "reference": reference
    }


def _write(path, text):
    with files.atomic(path, "w") as file:
        file.write(text)


def _environment():
    packages = ("tf_ttur", "tensorflow", "keras", "numpy", "scipy", "tensorflow-datasets")
    return {
        "python": platform.python_version(),
        "packages": {name: files.version(name) for name in packages},
        "platform": platform.platform(),
        "processor": _processor(),
        "devices": [device.name for device in tf.config.list_logical_devices()],
        "gpus": [
            tf.config.experimental.get_device_details(gpu).get("device_name", "unknown")
            for gpu in tf.config.list_physical_devices("GPU")
        ],
        "git_commit": _git_commit(),
    }


def _processor():
    try:
        lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
        models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
        return f"{len(models)} x {models[0]}" if models else platform.processor()
    except OSError:
        return platform.processor()


def _git_commit():
    """The commit of the code, with "-dirty" for changes since; null outside a checkout."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        return subprocess.run(
            command, cwd=pathlib.Path(__file__).parent, capture_output=True, text=True, check=True
        ).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None
