"""Weights & Biases, offline: its own files hold the values of a run."""

import json
import struct

import pytest

from tf_ttur.training.board import Board
from tf_ttur.training.trackers import listener

wandb = pytest.importorskip("wandb")
from wandb.proto.wandb_internal_pb2 import Record  # noqa: E402


def records(data):
    """The records of a file in the format of LevelDB's log, after 7 bytes that name the format."""
    position = 7
    record = b""
    while position + 7 <= len(data):
        left_in_block = 2**15 - position % 2**15
        if left_in_block < 7:  # too few for the beginning of a record
            position += left_in_block
            continue
        _, length, part = struct.unpack_from("<IHB", data, position)
        position += 7
        record += data[position : position + length]
        position += length
        if part in (1, 4):  # the whole record, or its last part
            yield record
            record = b""


def history(folder):
    """{(step, name): value} of what an offline run has stored."""
    wandb.teardown()  # waits for the file
    [path] = (path for path in folder.rglob("*.wandb") if path.is_file())
    found = {}
    for data in records(path.read_bytes()):
        record = Record.FromString(data)
        if record.HasField("history"):
            values = {
                "/".join(item.nested_key) or item.key: json.loads(item.value_json)
                for item in record.history.item
            }
            step = record.history.step.num
            found |= {(step, name): value for name, value in values.items() if name[0] != "_"}
    return found


VALUES = {3: {"loss/generator": 0.5, "balance": 1.5}, 7: {"fid": 56.25}}


def test_on_values_takes_its_log(tmp_path):
    with wandb.init(project="test", mode="offline", dir=tmp_path) as tracked:
        listen = listener(tracked.log)
        for update, values in VALUES.items():
            listen(update, values)
    assert history(tmp_path) == {
        (update, name): value for update in VALUES for name, value in VALUES[update].items()
    }


@pytest.mark.slow  # 10 s
def test_it_reads_the_events_of_a_run(tmp_path):
    with wandb.init(project="test", mode="offline", dir=tmp_path, sync_tensorboard=True):
        board = Board(tmp_path, (), None)
        for update, values in VALUES.items():
            board.scalars(update, values)
        board.close()
    stored = history(tmp_path)
    assert {stored[step, "global_step"] for step, name in stored if name == "fid"} == {7}
    assert {value for (_, name), value in stored.items() if name == "fid"} == {56.25}
