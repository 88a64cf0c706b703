"""Everything that a checkpoint holds."""

import pathlib

import google.protobuf.message
import tensorflow as tf

from tf_ttur.errors import UserError
from tf_ttur.losses import LOSSES
from tf_ttur.training import networks, rates

# What TensorFlow raises for a checkpoint that is cut off, changed or not there as a whole, and what
# has other causes.
_DAMAGE = (tf.errors.OpError, google.protobuf.message.DecodeError, IndexError)
_NO_DAMAGE = (
    tf.errors.ResourceExhaustedError,
    tf.errors.PermissionDeniedError,
    tf.errors.UnavailableError,
)


class Damaged(UserError):
    """A checkpoint whose files cannot be read."""


class State:
    """Both networks, both optimizers, the count of updates and the training time. To be made in the
    strategy's scope.

    Data order and random numbers are functions of the count of updates, so this is the whole state
    of a run.
    """

    def __init__(self, config, symbols=0):
        """Makes both networks with their initial weights; `symbols` is the size of the vocabulary
        where they make lines.
        """
        self._config = config
        self.symbols = symbols
        self.generator = networks.build_generator(config, symbols)
        self.discriminator = networks.build_discriminator(config, symbols)
        steps = config.updates * config.discriminator.steps
        self.generator_optimizer = rates.optimizer(
            config.generator, config.updates, "generator_optimizer"
        )
        self.discriminator_optimizer = rates.optimizer(
            config.discriminator, steps, "discriminator_optimizer"
        )
        self.generator_optimizer.build(self.generator.trainable_variables)
        self.discriminator_optimizer.build(self.discriminator.trainable_variables)
        self.updates = tf.Variable(0, dtype=tf.int64, trainable=False)
        self.training_seconds = tf.Variable(0.0, dtype=tf.float64, trainable=False)
        # Lists of variables, because a checkpoint does not see the layers that a Keras 3 model
        # keeps in a list.
        parts = ("generator", "discriminator", "generator_optimizer", "discriminator_optimizer")
        self.balance = None  # of the boundary equilibrium
        if LOSSES.find(config.loss).balanced:
            self.balance = tf.Variable(
                0.0, trainable=False, aggregation=tf.VariableAggregation.ONLY_FIRST_REPLICA
            )
        extra = {} if self.balance is None else {"balance": self.balance}
        self.checkpoint = tf.train.Checkpoint(
            updates=self.updates,
            training_seconds=self.training_seconds,
            **extra,
            **{
                part: [variable.value for variable in getattr(self, part).variables]
                for part in parts
            },
        )
        _ = (
            self.checkpoint.save_counter
        )  # makes it: earlier versions wrote it, and all that a checkpoint holds must be known

    def read(self, checkpoint):
        """Takes the checkpoint with this path.

        Raises:
          Damaged: it cannot be read, or not as a whole.
          UserError: it holds other variables.
          OSError: the system does not let it be read.
        """
        expected, cure = (
            "a whole checkpoint of this experiment",
            "put a copy in its place; the training sets it aside and takes an older one",
        )
        path = pathlib.Path(checkpoint)
        for part in path.parent.glob(
            f"{path.name}.*"
        ):  # TensorFlow would call one that may not be read damaged
            with part.open("rb") as file:
                file.read(1)
        try:
            self.checkpoint.read(checkpoint).assert_consumed()
        except _NO_DAMAGE as error:
            raise OSError(
                f"the checkpoint {checkpoint} cannot be read ({error.message.splitlines()[0]})"
            ) from error
        except _DAMAGE as error:
            raise Damaged(
                f"the checkpoint {checkpoint} is damaged ({str(error).splitlines()[0]})",
                expected,
                cure,
            ) from error
        except (AssertionError, ValueError) as error:
            raise UserError(
                f"the checkpoint {checkpoint} holds other variables ({str(error).splitlines()[0]})",
                expected,
                cure,
            ) from error

    def weight_norms(self):
        """The Euclidean norm of each player's weights, of which Theorem 1 assumes that it stays
        bounded (A5).
        """
        networks = {
            "weight_norm/generator": self.generator,
            "weight_norm/discriminator": self.discriminator,
        }
        return {
            name: float(tf.linalg.global_norm([v.value for v in network.trainable_variables]))
            for name, network in networks.items()
        }
