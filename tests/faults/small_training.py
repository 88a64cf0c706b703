"""A small training in a process of its own, for tests of what happens around it."""

import sys
import time

SMALL = [
    "--config.data.source=digits:64",
    "--config.model.width=4",
    "--config.batch_size=8",
    "--config.evaluation.every_updates=0",
    "--config.checkpoint_every_updates=5",
    "--config.samples_every_updates=100000",
]


def command(folder, *more):
    """The command line of a training in this folder."""
    line = [sys.executable, "-m", "tf_ttur.train", "--config", "configs/quickstart.py", *SMALL]
    return [*line, "--workdir", str(folder), *more]


def wait_for_checkpoint(process, folder, number=5):
    """Waits until a training has written its checkpoint after `number` updates, or a later one."""
    end = time.monotonic() + 120
    while newest(folder) < number:
        assert process.poll() is None
        assert time.monotonic() < end
        time.sleep(0.01)


def newest(folder):
    """The number of the newest checkpoint; -1 if there is none."""
    paths = folder.glob("checkpoints/ckpt-*.index")
    return max((int(path.stem.partition("-")[2]) for path in paths), default=-1)
