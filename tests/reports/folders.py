"""Run folders that were not trained: rows and samples that a test knows."""

import json

import numpy as np
import PIL.Image

from tf_ttur import config as configs
from tf_ttur.training.grid import tile

# After an evaluation at each of these updates.
UPDATES = (0, 5000, 10_000)


def write_run(path, card, values, seed=0, seconds=0.5, samples=False, **overrides):
    """A run folder.

    Args:
      path: the folder.
      card: `NAME:VARIANT`.
      values: of `fid_stand_in` at `UPDATES`, as far as the run has got; None was not finite.
      seed: of the run.
      seconds: of training per update.
      samples: whether there are pictures.
      overrides: of the config, with two underscores for a dot.
    """
    path.mkdir(parents=True)
    overrides = {key.replace("__", "."): value for key, value in overrides.items()}
    config = configs.load(card, {"seed": seed, "updates": UPDATES[-1], **overrides})
    (path / "config.json").write_text(configs.to_json(config), encoding="utf-8")
    rows = [
        {"update": update, "training_seconds": update * seconds, "name": name, "value": value}
        for number, update in enumerate(UPDATES[: len(values)])
        for name, value in (
            ("fid_stand_in", values[number]),
            ("loss/discriminator", 1.0 / (1 + number + seed)),
            ("accuracy/discriminator", 0.5 + 0.1 * number),
        )
    ]
    text = "".join(json.dumps(row) + "\n" for row in rows)
    (path / "metrics.jsonl").write_text(text, encoding="utf-8")
    part = {
        "from_update": 0,
        "python": "3.11.7",
        "packages": {"tf_ttur": "0.1.0"},
        "platform": "Linux",
        "processor": "2 x a processor",
        "devices": ["/device:CPU:0"],
        "gpus": [],
        "git_commit": "0" * 40,
        "data": {"num_examples": 50_000},
        "evaluation": {
            "network": "stand-in",
            "network_sha1": "1" * 40,
            "precision": "float32",
            "floor": {"fid_stand_in": 0.5},  # of lines
        },
    }
    (path / "environment.json").write_text(json.dumps([part]), encoding="utf-8")
    if samples:
        (path / "samples").mkdir()
        for number, update in enumerate(UPDATES):
            picture = PIL.Image.fromarray(tile(images(number, config.data.image_size)))
            picture.save(path / f"samples/{update:07d}.png")
    return path


def images(number, size):
    """(64, size, size, 3) uint8 images, others for each number."""
    return np.random.default_rng(number).integers(0, 256, (64, size, size, 3), np.uint8)
