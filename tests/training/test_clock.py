import time

from tf_ttur.training.clock import Clock


def test_pauses_do_not_count(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(time, "perf_counter", lambda: now[0])
    clock = Clock(5.0)
    assert clock.seconds == 5
    clock.start()
    now[0] += 2
    with clock.pause():
        now[0] += 50
        assert clock.seconds == 7
    now[0] += 1
    assert clock.seconds == 8
