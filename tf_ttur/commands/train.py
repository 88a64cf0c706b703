"""Trains one experiment. The same command on the same folder resumes where it stopped.

    tf-ttur train --config svhn                             # a card that ships: two time scales
    tf-ttur train --config svhn:orig --workdir runs/one     # a variant of it
    tf-ttur train --config my_card.py --config.data.source=photos/
                                                            # your own card, with a changed value
    tf-ttur train --config svhn --from runs/svhn-ttur-seed0@best --config.seed=1
                                                            # a new run with the weights of another

The run folder receives metrics, samples, checkpoints, and at the end the exported generator.
"""

import contextlib
import pathlib
from collections.abc import Mapping, Sequence

from ml_collections import ConfigDict

from tf_ttur import config as configs
from tf_ttur import runs
from tf_ttur.commands import flags, program, restart
from tf_ttur.errors import UserError
from tf_ttur.io import console, outputs
from tf_ttur.registry import Value


def main(words: Sequence[str]) -> None:
    """Runs the command with these arguments."""
    arguments = _parser().parse_args(words)
    if arguments.workdir:
        runs.open_run(arguments.workdir).record_objects()  # for a resume from another folder
    config, changes = flags.read_changed(arguments, _start)
    if configs.kind_of(config).has_vocabulary or not config.evaluation.every_updates:
        flags.refuse_unused(
            arguments,
            ["--inception"],
            f"with {configs.run_name(config)}, which is trained without the Inception network",
            "an experiment of images that is evaluated",
        )
    workdir = arguments.workdir
    if workdir is None:
        workdir = _default_folder(config, changes, _name_of_start(arguments.start_from))
    workdir = str(outputs.check_folder(workdir, "--workdir"))
    config = runs.open_run(workdir).settled(config)
    if arguments.dry_run:
        program.start_tensorflow()
        from tf_ttur.training import description, starts

        start = starts.find(workdir, arguments.start_from, arguments.from_optimizers)
        print(description.describe(config, workdir, start))
        return
    console.say(configs.summary(config))
    _start(config)
    export = _train(words, arguments, config, workdir)
    print(f"metrics    {workdir}/metrics.jsonl\nsamples    {workdir}/samples\ngenerator  {export}")
    from tf_ttur.studies import outcome

    print("\n".join(outcome.lines(runs.open_run(workdir))))


def _parser() -> flags.Parser:
    parser = flags.parser(__doc__, "train")
    flags.add_config(parser)
    run = parser.add_argument_group("the run")
    run.add_argument(
        "--workdir",
        metavar="DIR",
        help="the run folder [runs/NAME-VARIANT-seedSEED, followed by -KEY=VALUE for each changed"
        " key that decides the weights]",
    )
    run.add_argument(
        "--from",
        dest="start_from",
        metavar="RUN[@UPDATE|@best]",
        help="begin with the weights of a checkpoint of another run: its newest one, the one after"
        " UPDATE updates, or the best one",
    )
    run.add_argument(
        "--from-optimizers",
        action="store_true",
        help="take over the state of that run's optimizers, too",
    )
    run.add_argument(
        "--dry-run", action="store_true", help="describe the experiment without running it"
    )
    flags.add_network(parser, batch_size=False, precision=False)
    return parser


def _train(
    words: Sequence[str], arguments: flags.Arguments, config: ConfigDict, workdir: str
) -> pathlib.Path:
    """Trains, and returns the path of the export."""
    from tf_ttur.training import faults, loop

    try:
        return loop.train(
            config,
            workdir,
            arguments.inception,
            arguments.trust,
            start_from=arguments.start_from,
            start_with_optimizers=arguments.from_optimizers,
        )
    except faults.NotFinite as error:
        again = restart.command(words, config, workdir, error.last_checkpoint)
        raise error.with_command(again) from error


def _name_of_start(word: str | None) -> str:
    """What names the checkpoint that a run begins with, in the name of its folder; or ""."""
    if word is None:
        return ""
    folder, asked = runs.split_word(word, "--from")
    return f"{folder.name}@{asked}" if asked else folder.name


def _default_folder(config: ConfigDict, changes: Mapping[str, Value], start: str = "") -> str:
    """The run folder of a command line that names none.

    A folder under the card's own name is taken if it already holds exactly this run: earlier
    versions had no other names.
    """
    plain = f"runs/{configs.run_name(config)}"
    own = f"runs/{configs.folder_name(config, changes, start)}"
    if own == plain or runs.open_run(own).exists:
        return own
    run = runs.open_run(plain)
    with contextlib.suppress(UserError):  # a damaged folder is not this run
        if run.exists and not run.differences(config):
            return plain
    return own


def _start(config: ConfigDict) -> None:
    program.start_tensorflow(lambda: _join_workers(config))


def _join_workers(config: ConfigDict) -> None:
    """Connects to the other processes of a multi-worker run; TensorFlow requires this first."""
    if config.distribution == "multi_worker":
        from tf_ttur.training import devices

        devices.multi_worker_strategy()
