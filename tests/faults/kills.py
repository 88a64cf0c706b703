"""Kills a small training again and again, and compares its end with that of one that was left
alone.

    python -m tests.faults.kills --kills 50 --seed 0 --output docs/results/kills.json

Half of the kills (SIGKILL) come at a random time, half at a random touch of a file in the run
folder or the cache: around these lies what a kill could break. After each the same training is
started again; one that reaches its end is compared, and the next one begins. Everything but the
training time must be equal, bit for bit. With 50 kills or more it goes on until one has met every
phase that is promised.
"""

import collections
import hashlib
import json
import multiprocessing
import os
import pathlib
import random
import signal
import sys
import tempfile
import threading
import time

import numpy as np

from tf_ttur.commands import flags, program
from tf_ttur.io import files

_WATCHED = {"open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.chmod"}
# What the training was at, by the first of these functions on its stack.
_PHASES = {
    "export": "export",
    "_evaluate": "evaluation",
    "save": "checkpoint",
    "keep_best": "checkpoint",
    "restore": "restoring",
    "image_statistics": "statistics",
    "cached_statistics": "statistics",
    "begin": "start of the folder",
    "images": "samples",
    "scalars": "metrics",
    "_update": "updates and tracing",
}
_PROMISED = {"updates and tracing", "evaluation", "checkpoint", "statistics", "export"}


def campaign(kills, seed, folder, phases=frozenset()):
    """Makes that many kills, and up to three times as many until one has met each of some phases.

    Args:
      kills: how many.
      seed: of their moments.
      folder: an empty one.
      phases: values of _PHASES.

    Returns:
      Dict: kills by phase and by kind, runs that reached their end, and what differed in any of
        them.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    context = multiprocessing.get_context("forkserver")  # TensorFlow is imported once
    context.set_forkserver_preload(["tf_ttur.training.loop"])
    from tests.metrics.mini_inception import graph_bytes

    graph, moments = folder / "graph.pb", random.Random(seed)
    graph.write_bytes(graph_bytes())

    def start(run, kill=None):
        process = context.Process(target=_train, args=(folder, run, kill))
        started = time.monotonic()
        process.start()
        process.join()
        return process.exitcode, time.monotonic() - started

    status, seconds = start("whole")
    assert status == 0, f"the training that is left alone ends with {status}"
    touches = json.loads((folder / "whole.touches").read_text())
    whole = fingerprint(folder / "whole", folder / "whole.cache")
    counts, kinds, runs, different = collections.Counter(), collections.Counter(), 0, []

    def enough():
        return counts.total() >= kills and (phases <= counts.keys() or counts.total() >= 3 * kills)

    while not enough() or runs == 0:
        killed = 0
        while True:
            more = not enough() and killed < 10  # so that several runs come to their end
            kill = None
            if more:
                kill = (
                    ("time", moments.uniform(0, seconds))
                    if moments.random() < 0.5
                    else ("touch", moments.randint(1, touches))
                )
            status, _ = start(f"run-{runs}", kill)
            if status == 0:
                break
            assert status == -signal.SIGKILL, f"started again, the training ends with {status}"
            killed += 1
            counts[(folder / f"run-{runs}.phase").read_text()] += 1
            kinds[kill[0]] += 1
        found = fingerprint(folder / f"run-{runs}", folder / f"run-{runs}.cache")
        different += [f"run-{runs}: {name}" for name in differences(whole, found)]
        runs += 1
    missed = sorted(phases - counts.keys())
    return {
        "kills": counts.total(),
        "by phase": dict(counts),
        "phases missed": missed,
        "by kind": dict(kinds),
        "runs": runs,
        "different": different,
    }


def fingerprint(workdir, cache=None):
    """{what: its digest or value} of all that a training leaves, but for the time it took; in its
    cache too, where one is given.
    """
    import tensorflow as tf

    rows = [json.loads(line) for line in (workdir / "metrics.jsonl").read_text().splitlines()]
    found = {f"{row['name']} {row['update']}": row["value"] for row in rows}
    found["order of the rows"] = [(row["update"], row["name"]) for row in rows]
    for path in sorted([*workdir.glob("samples/*"), *workdir.glob("warnings.jsonl")]):
        found[path.name] = hashlib.sha256(path.read_bytes()).hexdigest()
    if (workdir / "export").exists():
        sample = tf.saved_model.load(str(workdir / "export")).signatures["sample"]
        found["of the export"] = (
            sample(count=tf.constant(8), seed=tf.constant(0))["images"].numpy().tobytes()
        )
    for path in (
        *workdir.glob("checkpoints/**/*.index"),
        *workdir.glob("export/variables/*.index"),
    ):
        reader = tf.train.load_checkpoint(str(path.with_suffix("")))
        for name in reader.get_variable_to_shape_map():
            if "/.ATTRIBUTES/VARIABLE_VALUE" in name and "training_seconds" not in name:
                found[f"{path.relative_to(workdir)} {name}"] = hashlib.sha256(
                    reader.get_tensor(name).tobytes()
                ).hexdigest()
    for path in (
        cache.glob("statistics/[!.]*") if cache else ()
    ):  # hidden ones had no name yet when the kill came
        with np.load(path) as arrays:
            found |= {f"{path.name} {name}": arrays[name].tobytes() for name in arrays.files}
    return found


def differences(first, second):
    """Names of what is not the same in two fingerprints."""
    return [name for name in sorted(first | second) if first.get(name) != second.get(name)]


def small_config():
    """A training in which everything happens several times."""
    from tf_ttur import config as configs

    config = configs.default()
    config.name, config.variant, config.data.source = "kills", "tiny", "digits:64"
    config.batch_size, config.updates, config.model.width = 8, 24, 4
    config.discriminator.learning_rate, config.generator.learning_rate = 1e-3, 2e-3
    (
        config.evaluation.every_updates,
        config.samples_every_updates,
        config.checkpoint_every_updates,
    ) = 6, 4, 2
    (
        config.evaluation.num_samples,
        config.evaluation.sample_batch_size,
        config.evaluation.feature_batch_size,
    ) = 100, 50, 20
    config.log_every_updates, config.check_every_updates = 1, 3
    return configs.validate(config)


def _train(folder, run, kill):
    """In a process of its own: trains, and meets its end where `kill` says."""
    os.environ["TF_TTUR_CACHE"] = str(folder / f"{run}.cache")
    sys.stderr = open(folder / f"{run}.log", "a")  # noqa: SIM115
    main, touches = threading.main_thread().ident, 0

    def die():
        frame, phase = sys._current_frames()[main], "start"
        while frame:
            if (
                phase := _PHASES.get(frame.f_code.co_name, "")
            ) and "tf_ttur" in frame.f_code.co_filename:
                break
            frame, phase = frame.f_back, "start"
        descriptor = os.open(folder / f"{run}.phase", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.write(descriptor, phase.encode())
        os.kill(os.getpid(), signal.SIGKILL)

    def watch(event, arguments):
        nonlocal touches
        if event in _WATCHED and isinstance(arguments[0], str | os.PathLike):
            path = os.fspath(arguments[0])
            if isinstance(path, str) and path.startswith(
                (str(folder / run) + "/", str(folder / f"{run}.cache"))
            ):
                touches += 1
                if kill == ("touch", touches):
                    die()

    sys.addaudithook(watch)
    if kill and kill[0] == "time":
        timer = threading.Timer(kill[1], die)
        timer.daemon = True
        timer.start()
    import tensorflow as tf

    from tf_ttur.metrics.extraction import Extraction
    from tf_ttur.training import loop

    Extraction.EVERY_SECONDS = (
        0  # so that kills leave a state of it, from which the next start goes on
    )
    tf.config.optimizer.set_experimental_options(
        {"disable_meta_optimizer": True}
    )  # which takes longer than these updates
    loop.train(small_config(), folder / run, folder / "graph.pb")
    (folder / f"{run}.touches").write_text(json.dumps(touches))
    os._exit(0)  # without the timer


def main():
    parser = flags.parser(__doc__, "")
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=pathlib.Path, help="for the report")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        report = campaign(
            arguments.kills,
            arguments.seed,
            pathlib.Path(folder),
            _PROMISED if arguments.kills >= 50 else set(),
        )
    text = json.dumps({"seed": arguments.seed} | report, indent=2) + "\n"
    print(text, end="")
    if arguments.output:
        with files.atomic(arguments.output, "w") as file:
            file.write(text)
    sys.exit(bool(report["different"] or report["phases missed"]))


if __name__ == "__main__":
    program.run(main)
