"""TensorBoard's events of a run: scalars, samples, the config and its hyperparameters."""

import contextlib
import pathlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from ml_collections import ConfigDict
from tensorboard.plugins.hparams import api as hparams
from tensorboard.summary.writer.record_writer import RecordWriter

from tf_ttur import config as configs
from tf_ttur.io import files
from tf_ttur.training import writing

EVENTS = "events.out.tfevents.*"

_CONFIG = "config"
_HPARAMS = "_hparams_/"  # the beginning of the tags of TensorBoard's dashboard of hyperparameters


class Board:
    """Writes events into a run folder. Close it after use.

    Args:
      folder: the run folder, which this process alone writes.
      kept: the values that are already there and stay: (update, name of the value).
      update: events of later updates are removed; None removes all.

    Raises:
      OSError: the folder cannot be written.
    """

    def __init__(
        self, folder: pathlib.Path, kept: Collection[tuple[int, str]], update: int | None
    ) -> None:
        self._folder = folder
        self._update = update or 0
        _remove_repeated(folder, set(kept), update)
        with self._errors():
            self._writer = tf.summary.create_file_writer(str(folder))

    def close(self) -> None:
        """Closes the file."""
        # The failure to write an event has been reported already.
        with contextlib.suppress(tf.errors.OpError):
            self._writer.close()

    def describe(self, config: ConfigDict, metrics: Sequence[str]) -> None:
        """Writes the config, as text and as the hyperparameters of TensorBoard's dashboard.

        Args:
          config: the validated config.
          metrics: the names of the values of an evaluation, which the dashboard shows beside.
        """
        values = configs.flatten(config)
        with self.at(self._update):
            tf.summary.text(_CONFIG, _indented(configs.to_json(config)))
            hparams.hparams_config(
                hparams=[hparams.HParam(name) for name in values],
                metrics=[hparams.Metric(name) for name in metrics],
            )
            hparams.hparams(values, trial_id=str(self._folder.resolve()))

    def scalars(self, update: int, values: Mapping[str, float]) -> None:
        """Writes values of an update."""
        with self.at(update):
            for name, value in values.items():
                tf.summary.scalar(name, value)

    def picture(self, update: int, picture: np.ndarray) -> None:
        """Writes (height, width, channels) uint8 samples."""
        with self.at(update):
            tf.summary.image("samples", picture[None])

    def text(self, update: int, text: str) -> None:
        """Writes samples of lines."""
        with self.at(update):
            tf.summary.text("samples", _indented(text))

    @contextlib.contextmanager
    def at(self, update: int) -> Iterator[None]:
        """Within the block, summaries are events of this update.

        Raises:
          OSError: they cannot be written.
        """
        with self._errors(), self._writer.as_default(step=update):
            yield
            self._writer.flush()

    def _errors(self) -> contextlib.AbstractContextManager[None]:
        return writing.by_tensorflow(f"TensorBoard's events in {self._folder}")


def _indented(text: str) -> str:
    """Text that Markdown leaves as it is."""
    return "    " + text.replace("\n", "\n    ")


def _remove_repeated(folder: pathlib.Path, kept: set[tuple[int, str]], update: int | None) -> None:
    """Removes from all files the events that a resume after `update` updates writes again."""
    seen: set[tuple[int, str]] = set()
    for path in sorted(folder.glob(EVENTS)):
        events = list(_read(path))
        chosen = [event for event in events if _is_kept(event, kept, update, seen)]
        if not any(event.summary.value for event in chosen):
            path.unlink()
        elif len(chosen) < len(events):
            with files.atomic(path) as file:
                writer = RecordWriter(file)
                for event in chosen:
                    writer.write(event.SerializeToString())


def _read(path: pathlib.Path) -> Iterator[Any]:
    """The events of a file, up to the end or to a record that a killed process left unfinished."""
    with contextlib.suppress(tf.errors.DataLossError):
        for record in tf.data.TFRecordDataset(str(path)).as_numpy_iterator():
            yield tf.compat.v1.Event.FromString(record)


def _is_kept(
    event: Any, kept: set[tuple[int, str]], update: int | None, seen: set[tuple[int, str]]
) -> bool:
    """Whether an event stays. `seen` collects what has stayed: nothing stays twice."""
    if not event.summary.value:
        return True  # it says which version of the format follows
    value = event.summary.value[0]
    key = (event.step, value.tag)
    if update is None or event.step > update or key in seen:
        return False
    if value.tag == _CONFIG or value.tag.startswith(_HPARAMS):
        return False  # every start writes them
    if value.metadata.plugin_data.plugin_name == "scalars" and key not in kept:
        return False
    seen.add(key)
    return True
