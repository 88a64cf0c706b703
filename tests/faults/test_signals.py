"""A training in a process of its own, ended by a signal."""

import os
import signal
import subprocess
import time

import numpy as np
import PIL.Image
import pytest

from tests.conftest import ROOT
from tests.faults.small_training import command, newest, wait_for_checkpoint

pytestmark = pytest.mark.usefixtures("heard")
ENDLESS = "--config.updates=100000"
STATUSES = {
    signal.SIGINT: 130,
    signal.SIGTERM: 143,
    signal.SIGHUP: 129,
    signal.SIGUSR1: 138,
    signal.SIGXCPU: 152,
}
SECONDS_TO_END = 20  # ten of the watchdog, the rest for a slow machine


def end(process, number):
    """Sends a signal to a process, and waits for its end: (its messages, the seconds it took)."""
    start = time.monotonic()
    process.send_signal(number)
    _, messages = process.communicate(timeout=100)
    seconds = time.monotonic() - start
    print(f"{number.name}: {seconds:.2f} s from the signal to the end")
    return messages, seconds


@pytest.mark.slow
@pytest.mark.parametrize(("number", "status"), STATUSES.items())
def test_a_signal_saves_and_leaves_with_its_own_status(tmp_path, number, status):
    run = tmp_path / "run"
    line = command(run, ENDLESS)
    process = subprocess.Popen(line, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    try:
        wait_for_checkpoint(process, run)
        messages, seconds = end(process, number)
    finally:
        process.kill()
    assert process.returncode == status
    assert f"stopped by {number.name}; the same command resumes from here" in messages
    assert "Traceback" not in messages
    assert newest(run) >= 5
    assert seconds < SECONDS_TO_END


@pytest.mark.slow
def test_a_closed_terminal_does_not_stop_what_nohup_has_started(tmp_path):
    run = tmp_path / "run"
    line = ["nohup", *command(run, ENDLESS)]
    process = subprocess.Popen(line, cwd=ROOT, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL)
    try:
        wait_for_checkpoint(process, run)
        process.send_signal(signal.SIGHUP)
        wait_for_checkpoint(process, run, newest(run) + 20)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=100)
    finally:
        process.kill()
    assert process.returncode == 143


# A stand-in for a library that waits: it begins with TensorFlow, in a thread that Python joins.
WAITING_LIBRARY = """
import runpy, sys, threading, time
threading.Thread(target=time.sleep, args=(300,)).start()
sys.argv = ["tf_ttur.train", *sys.argv[1:]]
runpy.run_module("tf_ttur.train", run_name="__main__")
"""


@pytest.mark.slow
def test_a_library_that_waits_for_the_network_does_not_hold_a_training(tmp_path):
    run = tmp_path / "run"
    python, _, _, *words = command(run, ENDLESS)
    process = subprocess.Popen(
        [python, "-c", WAITING_LIBRARY, *words], cwd=ROOT, stderr=subprocess.PIPE, text=True
    )
    try:
        wait_for_checkpoint(process, run)
        messages, seconds = end(process, signal.SIGTERM)
    finally:
        process.kill()
    assert process.returncode == 143
    assert "stopped by SIGTERM; the same command resumes from here" in messages
    assert "a library still waits" in messages
    assert seconds < SECONDS_TO_END


@pytest.mark.slow
def test_images_that_never_come_do_not_hold_a_training(tmp_path):
    """As on a file system that hangs: TensorFlow's own code waits, and Python sees no signal."""
    images = tmp_path / "images"
    aside = tmp_path / "aside"
    run = tmp_path / "run"
    images.mkdir()
    for number, image in enumerate(np.random.default_rng(0).integers(0, 256, (16, 32, 32, 3))):
        PIL.Image.fromarray(image.astype(np.uint8)).save(images / f"{number}.png")
    line = command(run, ENDLESS, f"--config.data.source={images}", "--config.data.memory_gib=0")
    process = subprocess.Popen(line, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    try:
        wait_for_checkpoint(process, run)
        images.rename(aside)
        images.mkdir()
        for path in aside.iterdir():
            os.mkfifo(images / path.name)
        time.sleep(3)
        messages, seconds = end(process, signal.SIGTERM)
    finally:
        process.kill()
    assert process.returncode == 143
    assert "a library still waits" in messages
    assert seconds < SECONDS_TO_END
