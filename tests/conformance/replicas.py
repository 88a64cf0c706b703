"""Twenty updates on four logical devices, in a separate process.

python -m tests.conformance.replicas FOLDER
"""

import pathlib
import sys

import numpy as np
import tensorflow as tf

from tests.conformance.models import Training, build


def twenty_updates(strategy, folder):
    """Losses (20, 2), and all weights in one vector.

    With SGD, as Adam turns gradients that are only rounding errors into steps of full length.
    """
    rates = {"discriminator.learning_rate": 0.01, "generator.learning_rate": 0.02}
    config = build(
        "dcgan", folder, **rates, **{"discriminator.optimizer": "sgd", "generator.optimizer": "sgd"}
    )
    training = Training(config, strategy)
    losses = [[row["loss/discriminator"], row["loss/generator"]] for row in training.go(0, 20)]
    return np.array(losses), np.concatenate([np.ravel(weight) for weight in training.weights()])


def main(folder):
    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
    tf.config.set_logical_device_configuration(
        tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 4
    )
    losses, weights = twenty_updates(
        tf.distribute.MirroredStrategy([f"CPU:{number}" for number in range(4)]), folder
    )
    np.savez(folder / "four.npz", losses=losses, weights=weights)


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
