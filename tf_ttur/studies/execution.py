"""Trains the cells of a study, each in a process of its own with the ordinary command.

A process that ends leaves its cell as a run folder that resumes, so nothing here has to remember
anything: what is left to do is read from the folders.
"""

import contextlib
import dataclasses
import os
import pathlib
import shlex
import signal
import subprocess
import threading
import time
from collections.abc import Sequence
from types import FrameType
from typing import IO, Any, Protocol

import tf_ttur
from tf_ttur.errors import Stopped, UserError
from tf_ttur.io import console
from tf_ttur.io.ending import INSISTENT, REPEATED, watchdog
from tf_ttur.studies import places
from tf_ttur.studies.study import Cell, python_command
from tf_ttur.wording import counted

_SECONDS_BETWEEN_LOOKS = 0.2
_SHOWN_LINES = 15  # of a process that failed
_STOPPED = 128 + signal.SIGTERM  # the exit status of a training that SIGTERM stopped
_REFUSED = 2


class Progress(Protocol):
    """Shows how far the cells have got."""

    def started(self, cell: Cell) -> None:
        """A process trains this cell now."""

    def ended(self, cell: Cell, words: str) -> None:
        """Its process has ended: `words` say how."""

    def refresh(self) -> None:
        """Some time has passed."""


@dataclasses.dataclass
class _Child:
    """A training in a process of its own.

    Attributes:
      cell: what it trains.
      process: the process.
      log: the file that it writes to, open.
      begins: where in the file its own lines begin.
      target: its turn ends after so many updates; 0 for no turns.
      is_asked: whether it has been asked to stop.
    """

    cell: Cell
    process: subprocess.Popen[bytes]
    log: IO[bytes]
    begins: int
    target: int
    is_asked: bool = False

    @property
    def has_reached_target(self) -> bool:
        """Whether its turn is over. An evaluation that is due at its end belongs to it."""
        run = self.cell.run
        update = run.last_update
        if update < self.target:
            return False
        every = self.cell.config.evaluation.every_updates
        if not every or update % every:
            return True
        names = run.evaluations
        return any(row["update"] == update and row["name"] in names for row in run.rows)

    def ask(self) -> None:
        """Asks it to save and to end."""
        self.is_asked = True
        with contextlib.suppress(ProcessLookupError):
            self.process.terminate()

    def last_lines(self) -> str:
        """The end of what it has written, indented."""
        with self.cell.log.open("rb") as file:
            file.seek(self.begins)
            text = file.read().decode("utf-8", errors="replace")
        lines = [line for line in text.splitlines() if line.strip()]
        return "\n".join(f"    {line}" for line in lines[-_SHOWN_LINES:])


def train(
    cells: Sequence[Cell],
    progress: Progress,
    *,
    jobs: int = 1,
    turn: int = 0,
    arguments: Sequence[str] = (),
) -> list[Cell]:
    """Trains all cells that are not done and have not failed.

    A cell whose values are no longer finite is left as failed. SIGINT, SIGTERM, SIGHUP, SIGUSR1 and
    SIGXCPU are passed on to the processes as SIGTERM; so is a second SIGINT or SIGTERM, and then
    the processes do not wait for their checkpoints.

    Args:
      cells: in the order in which they are trained.
      progress: is told what happens.
      jobs: how many are trained at the same time.
      turn: the cells take turns of so many updates, so that all of them grow evenly; 0 trains each
        cell to its end.
      arguments: more arguments of `tf-ttur train`, such as `--inception PATH`.

    Returns:
      The cells that other processes are training.

    Raises:
      UserError: a process ended with another failure; the message holds its last lines.
      Stopped: by a signal, when all processes have ended.
    """
    queue = _Queue(cells, turn)
    running: dict[int, _Child] = {}
    # More would leave cores without work. That of all cells, as a resume must have as many cores.
    jobs = min(jobs, max(1, len(cells)))
    free = places.divide(jobs)
    with _Requests() as requests:
        try:
            while (queue.waiting or running) and not requests.number:
                for slot in range(jobs):
                    if slot not in running and queue.waiting:
                        cell, target = queue.take()
                        running[slot] = _start(cell, free[slot], target, arguments)
                        progress.started(cell)
                for slot, child in list(running.items()):
                    if child.process.poll() is not None:
                        del running[slot]
                        queue.settle(child, progress)
                    elif child.target and not child.is_asked and child.has_reached_target:
                        child.ask()
                progress.refresh()
                time.sleep(_SECONDS_BETWEEN_LOOKS)
        finally:
            _stop(list(running.values()), requests, progress)
        if requests.number:
            raise Stopped(requests.number)
    return queue.in_use


class _Queue:
    """The cells that wait for a process.

    Args:
      cells, turn: as in `train`.

    Attributes:
      waiting: the cells.
      in_use: the cells that other processes are training.
    """

    def __init__(self, cells: Sequence[Cell], turn: int) -> None:
        self.waiting = [cell for cell in cells if cell.state in ("new", "begun")]
        self.in_use: list[Cell] = []
        self._turn = turn
        self._order = {cell.name: number for number, cell in enumerate(cells)}

    def take(self) -> tuple[Cell, int]:
        """The cell with the fewest whole turns, and the update at which its next turn ends.

        The update is 0 if the turn ends with the training.
        """
        cell = min(self.waiting, key=lambda one: (self._turns(one), self._order[one.name]))
        self.waiting.remove(cell)
        target = (self._turns(cell) + 1) * self._turn
        return cell, target if target < cell.config.updates else 0

    def settle(self, child: _Child, progress: Progress) -> None:
        """Decides what becomes of a cell whose process has ended.

        Raises:
          UserError: it failed in a way that is no result of the study.
        """
        cell = child.cell
        status = child.process.returncode
        child.log.close()
        if status == 0:
            progress.ended(cell, f"done after {counted(_saved(cell), 'update')}")
        elif status == _STOPPED and child.is_asked:
            self.waiting.append(cell)
            progress.ended(cell, f"its turn ends after update {_saved(cell)}")
        elif status == _REFUSED and cell.state == "failed":
            update = cell.run.failed_at
            progress.ended(cell, f"failed: a value was not finite in update {update}")
        elif status == _REFUSED and cell.run.is_in_use:
            self.in_use.append(cell)
            progress.ended(cell, "another process is training it")
        else:
            progress.ended(cell, f"ended with status {status}")
            raise UserError(
                f"the training of {cell.name} ended with status {status}; its last lines:\n"
                f"{child.last_lines()}",
                "a training that ends, or stops on a value that is not finite",
                f"correct that and run the study again, which resumes; all lines are in {cell.log}",
            )

    def _turns(self, cell: Cell) -> int:
        """How many whole turns a cell has made."""
        return _saved(cell) // self._turn if self._turn else 0


def _saved(cell: Cell) -> int:
    """The updates of the newest checkpoint, with which a training resumes."""
    return max(cell.run.checkpoints, default=0)


def _start(cell: Cell, place: places.Place, target: int, arguments: Sequence[str]) -> _Child:
    """Starts a training, in a session of its own: Ctrl-C must reach it once, through `_stop`."""
    cell.log.parent.mkdir(parents=True, exist_ok=True)
    command = [*cell.arguments, *arguments]
    log = cell.log.open("ab")
    log.write(f"$ tf-ttur {shlex.join(command)}\n".encode())
    log.flush()
    package = str(pathlib.Path(tf_ttur.__file__).parent.parent)
    path = os.pathsep.join(filter(None, [package, os.environ.get("PYTHONPATH")]))
    try:
        with places.limited_to(place.cores):
            process = subprocess.Popen(
                python_command(command),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=os.environ | {"PYTHONPATH": path} | place.environment,
                start_new_session=True,
            )
    except BaseException:
        log.close()
        raise
    return _Child(cell, process, log, log.tell(), target)


def _stop(children: Sequence[_Child], requests: "_Requests", progress: Progress) -> None:
    """Asks all processes to save and to end, and waits for them."""
    if not children:
        return
    words = "processes to save" if len(children) > 1 else "process to save"
    console.say(f"waiting for {len(children)} {words}")
    for child in children:
        child.ask()
    num_insisted = requests.num_insisted
    with watchdog.held():  # as the processes may need longer than this one for a checkpoint
        for child in children:
            while child.process.poll() is None:
                if requests.num_insisted > max(num_insisted, 1):
                    num_insisted = requests.num_insisted
                    for other in children:
                        other.ask()
                time.sleep(_SECONDS_BETWEEN_LOOKS)
            child.log.close()
            progress.ended(child.cell, f"stopped; saved after update {_saved(child.cell)}")


class _Requests:
    """Counts the signals that ask this process to end, while it is open as a context manager.

    Attributes:
      number: of the first one; 0 for none.
      num_insisted: how often SIGINT or SIGTERM came.
    """

    def __init__(self) -> None:
        self.number = 0
        self.num_insisted = 0
        self._earlier_handlers: dict[int, Any] = {}

    def __enter__(self) -> "_Requests":
        if threading.current_thread() is threading.main_thread():
            for number in (*INSISTENT, *REPEATED):
                if signal.getsignal(number) is not signal.SIG_IGN:
                    self._earlier_handlers[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._earlier_handlers.items():
            signal.signal(number, handler)

    def _note(self, number: int, _: FrameType | None) -> None:
        self.number = self.number or number
        self.num_insisted += number in INSISTENT
