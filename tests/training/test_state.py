import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from tf_ttur.errors import UserError
from tf_ttur.training import devices
from tf_ttur.training import export as exports
from tf_ttur.training.state import Damaged, State


def weights(state):
    return state.generator.get_weights() + state.discriminator.get_weights()


def test_checkpoint_holds_everything(tiny, tmp_path):
    first = State(tiny)
    gradients = [tf.ones_like(v) for v in first.generator.trainable_variables]
    first.generator_optimizer.apply(gradients, first.generator.trainable_variables)
    latents = tf.random.stateless_normal((4, tiny.latent.size), (0, 0))
    first.generator(latents, training=True)  # moves the averages
    first.updates.assign(7)
    first.training_seconds.assign(1.5)
    path = str(tmp_path / "ckpt")
    first.checkpoint.write(path)

    tiny.seed = 1
    second = State(tiny)
    second.read(path)
    assert all((a == b).all() for a, b in zip(weights(first), weights(second), strict=True))
    assert int(second.updates) == 7 and float(second.training_seconds) == 1.5
    # The optimizer's moments were restored too: the next step is the same.
    for state in (first, second):
        state.generator_optimizer.apply(gradients, state.generator.trainable_variables)
    assert all((a == b).all() for a, b in zip(weights(first), weights(second), strict=True))


def test_a_checkpoint_of_tensorflow_s_own_manager(tiny, tmp_path):
    """Earlier versions wrote such checkpoints."""
    state = State(tiny)
    state.updates.assign(7)
    path = tf.train.CheckpointManager(state.checkpoint, str(tmp_path), 1).save()
    other = State(tiny)
    other.read(path)
    assert int(other.updates) == 7


def test_a_checkpoint_of_other_networks(tiny, tmp_path):
    State(tiny).checkpoint.write(str(tmp_path / "ckpt"))
    tiny.model.width = 8
    with pytest.raises(UserError, match="holds other variables") as caught:
        State(tiny).read(str(tmp_path / "ckpt"))
    assert not isinstance(caught.value, Damaged)  # so it is not set aside


READ = """
import sys
import numpy as np
import tensorflow as tf
model = tf.saved_model.load(sys.argv[1])
latents = tf.constant(np.load(sys.argv[2]))
np.savez(sys.argv[3],
         images=model.signatures["serving_default"](latents=latents)["images"],
         many=model.signatures["sample"](count=tf.constant(70), seed=tf.constant(3))["images"],
         few=model.signatures["sample"](count=tf.constant(2), seed=tf.constant(3))["images"],
         other=model.signatures["sample"](count=tf.constant(2), seed=tf.constant(4))["images"])
assert "tf_ttur" not in sys.modules
"""


def test_export_gives_the_same_images_in_a_process_without_this_package(tiny, tmp_path):
    with devices.mirrored_strategy().scope():
        state = State(tiny)
    exports.export(tiny, state.generator, tmp_path / "export")
    latents = np.random.default_rng(0).uniform(-1, 1, (5, 100)).astype(np.float32)
    np.save(tmp_path / "latents.npy", latents)
    files = [str(tmp_path / name) for name in ("export", "latents.npy", "result.npz")]
    subprocess.run([sys.executable, "-c", READ, *files], check=True, cwd=tmp_path)
    with np.load(tmp_path / "result.npz") as result:
        np.testing.assert_allclose(
            result["images"], state.generator(latents, training=False), atol=1e-6
        )
        assert result["many"].shape == (70, 32, 32, 3) and result["many"].dtype == np.uint8
        np.testing.assert_array_equal(result["many"][:2], result["few"])
        assert (result["few"] != result["other"]).any()
    parameters = sum(w.size for w in state.generator.get_weights())
    size = sum(file.stat().st_size for file in (tmp_path / "export/variables").iterdir())
    assert size < 1.1 * 4 * parameters + 10_000  # every variable once


def test_what_is_done_to_the_state_can_be_taken_back(tiny):
    state = State(tiny)
    variables = [*state.generator.variables, *state.generator_optimizer.variables]
    before = [variable.numpy() for variable in variables]
    with pytest.raises(ZeroDivisionError), state.taken_back():
        gradients = [tf.ones_like(v) for v in state.generator.trainable_variables]
        state.generator_optimizer.apply(gradients, state.generator.trainable_variables)
        assert any((v.numpy() != b).any() for v, b in zip(variables, before, strict=True))
        raise ZeroDivisionError
    for variable, value in zip(variables, before, strict=True):
        np.testing.assert_array_equal(variable.numpy(), value)
