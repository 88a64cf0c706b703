"""Describes an experiment without running it."""

import keras
from ml_collections import ConfigDict

from tf_ttur import config as configs
from tf_ttur.data import Examples, sources, text
from tf_ttur.training import evaluation, presentation, rates, run_folder, state
from tf_ttur.training.starts import Start


def describe(config: ConfigDict, workdir: str, start: Start | None = None) -> str:
    """The resolved experiment in words and numbers.

    The run folder and the data are checked as a training does it; data only where that is quick.

    Args:
      config: the validated config.
      workdir: the run folder that it would have.
      start: the checkpoint of another run that it would begin with, or None.

    Raises:
      UserError: the training would be refused: that checkpoint is of other networks, the folder
        holds another run, or the data cannot be used.
    """
    run_folder.check(workdir, config)
    has_vocabulary = configs.kind_of(config).has_vocabulary
    examples = _open_examples(config)
    if examples is None and start and has_vocabulary:
        examples = evaluation.open_examples(config)  # it must have the vocabulary of the start
    vocabulary = examples.vocabulary if examples else ()
    # Only prepared lines store their vocabulary; for others all shards would have to be read.
    symbols = (len(vocabulary) or config.data.max_symbols) if has_vocabulary else 0
    players = state.State(config, symbols)
    if start:
        start.check(config, players, vocabulary)
    a2 = rates.check_a2(config)
    lines = [
        configs.summary(config),
        f"  run folder     {workdir}",
        f"  begins with    {start or 'initial weights'}",
        f"  data           {_describe_data(config, examples)}",
        f"  generator      {_count_parameters(players.generator):,} trainable parameters",
        f"  discriminator  {_count_parameters(players.discriminator):,} trainable parameters",
        f"  updates        {config.updates:,}, each with {config.discriminator.steps}"
        f" discriminator steps of {config.batch_size} examples",
        f"  evaluation     {_describe_evaluations(config, has_vocabulary)}",
        "  theorem 1      assumption A2 on the step sizes"
        f" {'holds' if a2.holds else 'does not hold'}: {a2.words}",
    ]
    if has_vocabulary:
        lines.append(f"  vocabulary     {symbols} symbols")
        if examples is None:
            lines[-1] += " at most; the parameter counts assume this size"
    return "\n".join([*lines, "", configs.to_json(config)])


def _open_examples(config: ConfigDict) -> Examples | None:
    """The examples, checked as in a training; None where they are not here or take long to open."""
    if configs.kind_of(config).has_vocabulary:
        is_quick = text.is_prepared(config.data.dir)
    else:
        is_quick = sources.opens_at_once(config.data.source)
    if not is_quick:
        return None
    examples = evaluation.open_examples(config)
    examples.check_batches(config.batch_size * config.discriminator.steps)
    return examples


def _describe_data(config: ConfigDict, examples: Examples | None) -> str:
    if examples is None:
        return "not opened, so not checked"
    return presentation.of_config(config, examples.vocabulary).count(examples.num_examples)


def _describe_evaluations(config: ConfigDict, has_vocabulary: bool) -> str:
    times = _count_evaluations(config)
    num_samples = config.evaluation.num_samples
    words = f"{times} times {num_samples:,} samples"
    if not has_vocabulary:
        words += f": {times * num_samples:,} images through the network"
    return words


def _count_evaluations(config: ConfigDict) -> int:
    every = config.evaluation.every_updates
    return len(range(0, config.updates, every)) + 1 if every else 0


def _count_parameters(network: keras.Model) -> int:
    return sum(int(variable.shape.num_elements()) for variable in network.trainable_variables)
