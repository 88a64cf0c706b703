"""Trains one experiment. The same command on the same folder resumes where it stopped.

    tf-ttur train --config svhn                             # a card that ships: two time scales
    tf-ttur train --config svhn:orig --workdir runs/one     # a variant of it
    tf-ttur train --config my_card.py --config.data.source=photos/
                                                            # your own card, with a changed value

The run folder receives metrics, samples, checkpoints, and at the end the exported generator.
"""

import contextlib
from collections.abc import Mapping, Sequence

from ml_collections import ConfigDict

from tf_ttur import config as configs
from tf_ttur import runs
from tf_ttur.commands import flags, program
from tf_ttur.errors import UserError
from tf_ttur.io import console, outputs
from tf_ttur.registry import Value


def main(words: Sequence[str]) -> None:
    """Runs the command with these arguments."""
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
        "--dry-run", action="store_true", help="describe the experiment without running it"
    )
    flags.add_network(parser, batch_size=False, precision=False)
    arguments = parser.parse_args(words)
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
        workdir = _default_folder(config, changes)
    workdir = str(outputs.check_folder(workdir, "--workdir"))
    if arguments.dry_run:
        program.start_tensorflow()
        from tf_ttur.training import description

        print(description.describe(config, workdir))
        return
    console.say(configs.summary(config))
    _start(config)
    from tf_ttur.training import loop

    export = loop.train(config, workdir, arguments.inception, arguments.trust)
    print(f"metrics    {workdir}/metrics.jsonl\nsamples    {workdir}/samples\ngenerator  {export}")


def _default_folder(config: ConfigDict, changes: Mapping[str, Value]) -> str:
    """The run folder of a command line that names none.

    A folder under the card's own name is taken if it already holds exactly this run: earlier
    versions had no other names.
    """
    plain = f"runs/{configs.run_name(config)}"
    own = f"runs/{configs.folder_name(config, changes)}"
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
