"""Trains for a long time and watches what must not grow: memory, graphs, open files, threads.

    python -m tests.faults.soak --updates 20000 --every 500 \\
        --output docs/results/reliability/soak.json

The quickstart's networks at reduced width, with an evaluation by pixels and a checkpoint every 500
updates. The first evaluation, at update 0, comes before TensorFlow traces the update. So the last
evaluation is compared with the second. Garbage is collected before each count. The exit status is 1
if memory has grown by more than 2 %, or anything else at all.
"""

import gc
import os
import pathlib
import sys
import tempfile
import threading

from tests.faults import programs
from tf_ttur import config as configs
from tf_ttur.commands import flags, program


def soak(updates, every, folder):
    """Trains in this process.

    Args:
      updates: how many.
      every: updates between two evaluations.
      folder: an empty one.

    Returns:
      List of dicts, one after each evaluation: update, resident memory in MiB, graphs, open files,
        threads.
    """
    from tf_ttur.training import loop

    counts = []
    evaluate = loop._evaluate

    def evaluate_and_count(process, number):
        evaluate(process, number)
        gc.collect()
        counts.append({"update": number} | _count())

    loop._evaluate = evaluate_and_count
    try:
        loop.train(_config(updates, every), folder / "run")
    finally:
        loop._evaluate = evaluate
    return counts


def _config(updates, every):
    config = configs.load(str(pathlib.Path(__file__).parents[2] / "configs/quickstart.py"))
    config.updates = updates
    config.model.width = 4
    config.batch_size = 8
    config.data.source = "digits:512"
    config.evaluation.every_updates = every
    config.checkpoint_every_updates = every
    config.samples_every_updates = every
    config.evaluation.num_samples = 256
    config.evaluation.sample_batch_size = 256
    config.evaluation.reference_samples = 0
    return configs.validate(config)


def _count():
    from tensorflow.python.framework import func_graph  # no public name counts graphs

    statm = pathlib.Path("/proc/self/statm").read_text(encoding="utf-8")
    resident_bytes = int(statm.split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return {
        "memory": round(resident_bytes / 2**20, 1),
        "graphs": sum(isinstance(thing, func_graph.FuncGraph) for thing in gc.get_objects()),
        "files": len(os.listdir("/proc/self/fd")),
        "threads": threading.active_count(),
        "system_threads": len(os.listdir("/proc/self/task")),
    }


def growth(counts):
    """What has grown: memory by more than 2 %, anything else at all.

    Returns:
      {name: (at the second evaluation, at the last one)}.
    """
    limits = {"memory": 1.02, "graphs": 1, "files": 1, "threads": 1, "system_threads": 1}
    second = counts[1]
    last = counts[-1]
    return {
        name: (second[name], last[name])
        for name, limit in limits.items()
        if last[name] > limit * second[name]
    }


def main():
    parser = programs.parser(__doc__, "soak")
    parser.add_argument("--updates", type=flags.positive, default=20_000, help="[20000]")
    parser.add_argument(
        "--every", type=flags.positive, default=500, help="updates between evaluations [500]"
    )
    arguments = parser.parse_args()
    program.start_tensorflow()
    with tempfile.TemporaryDirectory() as folder:
        counts = soak(arguments.updates, arguments.every, pathlib.Path(folder))
    print(counts[1])
    print(counts[-1])
    grown = growth(counts)
    print(f"grown: {grown or 'nothing'}")
    programs.write(counts, arguments.output)
    sys.exit(bool(grown))


if __name__ == "__main__":
    program.run(main)
