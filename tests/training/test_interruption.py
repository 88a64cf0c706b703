import os
import signal
import threading

import pytest

from tf_ttur.errors import Stopped
from tf_ttur.training.interruption import Interruption


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_at_once_or_after_what_is_held(number):
    done = []
    with Interruption() as interruption:
        with pytest.raises(Stopped, match=signal.Signals(number).name):
            os.kill(os.getpid(), number)
        with pytest.raises(Stopped) as caught, interruption.held():
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


def test_handlers_are_put_back():
    before = signal.getsignal(signal.SIGTERM)
    with Interruption():
        assert signal.getsignal(signal.SIGTERM) != before
    assert signal.getsignal(signal.SIGTERM) == before


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
