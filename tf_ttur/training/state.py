"""Everything that a checkpoint holds."""

import contextlib
import pathlib
from collections.abc import Iterator

import google.protobuf.message
import tensorflow as tf
from ml_collections import ConfigDict

from tf_ttur import losses, registry
from tf_ttur.errors import UserError
from tf_ttur.models import AUGMENTATIONS
from tf_ttur.training import networks, own_objects, rates
from tf_ttur.training.average import WeightAverage

# What TensorFlow raises for a checkpoint that is cut off, changed or incomplete.
_DAMAGE = (tf.errors.OpError, google.protobuf.message.DecodeError, IndexError)

# What it raises for other causes.
_NO_DAMAGE = (
    tf.errors.ResourceExhaustedError,
    tf.errors.PermissionDeniedError,
    tf.errors.UnavailableError,
)

VALUE = ".ATTRIBUTES/VARIABLE_VALUE"  # how a checkpoint ends the name of a variable

_EXPECTED = "a whole checkpoint of this experiment"
_CURE = "put a good copy in its place, or resume the training, which sets it aside"


class Damaged(UserError):
    """A checkpoint whose files cannot be read."""


class GeneratorState:
    """What an export needs of a checkpoint: the generator, its average, and the count of updates.

    Args:
      config: the validated config. The discriminator and the loss need not be there.
      symbols: size of the vocabulary where the networks learn from lines.

    Attributes:
      symbols: as given.
      generator: the network, at first with its initial weights.
      average: of the generator's weights; None where `generator.ema_decay` is 0.
      updates: int64 variable, the count of updates when it was last saved.
    """

    @networks.keras_defaults()
    def __init__(self, config: ConfigDict, symbols: int = 0) -> None:
        self.symbols = symbols
        self.generator = networks.build_generator(config, symbols)
        self.average = WeightAverage(self.generator) if config.generator.ema_decay else None
        self.updates = tf.Variable(0, dtype=tf.int64, trainable=False)
        self._presents_average = config.evaluation.weights != "live"

    def read(self, checkpoint: str) -> None:
        """Restores the generator from the checkpoint with this path.

        Raises:
          Damaged: it cannot be read completely.
          UserError: it holds other variables.
          OSError: the operating system refuses to read it.
        """
        variables = self._variables_of_generator()
        surplus = f"generator/{len(variables['generator'])}/{VALUE}"
        with reading(checkpoint):
            if surplus in tf.train.load_checkpoint(checkpoint).get_variable_to_shape_map():
                raise ValueError("its generator has more of them")
            status = tf.train.Checkpoint(updates=self.updates, **variables).read(checkpoint)
            status.assert_existing_objects_matched().expect_partial()

    def averaged(self) -> contextlib.AbstractContextManager[None]:
        """Within the block the generator has the averaged weights, if there are any."""
        return contextlib.nullcontext() if self.average is None else self.average.applied()

    def presented(self) -> contextlib.AbstractContextManager[None]:
        """Within the block the generator has the weights that are measured, shown and exported."""
        return self.averaged() if self._presents_average else contextlib.nullcontext()

    def _variables_of_generator(self) -> dict[str, list[tf.Variable]]:
        """{name in a checkpoint: variables}."""
        # Lists of variables, because a checkpoint does not see the layers that a Keras 3 model
        # keeps in a list.
        variables = {"generator": [variable.value for variable in self.generator.variables]}
        if self.average is not None:
            variables["generator_average"] = self.average.variables
        return variables


class State(GeneratorState):
    """Both networks, both optimizers, the count of updates and the training time.

    Data order and random numbers are functions of the count of updates, so this is the whole state
    of a run. It must be created in the strategy's scope.

    Args:
      config: the validated config.
      symbols: size of the vocabulary where the networks learn from lines.

    Attributes:
      discriminator: the network, at first with its initial weights.
      discriminator_optimizer, generator_optimizer: the optimizers of both players.
      training_seconds: float64 variable, saved with the count of updates.
      balance: float32 variable of a balanced loss, else None.
      checkpoint: the `tf.train.Checkpoint` of all of it.
    """

    @networks.keras_defaults()
    def __init__(self, config: ConfigDict, symbols: int = 0) -> None:
        super().__init__(config, symbols)
        self.discriminator = networks.build_discriminator(config, symbols)
        self.generator_optimizer = rates.optimizer(
            config.generator, config.updates * config.generator.steps, "generator_optimizer"
        )
        self.discriminator_optimizer = rates.optimizer(
            config.discriminator,
            config.updates * config.discriminator.steps,
            "discriminator_optimizer",
        )
        self.generator_optimizer.build(self.generator.trainable_variables)
        self.discriminator_optimizer.build(self.discriminator.trainable_variables)
        self.training_seconds = tf.Variable(0.0, dtype=tf.float64, trainable=False)
        self.balance: tf.Variable | None = None
        if losses.LOSSES.find(config.loss).balanced:
            self.balance = tf.Variable(
                0.0, trainable=False, aggregation=tf.VariableAggregation.ONLY_FIRST_REPLICA
            )
        loss = losses.as_batch_loss(losses.pair(config.loss, self.balance))
        shape = networks.example_shape(config, symbols)
        if registry.is_object(config.loss):
            own_objects.check_loss(config.loss, loss, shape)
        if word := config.discriminator.penalty:
            own_objects.check_penalty(word, losses.OWN_PENALTIES.find(word), shape)
        if word := config.discriminator.augment:
            own_objects.check_augmentation(word, AUGMENTATIONS.find(word), shape)
        self.checkpoint = self._build_checkpoint()

    def read(self, checkpoint: str) -> None:
        """Restores all of the checkpoint with this path; errors as of `GeneratorState.read`."""
        with reading(checkpoint):
            self.checkpoint.read(checkpoint).assert_consumed()

    @contextlib.contextmanager
    def taken_back(self) -> Iterator[None]:
        """After the block all variables are as before it."""
        before = [tf.identity(variable) for variable in self._variables]
        try:
            yield
        finally:
            for variable, value in zip(self._variables, before, strict=True):
                variable.assign(value)

    def weight_norms(self) -> dict[str, float]:
        """The Euclidean norm of each player's weights, which A5 of Theorem 1 assumes bounded."""
        players = {
            "weight_norm/generator": self.generator,
            "weight_norm/discriminator": self.discriminator,
        }
        return {
            name: float(tf.linalg.global_norm([v.value for v in network.trainable_variables]))
            for name, network in players.items()
        }

    def _build_checkpoint(self) -> tf.train.Checkpoint:
        names = ("discriminator", "generator_optimizer", "discriminator_optimizer")
        variables = self._variables_of_generator() | {
            name: [variable.value for variable in getattr(self, name).variables] for name in names
        }
        balance = {} if self.balance is None else {"balance": self.balance}
        self._variables = tf.nest.flatten([variables, balance])
        checkpoint = tf.train.Checkpoint(
            updates=self.updates, training_seconds=self.training_seconds, **balance, **variables
        )
        # Creates the counter: earlier versions wrote it, and `assert_consumed` must know all that a
        # checkpoint holds.
        _ = checkpoint.save_counter
        return checkpoint


@contextlib.contextmanager
def reading(checkpoint: str) -> Iterator[None]:
    """Names a failure of the block, in which TensorFlow reads the checkpoint with this path.

    Raises:
      Damaged, UserError, OSError: as `State.read`.
    """
    _check_readable(pathlib.Path(checkpoint))
    try:
        yield
    except _NO_DAMAGE as error:
        reason = error.message.splitlines()[0]
        raise OSError(f"the checkpoint {checkpoint} cannot be read ({reason})") from error
    except _DAMAGE as error:
        found = f"the checkpoint {checkpoint} is damaged ({_first_line(error)})"
        raise Damaged(found, _EXPECTED, _CURE) from error
    except (AssertionError, ValueError) as error:
        found = f"the checkpoint {checkpoint} holds other variables ({_first_line(error)})"
        raise UserError(found, _EXPECTED, _CURE) from error


def _check_readable(path: pathlib.Path) -> None:
    """Raises `OSError` for a file that may not be read, which TensorFlow would call damaged."""
    for part in path.parent.glob(f"{path.name}.*"):
        with part.open("rb") as file:
            file.read(1)


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]
