"""Kills a small training again and again, and compares the result with an undisturbed training.

    python -m tests.faults.kills --kills 50 --seed 0 --output docs/results/reliability/kills.json

Half of the kills (SIGKILL) come at a random time. The other half come at the n-th access to a file
in the run folder or the cache, for a random n: these are the moments at which a kill could do
damage. After each kill the same training is started again. When it reaches its end it is compared,
and the next training begins. Everything but the training time must be equal, bit for bit. With 50
kills or more the program continues until there has been a kill in each of the promised phases.
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

from tests.faults import programs
from tf_ttur.commands import flags, program

_WATCHED = {"open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.chmod"}
# What the training was doing, by the innermost of these functions on its stack.
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
    "_make_updates": "updates and tracing",
}
_PROMISED = {"updates and tracing", "evaluation", "checkpoint", "statistics", "export"}
_MOST_KILLS_PER_RUN = 10  # so that several runs reach their end


def campaign(kills, seed, folder, phases=frozenset()):
    """Kills this many times, or up to three times as often until each phase has had a kill.

    Args:
      kills: how many.
      seed: of their times.
      folder: an empty one.
      phases: values of _PHASES that must have a kill.

    Returns:
      Dict: kills by phase and by kind, phases without a kill, number of runs that reached their
        end, and what differed in any of them.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    context = multiprocessing.get_context("forkserver")  # imports TensorFlow once for all runs
    context.set_forkserver_preload(["tf_ttur.training.loop"])
    from tests.metrics.mini_inception import graph_bytes

    (folder / "graph.pb").write_bytes(graph_bytes())
    started = time.monotonic()
    status = _start(context, folder, "undisturbed")
    seconds = time.monotonic() - started
    assert status == 0, f"the undisturbed training ends with {status}"
    accesses = json.loads((folder / "undisturbed.accesses").read_text(encoding="utf-8"))
    expected = fingerprint(folder / "undisturbed", folder / "undisturbed.cache")

    generator = random.Random(seed)
    counts = collections.Counter()
    kinds = collections.Counter()
    different = []
    runs = 0

    def enough():
        total = counts.total()
        return total >= kills and (phases <= counts.keys() or total >= 3 * kills)

    while not enough() or runs == 0:
        run = f"run-{runs}"
        for kills_of_run in range(_MOST_KILLS_PER_RUN + 1):
            kill = None
            if not enough() and kills_of_run < _MOST_KILLS_PER_RUN:
                kill = _draw_kill(generator, seconds, accesses)
            status = _start(context, folder, run, kill)
            if status == 0:
                break
            assert status == -signal.SIGKILL, f"started again, the training ends with {status}"
            counts[(folder / f"{run}.phase").read_text(encoding="utf-8")] += 1
            kinds[kill[0]] += 1
        result = fingerprint(folder / run, folder / f"{run}.cache")
        different += [f"{run}: {name}" for name in differences(expected, result)]
        runs += 1
    return {
        "kills": counts.total(),
        "by phase": dict(counts),
        "phases missed": sorted(phases - counts.keys()),
        "by kind": dict(kinds),
        "runs": runs,
        "different": different,
    }


def _draw_kill(generator, seconds, accesses):
    """When to kill: ("time", seconds) or ("touch", n-th access to a file)."""
    if generator.random() < 0.5:
        return "time", generator.uniform(0, seconds)
    return "touch", generator.randint(1, accesses)


def _start(context, folder, run, kill=None):
    """Trains in a process of its own, and returns its exit status."""
    process = context.Process(target=_train, args=(folder, run, kill))
    process.start()
    process.join()
    return process.exitcode


def fingerprint(workdir, cache=None):
    """{name: value or digest} of everything that a training leaves, except the time it took.

    Args:
      workdir: the run folder.
      cache: the folder TF_TTUR_CACHE of the training; its statistics are included.
    """
    import tensorflow as tf

    text = (workdir / "metrics.jsonl").read_text(encoding="utf-8")
    rows = [json.loads(line) for line in text.splitlines()]
    prints = {f"{row['name']} {row['update']}": row["value"] for row in rows}
    prints["order of the rows"] = [(row["update"], row["name"]) for row in rows]
    for path in sorted([*workdir.glob("samples/*"), *workdir.glob("warnings.jsonl")]):
        prints[path.name] = hashlib.sha256(path.read_bytes()).hexdigest()
    if (workdir / "export").exists():
        sample = tf.saved_model.load(str(workdir / "export")).signatures["sample"]
        images = sample(count=tf.constant(8), seed=tf.constant(0))["images"]
        prints["images of the export"] = images.numpy().tobytes()
    for path in (
        *workdir.glob("checkpoints/**/*.index"),
        *workdir.glob("export/variables/*.index"),
    ):
        reader = tf.train.load_checkpoint(str(path.with_suffix("")))
        for name in reader.get_variable_to_shape_map():
            if "/.ATTRIBUTES/VARIABLE_VALUE" in name and "training_seconds" not in name:
                digest = hashlib.sha256(reader.get_tensor(name).tobytes()).hexdigest()
                prints[f"{path.relative_to(workdir)} {name}"] = digest
    if cache is not None:
        for path in cache.glob("statistics/[!.]*"):  # hidden files are unfinished ones
            with np.load(path) as arrays:
                for name in arrays.files:
                    prints[f"{path.name} {name}"] = arrays[name].tobytes()
    return prints


def differences(first, second):
    """The names of what is not the same in two fingerprints."""
    return [name for name in sorted(first | second) if first.get(name) != second.get(name)]


def small_config():
    """A training in which everything happens several times."""
    from tf_ttur import config as configs

    config = configs.default()
    config.name = "kills"
    config.variant = "tiny"
    config.data.source = "digits:64"
    config.batch_size = 8
    config.updates = 24
    config.model.width = 4
    config.discriminator.learning_rate = 1e-3
    config.generator.learning_rate = 2e-3
    config.evaluation.every_updates = 6
    config.evaluation.num_samples = 100
    config.evaluation.sample_batch_size = 50
    config.evaluation.feature_batch_size = 20
    config.samples_every_updates = 4
    config.checkpoint_every_updates = 2
    config.log_every_updates = 1
    config.check_every_updates = 3
    return configs.validate(config)


def _train(folder, run, kill):
    """Trains in this process, and kills it where `kill` says."""
    os.environ["TF_TTUR_CACHE"] = str(folder / f"{run}.cache")
    # It stays open until the process ends.
    sys.stderr = open(folder / f"{run}.log", "a", encoding="utf-8")  # noqa: SIM115
    main_thread = threading.main_thread().ident
    accesses = 0
    watched = (f"{folder / run}/", str(folder / f"{run}.cache"))

    def die():
        phase = _phase(sys._current_frames()[main_thread])
        descriptor = os.open(folder / f"{run}.phase", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.write(descriptor, phase.encode())
        os.kill(os.getpid(), signal.SIGKILL)

    def watch(event, arguments):
        nonlocal accesses
        if event in _WATCHED and isinstance(arguments[0], str | os.PathLike):
            path = os.fspath(arguments[0])
            if isinstance(path, str) and path.startswith(watched):
                accesses += 1
                if kill == ("touch", accesses):
                    die()

    sys.addaudithook(watch)
    if kill and kill[0] == "time":
        timer = threading.Timer(kill[1], die)
        timer.daemon = True
        timer.start()
    import tensorflow as tf

    from tf_ttur.metrics.extraction import Extraction
    from tf_ttur.training import loop

    # Its state is saved at every opportunity, so that the next start resumes from one.
    Extraction.EVERY_SECONDS = 0
    # To optimize the graphs takes longer than these few updates.
    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
    loop.train(small_config(), folder / run, folder / "graph.pb")
    (folder / f"{run}.accesses").write_text(json.dumps(accesses), encoding="utf-8")
    os._exit(0)  # without waiting for the timer


def _phase(frame):
    """What a training is doing, by the innermost function of `_PHASES` on the stack of `frame`."""
    while frame:
        phase = _PHASES.get(frame.f_code.co_name)
        if phase and "tf_ttur" in frame.f_code.co_filename:
            return phase
        frame = frame.f_back
    return "start"


def main():
    parser = programs.parser(__doc__, "kills")
    parser.add_argument("--kills", type=flags.positive, default=50, help="how many [50]")
    parser.add_argument("--seed", type=flags.seed, default=0, help="of their times [0]")
    arguments = parser.parse_args()
    phases = _PROMISED if arguments.kills >= 50 else frozenset()
    with tempfile.TemporaryDirectory() as folder:
        report = campaign(arguments.kills, arguments.seed, pathlib.Path(folder), phases)
    report = {"seed": arguments.seed} | report
    print(programs.as_json(report), end="")
    programs.write(report, arguments.output)
    sys.exit(bool(report["different"] or report["phases missed"]))


if __name__ == "__main__":
    program.run(main)
