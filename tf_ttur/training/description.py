"""Describes an experiment without running it."""

import keras
from ml_collections import ConfigDict

from tf_ttur import config as configs
from tf_ttur.data import text
from tf_ttur.training import evaluation, rates, state
from tf_ttur.training.starts import Start


def describe(config: ConfigDict, workdir: str, start: Start | None = None) -> str:
    """The resolved experiment in words and numbers.

    Args:
      config: the validated config.
      workdir: the run folder that it would have.
      start: the checkpoint of another run that it would begin with, or None.

    Raises:
      UserError: that checkpoint is of other networks.
    """
    has_vocabulary = configs.kind_of(config).has_vocabulary
    symbols = _count_symbols(config) if has_vocabulary else 0
    players = state.State(config, symbols)
    vocabulary = evaluation.open_examples(config).vocabulary if start and has_vocabulary else ()
    if start:
        start.check(config, players, vocabulary)
    a2 = rates.check_a2(config)
    lines = [
        configs.summary(config),
        f"  run folder     {workdir}",
        f"  begins with    {start or 'initial weights'}",
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
        if not text.is_prepared(config.data.dir):
            lines[-1] += " at most; the parameter counts assume this size"
    return "\n".join([*lines, "", configs.to_json(config)])


def _describe_evaluations(config: ConfigDict, has_vocabulary: bool) -> str:
    times = _count_evaluations(config)
    num_samples = config.evaluation.num_samples
    words = f"{times} times {num_samples:,} samples"
    if not has_vocabulary:
        words += f": {times * num_samples:,} images through the network"
    return words


def _count_symbols(config: ConfigDict) -> int:
    """The size of the vocabulary, or the largest size that it may have.

    Only prepared lines store their vocabulary; for others all shards would have to be read.
    """
    if not text.is_prepared(config.data.dir):
        return config.data.max_symbols
    return len(evaluation.open_examples(config).vocabulary)


def _count_evaluations(config: ConfigDict) -> int:
    every = config.evaluation.every_updates
    return len(range(0, config.updates, every)) + 1 if every else 0


def _count_parameters(network: keras.Model) -> int:
    return sum(int(variable.shape.num_elements()) for variable in network.trainable_variables)
