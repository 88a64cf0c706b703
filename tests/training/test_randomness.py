import numpy as np
import tensorflow as tf

from tf_ttur.training import devices, randomness
from tf_ttur.training.randomness import Purpose


def test_keys_differ_in_every_part():
    keys = [
        randomness.key(seed, purpose, update, step).numpy()
        for seed in (0, 1)
        for purpose in (Purpose.LATENTS, Purpose.EVALUATION)
        for update in (0, 1, 2)
        for step in (0, 1)
    ]
    assert len({tuple(key) for key in keys}) == len(keys)


def test_latents():
    seed = randomness.key(0, Purpose.LATENTS, 3)
    uniform, normal = (
        randomness.latents(name, (2000, 10), seed).numpy() for name in ("uniform", "normal")
    )
    assert abs(uniform).max() < 1 and abs(uniform.std() - 1 / np.sqrt(3)) < 0.01
    assert abs(normal.std() - 1) < 0.02


def test_replicas_share_the_global_batch():
    strategy = devices.mirrored_strategy()
    values = tf.random.stateless_normal((6, 2), (1, 2))
    shares = strategy.experimental_local_results(
        strategy.run(lambda: randomness.share_of_replica(values))
    )
    np.testing.assert_array_equal(tf.concat(shares, 0), values)
