"""Every card builds, traces and makes two updates, at reduced width and on generated data.

Cards that differ only in their learning rates share a graph; one of each group is tested.
"""

import numpy as np
import pytest
import tensorflow as tf
from ml_collections import ConfigDict

from tests.config.test_config import NOT_OF_THE_PAPER, VARIANTS, card, variants
from tests.conformance.models import Training, write_lines
from tf_ttur import config as configs

# The keys that are not reduced, and that decide the graph.
_GRAPH = (
    "loss",
    "latent.",
    "model.architecture",
    "model.samples_per_score",
    "data.image_size",
    "discriminator.steps",
    "discriminator.gradient_penalty",
    "discriminator.clip_weights",
    "generator.schedule",
)
_OTHERS = [(name, variant) for name in sorted(NOT_OF_THE_PAPER) for variant in variants(name)]
GRAPHS = {}
for _experiment, _variant in [*VARIANTS, *_OTHERS]:
    _flat = configs.flatten(card(_experiment, _variant))
    GRAPHS.setdefault(
        str({key: value for key, value in _flat.items() if key.startswith(_GRAPH)}),
        (_experiment, _variant),
    )


# Those with many critic steps take long to trace, and differ from others only in that number.
MARKED = [
    pytest.param(*pair, marks=pytest.mark.slow if card(*pair).discriminator.steps > 1 else ())
    for pair in GRAPHS.values()
]


@pytest.mark.parametrize("name, variant", MARKED)
def test_two_updates(name, variant, tmp_path):
    config = ConfigDict(card(name, variant).to_dict())
    config.model.width = 2
    config.batch_size = 4
    if config.model.architecture == "language":
        write_lines(tmp_path)
        config.data.dir = str(tmp_path)
        config.data.files = "*.txt"
        config.data.line_length = 8
    else:
        size = config.data.image_size
        np.save(
            tmp_path / "images.npy",
            np.random.default_rng(0).integers(0, 256, (64, size, size, 3), np.uint8),
        )
        config.data.source = str(tmp_path / "images.npy")
        config.data.crop = "none"
    training = Training(configs.validate(config), tf.distribute.MirroredStrategy(["CPU:0"]))
    start = training.weights()
    values = training.go(0, 2)
    assert np.isfinite([list(row.values()) for row in values]).all()
    assert all(np.isfinite(weight).all() for weight in training.weights())
    assert any((a != b).any() for a, b in zip(start, training.weights(), strict=True))
