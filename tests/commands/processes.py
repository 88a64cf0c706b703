"""Command lines in processes of their own, as a user runs them."""

import os
import subprocess
import sys

from tests.conftest import ROOT

# Flags with which the card quickstart trains in seconds.
TINY = [
    "--config.model.width=4",
    "--config.data.source=digits:64",
    "--config.batch_size=8",
    "--config.updates=2",
    "--config.evaluation.num_samples=40",
    "--config.evaluation.reference_samples=40",
    "--config.evaluation.every_updates=2",
    "--config.samples_every_updates=2",
    "--config.checkpoint_every_updates=2",
]


def run(*arguments, cwd=ROOT, **environment):
    """Runs `python ARGUMENTS` and returns the ended process.

    Args:
      arguments: of Python; one that begins with tools/ is a file of the checkout.
      cwd: the folder to run in.
      environment: variables beside those of this process.
    """
    arguments = [str(argument) for argument in arguments]
    if arguments[0].startswith("tools/"):
        arguments[0] = str(ROOT / arguments[0])
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=cwd,
        env=os.environ | {"PYTHONPATH": str(ROOT)} | environment,
        capture_output=True,
        text=True,
        timeout=300,
    )


def train(*arguments, cwd=ROOT, **environment):
    """Runs `python -m tf_ttur.train ARGUMENTS`."""
    return run("-m", "tf_ttur.train", *arguments, cwd=cwd, **environment)
