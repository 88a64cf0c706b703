"""Writes golden.json again, after a change that is meant to change the numbers.

python -m tests.conformance.write_golden
"""

import json
import pathlib
import tempfile

import tensorflow as tf

from tests.conformance.models import MODELS, Training, build
from tests.conformance.test_models import GOLDEN


def main():
    values = {}
    for name in MODELS:
        with tempfile.TemporaryDirectory() as folder:
            values[name] = Training(
                build(name, pathlib.Path(folder)), tf.distribute.MirroredStrategy(["CPU:0"])
            ).go(0, 2)
    GOLDEN.write_text(json.dumps(values, indent=2) + "\n")


if __name__ == "__main__":
    main()
