"""Trains one experiment.

    python -m tf_ttur.train --config configs/svhn.py[:VARIANT] [--workdir DIR] [--config.KEY=VALUE ...]

Run again on the same folder it goes on where it stopped.
"""

import sys

from absl import flags

from tf_ttur import command, config_flag
from tf_ttur import config as configs
from tf_ttur.errors import UserError

_CONFIG = config_flag.define()
_WORKDIR = flags.DEFINE_string("workdir", None, "The run folder. [default: runs/NAME-VARIANT-seedSEED]")
_INCEPTION = flags.DEFINE_string("inception", None, "The Inception network: a .pb, the .tgz, a folder with either, or hub:HANDLE.")
_TRUST = flags.DEFINE_boolean("trust", False, "Let a hub: module hold any operation, on files too.")
_DRY_RUN = flags.DEFINE_boolean("dry-run", False, "Print the experiment as it would run, and stop.")


def main(arguments):
    if arguments:
        raise UserError(f"unexpected {' '.join(arguments)}", "flags only", "see --help")
    config = config_flag.read(_CONFIG)
    workdir = _WORKDIR.value or f"runs/{configs.run_name(config)}"
    if _DRY_RUN.value:
        command.start_tensorflow()
        print(describe(config, workdir))
        return
    print(configs.summary(config), file=sys.stderr)
    command.start_tensorflow(lambda: join_workers(config))
    from tf_ttur.training import loop

    export = loop.train(config, workdir, _INCEPTION.value, _TRUST.value)
    print(f"metrics    {workdir}/metrics.jsonl\nsamples    {workdir}/samples\ngenerator  {export}")


def join_workers(config):
    """Finds the other processes of a training by several, which TensorFlow wants done before all else."""
    if config.distribution == "multi_worker":
        from tf_ttur.training import devices

        devices.multi_worker_strategy()


def describe(config, workdir):
    """The resolved experiment in words and numbers."""
    from tf_ttur.data import text
    from tf_ttur.training import evaluation as evaluations
    from tf_ttur.training import rates, state

    language = config.model.architecture == "language"
    symbols, known = 0, text.is_prepared(config.data.dir)
    if language:  # shards would have to be read
        symbols = len(evaluations.vocabulary(evaluations.open_examples(config))) if known else config.data.max_symbols
    players = state.State(config, symbols)
    a2 = rates.check_a2(config)
    evaluation = config.evaluation
    times = len(range(0, config.updates, evaluation.every_updates)) + 1 if evaluation.every_updates else 0
    sizes = [sum(int(v.shape.num_elements()) for v in network.trainable_variables) for network in (players.generator, players.discriminator)]
    lines = [
        configs.summary(config),
        f"  run folder     {workdir}",
        f"  generator      {sizes[0]:,} trainable parameters",
        f"  discriminator  {sizes[1]:,} trainable parameters",
        f"  updates        {config.updates:,}, each with {config.discriminator.steps} discriminator steps of {config.batch_size} examples",
        f"  evaluation     {times} times {evaluation.num_samples:,} samples" + ("" if language else f": {times * evaluation.num_samples:,} images through the network"),
        f"  theorem 1      assumption A2 on the step sizes {'holds' if a2.holds else 'does not hold'}: {a2.words}",
        *([f"  vocabulary     {symbols} symbols" + ("" if known else " at most; these are the parameters with so many")] if language else []),
        "",
        configs.to_json(config),
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    command.run(lambda: config_flag.run(main))
