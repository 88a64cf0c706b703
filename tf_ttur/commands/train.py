"""Trains one experiment. The same command on the same folder resumes where it stopped.

tf-ttur train --config svhn                             # a card that ships: two time scales
tf-ttur train --config svhn:orig --workdir runs/one     # a variant of it
tf-ttur train --config my_card.py --config.data.source=photos/
                                                        # your own card, with a changed value
"""

from collections.abc import Sequence

from ml_collections import ConfigDict

from tf_ttur import config as configs
from tf_ttur.commands import flags, program
from tf_ttur.io import console


def main(words: Sequence[str]) -> None:
    parser = flags.parser(__doc__, "train")
    flags.add_config(parser)
    run = parser.add_argument_group("the run")
    run.add_argument("--workdir", metavar="DIR", help="the run folder [runs/NAME-VARIANT-seedSEED]")
    run.add_argument(
        "--dry-run", action="store_true", help="print the experiment as it would run, and stop"
    )
    flags.add_network(parser, batch_size=False, precision=False)
    arguments = parser.parse_args(words)
    config = flags.read_config(arguments)
    workdir = arguments.workdir or f"runs/{configs.run_name(config)}"
    if arguments.dry_run:
        program.start_tensorflow()
        from tf_ttur.training import description

        print(description.describe(config, workdir))
        return
    console.say(configs.summary(config))
    program.start_tensorflow(lambda: _join_workers(config))
    from tf_ttur.training import loop

    export = loop.train(config, workdir, arguments.inception, arguments.trust)
    print(f"metrics    {workdir}/metrics.jsonl\nsamples    {workdir}/samples\ngenerator  {export}")


def _join_workers(config: ConfigDict) -> None:
    """Finds the other processes where several train; TensorFlow wants that done before all else."""
    if config.distribution == "multi_worker":
        from tf_ttur.training import devices

        devices.multi_worker_strategy()
