"""Every kind of model at a size that trains in seconds, and its training without a run folder."""

import numpy as np

from tf_ttur import config as configs
from tf_ttur.training import devices, evaluation, resident
from tf_ttur.training import update as updates
from tf_ttur.training.faults import Results
from tf_ttur.training.state import State


def dcgan():
    config = configs.default()
    config.model.width = 4
    return config


def wgan_gp():
    config = configs.wgan_gp(critic_steps=1)
    config.model.width = 4
    return config


def packed():
    config = wgan_gp()
    config.model.samples_per_score = 4
    return config


def sngan():
    config = configs.sngan(discriminator_steps=1)
    config.model.width = 4
    config.data.image_size = 16
    config.data.crop = "square"
    return config


def language():
    config = configs.wgan_gp(critic_steps=1)
    config.model.architecture = "language"
    config.model.width = 8
    config.data.line_length = 8
    config.data.files = "*.txt"
    return config


def began():
    config = configs.began()
    config.model.width = 4
    return config


MODELS = {make.__name__: make for make in (dcgan, wgan_gp, packed, sngan, language, began)}


def build(name, folder, **changes):
    """The config of one of MODELS, with changes such as {"generator.optimizer": "sgd"}.

    Lines that it learns from are written to `folder`.
    """
    config = MODELS[name]()
    config.name = name
    config.variant = "tiny"
    config.batch_size = 8
    config.updates = 4
    config.discriminator.learning_rate = 1e-3
    config.generator.learning_rate = 2e-3
    if name == "language":
        write_lines(folder)
        config.data.dir = str(folder)
    else:
        config.data.source = "digits:64"
    config.update_from_flattened_dict(changes)
    return configs.validate(config)


def write_lines(folder, count=200):
    """A shard of lines with few symbols."""
    random = np.random.default_rng(0)
    (folder / "lines.txt").write_text(
        "".join(
            "".join(random.choice(list("ab cd"), random.integers(0, 12))) + "\n"
            for _ in range(count)
        )
    )


class Training:
    """State and update of a config under a strategy.

    Args:
      config, strategy: as said.
      compiled: whether XLA compiles the updates.
      per_call: updates in a call.
      is_resident: whether the data set lives on the devices.

    Attributes:
      state: `training.state.State`.
      examples: what it learns from.
      strategy: as given.
    """

    def __init__(self, config, strategy, compiled=False, per_call=1, is_resident=False):
        self.examples = evaluation.open_examples(config)
        self.vocabulary = self.examples.vocabulary
        with strategy.scope():
            self.state = State(config, len(self.vocabulary))
        self.strategy = strategy
        self._arguments = (config, strategy, self.examples)
        self._batch_size = devices.batch_per_replica(config, strategy)
        self._resident = None
        if is_resident:
            self._resident = resident.resident(*self._arguments, self._batch_size)
        update = updates.build_update(
            config, strategy, self.state, self.examples.encode, compiled, self._resident
        )
        self._calls = updates.Updates(update, per_call)

    def go(self, first, count):
        """Makes `count` updates after the first `first` ones; returns a {name: value} of each."""
        iterator = None
        if not self._resident:
            iterator = updates.distribute_batches(*self._arguments, self._batch_size, first)
        rows = []
        for start in range(first, first + count, self._calls.at_most):
            size = min(self._calls.at_most, first + count - start)
            values, faults = self._calls(start, size, iterator)
            results = Results(start + 1, size, values, faults)
            rows += [results.values_of(start + 1 + index) for index in range(size)]
        return rows

    def weights(self):
        """All weights as a list of arrays, the generator's first."""
        return self.state.generator.get_weights() + self.state.discriminator.get_weights()
