"""Networks of one channel: every architecture, and one training from the data to the samples."""

import numpy as np
import PIL.Image
import pytest
import tensorflow as tf

from tests.conformance.models import Training, build
from tf_ttur.data import sources
from tf_ttur.data.exported import Exported
from tf_ttur.data.images import open_images
from tf_ttur.runs import open_run
from tf_ttur.training import export as exports
from tf_ttur.training import loop

pytestmark = [
    pytest.mark.usefixtures("offline", "one_replica"),
    pytest.mark.filterwarnings("ignore:.*images for [0-9]+ features"),
]


@pytest.mark.slow  # traces every architecture
@pytest.mark.parametrize("name", ["dcgan", "wgan_gp", "began"])
def test_every_architecture_learns_grey_images(name, tmp_path):
    config = build(name, tmp_path, **{"data.channels": 1, "evaluation.sample_batch_size": 32})
    training = Training(config, tf.distribute.MirroredStrategy(["CPU:0"]))
    before = training.weights()
    [values] = training.go(0, 1)
    assert np.isfinite(list(values.values())).all()
    moved = [not np.array_equal(a, b) for a, b in zip(before, training.weights(), strict=True)]
    assert sum(moved) > len(moved) / 2
    exports.export(config, training.state.generator, tmp_path / "export")
    exported = Exported(tmp_path / "export")
    assert exported.shape == (32, 32, 1)
    np.testing.assert_array_equal(
        np.concatenate(list(exported.blocks(5, 1))), exported.sample(5, 1)
    )


def test_a_grey_training_from_the_data_to_the_samples(tiny, tmp_path, tool):
    grey = np.random.default_rng(0).integers(0, 256, (40, 28, 28), np.uint8)
    np.save(tmp_path / "digits.npy", grey)
    tiny.data.source = str(tmp_path / "digits.npy")
    tiny.data.crop = "square"  # which resizes to 32
    tiny.data.channels = 1
    tiny.data.flip = True
    tiny.updates = 2
    export = loop.train(tiny, tmp_path / "run")
    run = open_run(tmp_path / "run")
    assert [row["name"] for row in run.rows].count("frechet_pixels") == 2
    evaluation = run.environment[-1]["evaluation"]
    assert evaluation["channels"] == "1, used as R, G and B"
    assert PIL.Image.open(run.samples[-1]).mode == "L"
    assert PIL.Image.open(run.samples[-1]).size == (8 * 32, 8 * 32)
    process = tool("tools/sample.py", export, "--count=3", "--output", tmp_path / "samples")
    assert process.returncode == 0, process.stderr
    files = sorted((tmp_path / "samples").glob("*.png"))
    pictures = np.stack([np.asarray(PIL.Image.open(file)) for file in files])
    assert pictures.shape == (3, 32, 32)
    source = sources.open_source(str(export), count=3)
    assert source.converted == "grey"
    [shown] = open_images(str(export), count=3).in_order(3)
    np.testing.assert_array_equal(shown, np.repeat(pictures[..., None], 3, -1))
