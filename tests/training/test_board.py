"""What TensorBoard reads of a run, by TensorBoard's own reader."""

import contextlib
import textwrap

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData

from tests.training.test_loop import rows
from tf_ttur import config as configs
from tf_ttur.training import loop

pytestmark = [
    pytest.mark.usefixtures("one_replica", "offline"),
    pytest.mark.filterwarnings("ignore:.*images for [0-9]+ features"),
]


def read(folder):
    """{tag: [(update, event)]} of all events in a run folder."""
    found = {}
    for path in sorted(folder.glob("events.out.tfevents.*")):
        events = EventAccumulator(str(path), size_guidance={"tensors": 0}).Reload()
        for tag in events.Tags()["tensors"]:
            found.setdefault(tag, []).extend((event.step, event) for event in events.Tensors(tag))
    return found


def hyperparameters(folder):
    """The values in the dashboard of hyperparameters."""
    for path in folder.glob("events.out.tfevents.*"):
        events = EventAccumulator(str(path)).Reload()
        with contextlib.suppress(KeyError):  # a file without them
            for data in events.PluginTagToContent("hparams").values():
                info = HParamsPluginData.FromString(data).session_start_info
                if info.hparams:
                    return info.hparams
    return {}


@pytest.mark.slow  # 10 s
def test_after_a_resume_every_event_is_there_once(tiny, tmp_path):
    def stop(update, values):
        if update == 3 and not stopped:
            stopped.append(True)
            raise ValueError

    stopped = []
    folder = tmp_path / "run"
    with pytest.raises(Exception, match="on_values failed"):
        loop.train(tiny, folder, on_values=stop)
    for path in (folder / "checkpoints").glob("ckpt-3.*"):  # as if it had been killed
        path.unlink()
    [events] = folder.glob("events.out.tfevents.*")
    with events.open("ab") as file:
        file.write(b"the beginning of a record")
    loop.train(tiny, folder)

    found = read(folder)
    written = [(update, name) for update, name, _ in rows(folder)]
    scalars = [
        (update, tag) for tag in found for update, _ in found[tag] if (update, tag) in written
    ]
    assert sorted(scalars) == sorted(written)
    assert [update for update, _ in found["frechet_pixels"]] == [0, 2, 4]
    assert sorted(update for update, _ in found["samples"]) == [0, 2, 4]
    [(_, config)] = found["config"]
    text = textwrap.dedent(config.tensor_proto.string_val[0].decode())
    assert text.strip() == configs.to_json(tiny).strip()
    values = hyperparameters(folder)
    assert values["generator.learning_rate"].number_value == 2e-3
    assert values["data.source"].string_value == "digits:64"
