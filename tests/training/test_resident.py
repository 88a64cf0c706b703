"""Batches of a data set that lives on the devices, beside those that tf.data gives."""

import numpy as np
import pytest
import tensorflow as tf

from tests.conformance.models import Training, build
from tf_ttur.data.images import Images
from tf_ttur.errors import UserError
from tf_ttur.training import devices, resident
from tf_ttur.training import update as updates


@pytest.mark.parametrize("flip", [False, True])
def test_the_batches_of_all_replicas_are_those_of_the_host(tmp_path, flip):
    changes = {"data_on_device": "yes", "discriminator.steps": 3, "data.flip": flip}
    config = build("dcgan", tmp_path, **changes)
    strategy = devices.mirrored_strategy()
    examples = Images("digits:64", 32, flip=flip)
    batch = resident.resident(config, strategy, examples, 4)
    iterator = updates.distribute_batches(config, strategy, examples, 4, 2)
    for number in range(2, 5):  # over the end of an epoch
        for step in range(3):
            expected = strategy.experimental_local_results(next(iterator))
            arguments = (tf.constant(number, tf.int64), tf.constant(step))
            found = strategy.experimental_local_results(strategy.run(batch, arguments))
            assert len(found) == 2
            for mine, of_host in zip(found, expected, strict=True):
                np.testing.assert_array_equal(mine, of_host)


def test_the_same_updates(tmp_path):
    """In a call of several, where the whole loop runs on the device."""
    config = build("dcgan", tmp_path, **{"data_on_device": "yes", "discriminator.steps": 2})
    one_device = tf.distribute.OneDeviceStrategy("CPU:0")
    on_host = Training(config, one_device, per_call=2)
    on_device = Training(config, one_device, per_call=2, is_resident=True)
    assert on_host.go(0, 3) == on_device.go(0, 3)
    for a, b in zip(on_host.weights(), on_device.weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_data_that_cannot_be_there_are_named(tmp_path):
    config = build("language", tmp_path, data_on_device="yes")
    with pytest.raises(UserError, match=r"data_on_device = yes[\s\S]*auto or no"):
        Training(config, tf.distribute.OneDeviceStrategy("CPU:0"), is_resident=True)
