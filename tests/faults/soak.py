"""Trains long and watches what must not grow: memory, graphs, open files, threads.

    python -m tests.faults.soak --updates 20000 --every 500 --output docs/results/soak.json

The quickstart's network at reduced width, with an evaluation by pixels and a checkpoint every 500
updates. The first evaluation, at update 0, comes before the update is traced: so the one after it
is what the last one is held against. Garbage is collected before each count. Ends with status 1 if
memory has grown by more than 2 %, or anything else at all.
"""

import gc
import json
import os
import pathlib
import sys
import tempfile
import threading

from tf_ttur import config as configs
from tf_ttur.commands import flags, program
from tf_ttur.io import files


def soak(updates, every, folder):
    """Trains in this process.

    Returns:
      List of dicts, one after each evaluation: update, resident memory in MiB, graphs, open files,
        threads.
    """
    from tensorflow.python.framework import func_graph  # no public name counts graphs

    from tf_ttur.training import loop

    config = configs.load(str(pathlib.Path(__file__).parents[2] / "configs/quickstart.py"))
    config.updates, config.model.width, config.batch_size, config.data.source = (
        updates,
        4,
        8,
        "digits:512",
    )
    config.evaluation.every_updates = config.checkpoint_every_updates = (
        config.samples_every_updates
    ) = every
    config.evaluation.num_samples = config.evaluation.sample_batch_size = 256
    config.evaluation.reference_samples = 0
    found = []

    class Watched(loop._Training):
        def _evaluate(self, number):
            super()._evaluate(number)
            gc.collect()
            found.append(
                {
                    "update": number,
                    "memory": round(
                        int(pathlib.Path("/proc/self/statm").read_text().split()[1])
                        * os.sysconf("SC_PAGE_SIZE")
                        / 2**20,
                        1,
                    ),
                    "graphs": sum(
                        isinstance(thing, func_graph.FuncGraph) for thing in gc.get_objects()
                    ),
                    "files": len(os.listdir("/proc/self/fd")),
                    "threads": threading.active_count(),
                    "system_threads": len(os.listdir("/proc/self/task")),
                }
            )

    training, loop._Training = loop._Training, Watched
    try:
        loop.train(configs.validate(config), folder / "run")
    finally:
        loop._Training = training
    return found


def growth(found):
    """{what: (of the second evaluation, of the last one)} of what has grown: memory by more than 2
    %, or anything else.
    """
    limits = {"memory": 1.02, "graphs": 1, "files": 1, "threads": 1, "system_threads": 1}
    return {
        what: (found[1][what], found[-1][what])
        for what, limit in limits.items()
        if found[-1][what] > limit * found[1][what]
    }


def main():
    parser = flags.parser(__doc__, "")
    parser.add_argument("--updates", type=int, default=20_000)
    parser.add_argument("--every", type=int, default=500)
    parser.add_argument("--output", type=pathlib.Path, help="for what was found")
    arguments = parser.parse_args()
    program.start_tensorflow()
    with tempfile.TemporaryDirectory() as folder:
        found = soak(arguments.updates, arguments.every, pathlib.Path(folder))
    for row in (found[1], found[-1]):
        print(row)
    grown = growth(found)
    print(f"grown: {grown or 'nothing'}")
    if arguments.output:
        with files.atomic(arguments.output, "w") as file:
            file.write(json.dumps(found, indent=1) + "\n")
    sys.exit(bool(grown))


if __name__ == "__main__":
    program.run(main)
