"""What a study shows while it runs."""

import io

from rich.console import Console

from tests.studies.test_study import plan, write_end, write_run
from tf_ttur.io import console
from tf_ttur.studies import progress


def test_off_a_terminal_each_event_is_a_line(tmp_path, capsys):
    cell, other = plan(tmp_path, [0]).cells
    with progress.Progress([cell, other], jobs=1) as shown:
        shown.started(cell)
        write_run(cell, {0: 480.0, 100: 90.5}, seconds_per_update=3.0)
        shown.refresh(at_once=True)
        shown.refresh(at_once=True)
        write_end(cell, 200)
        shown.ended(cell, "done after 200 updates")
    assert capsys.readouterr().err.splitlines() == [
        "ttur-seed0: training from update 0 of 200",
        "ttur-seed0: update 100 of 200, fid_stand_in 90.5 after 100, 5 min left",
        "ttur-seed0: done after 200 updates, fid_stand_in 90.5 after 100",
    ]


def test_on_a_terminal_it_is_a_table(tmp_path, monkeypatch):
    cells = plan(tmp_path, [0]).cells
    write_run(cells[0], {0: 480.0, 100: 90.5}, seconds_per_update=72.0)
    screen = Console(file=io.StringIO(), force_terminal=True, width=100)
    monkeypatch.setattr(console, "STDERR", screen)
    with progress.Progress(cells, jobs=2) as shown:
        shown.started(cells[0])
        shown.refresh(at_once=True)
    lines = screen.file.getvalue().splitlines()
    row = next(line for line in reversed(lines) if "ttur-seed0" in line)
    assert row.split() == [
        *("ttur-seed0", "training", "100", "/", "200", "fid_stand_in", "90.5", "after", "100"),
        *("2:00", "h"),
    ]
    # The cell that has not begun takes 200 updates at the same speed, and two run at a time.
    assert any("3:00 h of training left" in line for line in lines)
