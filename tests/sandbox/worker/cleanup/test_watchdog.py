"""The janitor ends a run whose time is over, or whose supervisor is being killed, once and without an order."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox.worker.cleanup.watchdog import Watchdog, is_about_to_be_killed
from sandbox.worker.stillness import StillnessDetector


class Machine:
    """A clock, a counter of processor time, and a supervisor, all moved by the test."""

    def __init__(self) -> None:
        self.now, self.cpu, self.dying = 1000.0, 5.0, False

    def watchdog(self) -> Watchdog:
        stillness = StillnessDetector(lambda: self.now, lambda: self.cpu)
        return Watchdog(lambda: self.dying, lambda: self.now, stillness)

    def let_pass(self, seconds: float, *, cpu: float = 1.0) -> None:
        self.now += seconds
        self.cpu += cpu


@pytest.fixture
def machine() -> Machine:
    return Machine()


def test_an_overdue_run_is_ordered_to_end_once(machine: Machine) -> None:
    """Half a second after its limit; the order that the supervisor gives later is not the first."""
    watchdog = machine.watchdog()
    assert not watchdog.is_needed
    watchdog.watch("10001 2000 /scratch/0", 4.0)
    assert watchdog.is_needed
    machine.let_pass(4.4)
    assert watchdog.overdue_orders() == []
    machine.let_pass(0.2)
    assert watchdog.overdue_orders() == ["10001 2000 /scratch/0"]
    assert watchdog.overdue_orders() == []
    assert not watchdog.is_first_order("10001 2000 /scratch/0")
    watchdog.forget("10001")
    assert not watchdog.is_first_order("10001 2000 /scratch/0"), "also when the answer is on its way"


def test_a_run_that_is_watched_again_has_its_time_from_then_on(machine: Machine) -> None:
    """On a GPU, once it is set up. What was counted of a standstill stays."""
    watchdog = machine.watchdog()
    watchdog.watch("10001 2000 /scratch/0", 60.0)
    machine.let_pass(9.0, cpu=0.0)
    assert watchdog.overdue_orders() == []
    watchdog.watch("10001 2000 /scratch/0", 4.0)
    machine.let_pass(4.4)
    assert watchdog.overdue_orders() == []
    machine.let_pass(0.2)
    assert watchdog.overdue_orders() == ["10001 2000 /scratch/0"]
    assert watchdog.forget("10001") == pytest.approx(9.0)


def test_a_run_that_was_ended_is_not_watched_again(machine: Machine) -> None:
    """The supervisor may learn that it is set up before it learns that it was ended."""
    watchdog = machine.watchdog()
    watchdog.watch("10001 2000 /scratch/0", 1.0)
    machine.let_pass(2.0)
    assert watchdog.overdue_orders() == ["10001 2000 /scratch/0"]
    watchdog.forget("10001")
    watchdog.watch("10001 2000 /scratch/0", 1.0)
    machine.let_pass(2.0)
    assert watchdog.overdue_orders() == []


def test_a_run_that_the_supervisor_ended_is_left_alone(machine: Machine) -> None:
    """However long its cleanup takes."""
    watchdog = machine.watchdog()
    watchdog.watch("10001 2000 /scratch/0", 4.0)
    assert watchdog.is_first_order("10001 2000 /scratch/0")
    machine.let_pass(60.0)
    machine.dying = True
    assert watchdog.overdue_orders() == []


def test_runs_of_a_dying_supervisor_end_at_once(machine: Machine) -> None:
    """It may be waiting for a lock that such a run holds."""
    watchdog = machine.watchdog()
    watchdog.watch("10001 2000 /scratch/0", 4.0)
    machine.let_pass(0.1)
    machine.dying = True
    assert watchdog.overdue_orders() == ["10001 2000 /scratch/0"]


def test_standstill_is_counted_for_the_run_in_progress(machine: Machine) -> None:
    """Not what was before it, and not what comes after its end."""
    watchdog = machine.watchdog()
    machine.let_pass(100.0, cpu=0.0)
    watchdog.watch("10001 2000 /scratch/0", 40.0)
    machine.let_pass(9.0, cpu=0.0)
    watchdog.overdue_orders()
    assert watchdog.is_first_order("10001 2000 /scratch/0")
    machine.let_pass(9.0, cpu=0.0)
    watchdog.overdue_orders()
    assert watchdog.forget("10001") == pytest.approx(9.0)
    assert watchdog.forget("10001") == 0.0


@pytest.mark.parametrize(
    ("text", "dying"),
    [
        ("Name:\tpython\nSigPnd:\t0000000000000000\nShdPnd:\t0000000000000100\n", True),
        ("SigPnd:\t0000000000000100\nShdPnd:\t0000000000000000\n", True),
        ("SigPnd:\t0000000000000000\nShdPnd:\t0000000000004002\n", False),
        ("Name:\tpython\n", False),
    ],
    ids=["process", "thread", "other signals", "gVisor"],
)
def test_a_pending_sigkill_is_read_from_proc(tmp_path: Path, text: str, dying: bool) -> None:
    """From the masks of signals; without these, nobody knows."""
    (tmp_path / "1").mkdir()
    (tmp_path / "1" / "status").write_text(text)
    assert is_about_to_be_killed(1, tmp_path) is dying
    assert not is_about_to_be_killed(2, tmp_path)


def test_a_living_process_is_not_about_to_be_killed() -> None:
    """As the kernel shows it."""
    assert not is_about_to_be_killed(os.getpid())


JANITOR = """
import sys, time
from pathlib import Path
from sandbox.worker.janitor import Janitor
janitor = Janitor(helpers=1, is_alone=False)
janitor.watch(int(sys.argv[1]), 2000, Path(sys.argv[2]), 0.3)
started_at = time.monotonic()
result = janitor.receive_result()
print(result.uid, result.cleaned_up, round(time.monotonic() - started_at, 1))
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="takes another uid")
def test_the_janitor_ends_a_run_without_an_order(tmp_path: Path) -> None:
    """A real process of the run's uid is gone, and the supervisor is told."""
    uid = 58_999
    with subprocess.Popen(["/bin/sleep", "600"], user=uid) as sleeper:
        done = subprocess.run(
            [sys.executable, "-c", JANITOR, str(uid), str(tmp_path)],
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        assert sleeper.wait(10) == -signal.SIGKILL
    name, cleaned_up, seconds = done.stdout.split()
    assert (name, cleaned_up) == (str(uid), "True")
    assert 0.8 <= float(seconds) < 30.0
