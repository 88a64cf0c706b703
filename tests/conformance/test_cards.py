"""Every card builds, traces and makes two updates, at reduced width and on data that are here.

Cards that differ in their rates alone have the same graph, so one of them stands for all.
"""

import numpy as np
import pytest
import tensorflow as tf
from ml_collections import ConfigDict

from tests.conformance.models import Training, write_lines
from tests.test_config import VARIANTS, card
from tf_ttur import config as configs

# What is not reduced, and so makes a graph of its own.
_GRAPH = (
    "loss",
    "latent.",
    "model.architecture",
    "model.samples_per_score",
    "data.image_size",
    "discriminator.steps",
    "discriminator.gradient_penalty",
    "generator.schedule",
)
GRAPHS = {}
for _experiment, _variant in VARIANTS:
    _flat = configs.flatten(card(_experiment, _variant))
    GRAPHS.setdefault(
        str({key: value for key, value in _flat.items() if key.startswith(_GRAPH)}),
        (_experiment, _variant),
    )


# Those with many critic steps take long to trace, and differ from others in that number alone.
MARKED = [
    pytest.param(*pair, marks=pytest.mark.slow if card(*pair).discriminator.steps > 1 else ())
    for pair in GRAPHS.values()
]


@pytest.mark.parametrize("name, variant", MARKED)
def test_two_updates(name, variant, tmp_path):
    config = ConfigDict(card(name, variant).to_dict())
    config.model.width, config.batch_size = 2, 4
    if config.model.architecture == "language":
        write_lines(tmp_path)
        config.data.dir, config.data.files, config.data.line_length = str(tmp_path), "*.txt", 8
    else:
        size = config.data.image_size
        np.save(
            tmp_path / "images.npy",
            np.random.default_rng(0).integers(0, 256, (64, size, size, 3), np.uint8),
        )
        config.data.source, config.data.crop = str(tmp_path / "images.npy"), "none"
    training = Training(configs.validate(config), tf.distribute.MirroredStrategy(["CPU:0"]))
    start = training.weights()
    values = training.go(0, 2)
    assert np.isfinite([list(row.values()) for row in values]).all()
    assert all(np.isfinite(weight).all() for weight in training.weights())
    assert any((a != b).any() for a, b in zip(start, training.weights()))
