import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from tests.conftest import ROOT
from tf_ttur.errors import Stopped
from tf_ttur.training.interruption import Interruption

pytestmark = pytest.mark.usefixtures("heard")
SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGXCPU]


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_stops_at_once_or_after_what_is_held(number):
    done = []
    with Interruption(), pytest.raises(Stopped, match=signal.Signals(number).name):
        os.kill(os.getpid(), number)
    with Interruption() as interruption, pytest.raises(Stopped) as caught, interruption.held():
        os.kill(os.getpid(), number)
        done.append("to the end")
    assert done == ["to the end"] and caught.value.number == number


def test_a_second_one_does_not_wait():
    with (
        Interruption() as interruption,
        pytest.raises(KeyboardInterrupt) as caught,
        interruption.held(),
    ):
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)
    assert not isinstance(caught.value, Stopped)


def test_an_error_goes_before_the_signal():
    with Interruption() as interruption, pytest.raises(ValueError), interruption.held():
        os.kill(os.getpid(), signal.SIGINT)
        raise ValueError


@pytest.mark.parametrize("number", SIGNALS)
def test_handlers_are_put_back(number):
    before = signal.getsignal(number)
    with Interruption():
        assert signal.getsignal(number) != before
    assert signal.getsignal(number) == before


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGUSR1, signal.SIGXCPU])
def test_what_comes_several_times_does_not_insist(number):
    """A shell repeats SIGHUP, and the kernel SIGXCPU."""
    done = []
    with Interruption() as interruption:
        with pytest.raises(Stopped) as caught, interruption.held():
            os.kill(os.getpid(), number)
            os.kill(os.getpid(), number)
            os.kill(os.getpid(), signal.SIGTERM)  # nor is this the second one
            done.append("to the end")
        os.kill(os.getpid(), number)  # between the update and the checkpoint
        with interruption.held():
            os.kill(os.getpid(), number)
            done.append("saved")
    assert done == ["to the end", "saved"] and caught.value.number == number


def test_what_is_ignored_stays_ignored():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Interruption():
            os.kill(os.getpid(), signal.SIGHUP)
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


# A command line whose library waits in a thread that Python joins at the end.
WAITS = """
import sys, threading, time
from tf_ttur.io import console, ending
from tf_ttur.training import interruption

threading.Thread(target=time.sleep, args=(100,)).start()
held = float(sys.argv[1])
with ending.end_process_in_time(1, console.say):
    {with_interruption}
"""
IN_TRAINING = """
    with interruption.Interruption() as caught:
        with caught.held():
            print("ready", flush=True)
            time.sleep(held)
            print("saved", flush=True)
        time.sleep(100)
"""
ELSEWHERE = """
    print("ready", flush=True)
    time.sleep(100)
"""
# The main thread waits in code that is not Python's, which no signal ends: for a lock that it has.
IN_OTHER_CODE = """
    import ctypes
    library = ctypes.CDLL(None)
    lock = ctypes.create_string_buffer(64)
    with interruption.Interruption() as caught, caught.held(), ending.watchdog.{block}:
        print("ready", flush=True)
        library.pthread_mutex_lock(lock)
        library.pthread_mutex_lock(lock)
"""


def stop(program, number, held):
    """Sends a signal to a program that says "ready".

    Returns:
      Its exit status, the rest of its output, its messages, and the seconds from signal to end.
    """
    line = [sys.executable, "-c", WAITS.format(with_interruption=program), str(held)]
    with subprocess.Popen(
        line, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout.readline() == "ready\n"
            start = time.monotonic()
            process.send_signal(number)
            output, messages = process.communicate(timeout=30)
        finally:
            process.kill()
    return process.returncode, output, messages, time.monotonic() - start


@pytest.mark.parametrize("number", SIGNALS)
def test_a_library_that_waits_does_not_hold_the_process(number):
    status, output, messages, seconds = stop(IN_TRAINING, number, 0.2)
    assert status == 128 + number and output == "saved\n"
    assert f"{number.name} came 1 s ago and a library still waits" in messages
    assert seconds < 5


def test_what_is_held_is_not_cut_off():
    status, output, _, seconds = stop(IN_TRAINING, signal.SIGTERM, 3)
    assert status == 143 and output == "saved\n"
    assert 3 < seconds < 8


def test_ctrl_c_outside_a_training_ends_in_time_too():
    status, _, messages, seconds = stop(ELSEWHERE, signal.SIGINT, 0)
    assert status == 130 and "SIGINT came 1 s ago" in messages
    assert seconds < 5


@pytest.mark.skipif(sys.platform != "linux", reason="needs the locks of Linux")
def test_code_that_hears_no_signal_does_not_hold_the_process():
    # An earlier wait took no time, so that this one takes much longer.
    program = """
    with ending.watchdog.waits():
        pass
    """ + IN_OTHER_CODE.format(block="waits()")
    status, _, messages, seconds = stop(program, signal.SIGTERM, 0)
    assert status == 143 and "SIGTERM came 1 s ago" in messages
    assert seconds < 5


@pytest.mark.skipif(sys.platform != "linux", reason="needs the locks of Linux")
def test_a_second_signal_ends_what_is_held():
    line = [
        sys.executable,
        "-c",
        WAITS.format(with_interruption=IN_OTHER_CODE.format(block="held()")),
        "0",
    ]
    with subprocess.Popen(line, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout.readline() == "ready\n"
            process.send_signal(signal.SIGTERM)
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(2)
            process.send_signal(signal.SIGTERM)
            assert process.wait(5) == 143
        finally:
            process.kill()


def test_a_forked_child_keeps_its_signals_to_itself():
    program = """
    import os, signal
    with interruption.Interruption():
        child = os.fork()
        if not child:
            os.kill(os.getpid(), signal.SIGTERM)
        os.waitpid(child, 0)
        print("ready", flush=True)
        time.sleep(2)
        print("not disturbed", flush=True)
        os._exit(0)
    """
    line = [sys.executable, "-c", WAITS.format(with_interruption=program), "0"]
    process = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, timeout=30)
    assert process.returncode == 0 and "not disturbed" in process.stdout


def test_another_thread_gets_no_signals():
    errors = []

    def work():
        try:
            with Interruption() as interruption, interruption.held():
                pass
        except Exception as error:
            errors.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert errors == []
