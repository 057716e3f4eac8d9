"""Where the worker shares a machine, it takes nothing that somebody has, and leaves nothing behind."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from benchmarks import gpu
from benchmarks.gpu_parts.part_process import StopRequest, Values
from benchmarks.gpu_parts.parts import Conditions
from benchmarks.gpu_parts.report import Report
from benchmarks.gpu_parts.time_budget import TimeBudget
from benchmarks.gpu_parts.worker.bare_machine import (
    FIRST_UID,
    UIDS,
    Loan,
    end_runs,
    lent_to_worker,
    obstacle,
)
from runner.engine.container_spec import LAST_UID

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="changes user ids")


@pytest.fixture(autouse=True)
def own_children_only() -> Iterator[None]:
    """Processes that lose their parent are given to this one only as long as a test needs it."""
    yield
    ctypes.CDLL(None).prctl(36, 0, 0, 0, 0)


def sleeper(uid: int) -> int:
    """Return a process of a user, in a session of its own."""
    ready, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.setsid()
        os.setresuid(uid, uid, uid)
        os.write(write, b"!")
        time.sleep(600)
        os._exit(0)
    os.read(ready, 1)
    os.close(ready)
    os.close(write)
    return child


def test_the_user_ids_are_none_of_containers() -> None:
    """The host sees the processes of containers, and must not end them."""
    assert UIDS[0] > LAST_UID
    assert UIDS[-1] < 65_534


def test_a_machine_in_use_is_left_alone(tmp_path: Path) -> None:
    """A process with such a user id, a file of a user like a run's, another program's scratch folder."""
    shared, scratch = tmp_path / "shared", tmp_path / "scratch"
    shared.mkdir()
    assert obstacle((shared, tmp_path / "none"), scratch) is None
    (shared / "file").touch()
    assert obstacle((shared,), scratch) is None
    os.chown(shared / "file", 12_345, -1)
    assert str(shared / "file") in str(obstacle((shared,), scratch))
    (shared / "file").unlink()
    scratch.mkdir()
    assert "is not the worker's" in str(obstacle((shared,), scratch))
    (scratch / "0").mkdir()
    assert obstacle((shared,), scratch) is None
    child = sleeper(FIRST_UID + 3)
    try:
        assert f"user id {FIRST_UID + 3} is in use" in str(obstacle((shared,), scratch))
    finally:
        os.kill(child, 9)
        os.waitpid(child, 0)


@pytest.mark.parametrize("existed", [False, True])
def test_what_is_lent_is_taken_back(tmp_path: Path, existed: bool) -> None:
    """Folders and processes of runs, also after an error; a scratch folder that was there stays."""
    scratch = tmp_path / "scratch"
    if existed:
        (scratch / "0").mkdir(parents=True)
    with contextlib.suppress(RuntimeError), lent_to_worker(scratch) as folder:
        (Path(folder) / "left").touch()
        assert (scratch / "0").is_dir()
        child = sleeper(UIDS[-1])
        raise RuntimeError
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -9
    assert not Path(folder).exists()
    assert scratch.exists() == existed


def crash() -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def hang() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    time.sleep(600)


@pytest.mark.parametrize(
    ("end", "reason", "error"),
    [
        (crash, "", "ended by SIGSEGV"),
        (hang, "", "stopped after 3 s"),
        (hang, "stopped by SIGINT", "stopped by SIGINT"),
        (lambda: os._exit(0), "", "without a result"),
    ],
)
def test_what_is_lent_is_taken_back_from_a_part_that_was_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, end: Callable[[], None], reason: str, error: str
) -> None:
    """By `benchmarks/gpu.py` itself: the mode of terminals, the folders, and what still runs."""
    shared, scratch, terminals = tmp_path / "tmp", tmp_path / "scratch", tmp_path / "ptmx"
    shared.mkdir()
    terminals.touch()
    terminals.chmod(0o666)
    monkeypatch.setattr(tempfile, "tempdir", str(shared))
    request = StopRequest()

    def measure(_part: str, given: Conditions) -> Values:
        with lent_to_worker(scratch, terminals=terminals, loan=given.loan) as folder:
            terminals.chmod(0o600)
            (Path(folder) / "left").touch()
            (scratch / "0" / "left").touch()
            given.on_way({"folder": folder, "run": sleeper(FIRST_UID)})
            end()
        return {}

    class StoppingReport(Report):
        def add_so_far(self, part: str, values: Mapping[str, Any]) -> None:
            super().add_so_far(part, values)
            request.reason = reason

    monkeypatch.setattr(gpu, "measure", measure)
    report = StoppingReport(path=tmp_path / "gpu.json", device="cpu", small=True)
    outcome = gpu._measure("d", report, TimeBudget(3.0, {"d": 1}), {}, request)
    assert error in outcome.error
    assert Path(outcome.values["folder"]).parent == shared
    assert list(shared.iterdir()) == []
    assert not scratch.exists()
    assert terminals.stat().st_mode & 0o7777 == 0o666
    assert not Path("/proc", str(outcome.values["run"])).exists()


def test_a_loan_is_put_back_once(tmp_path: Path) -> None:
    """What somebody makes there afterwards is theirs."""
    loan, scratch = Loan(), tmp_path / "scratch"
    loan.put_back()
    with lent_to_worker(scratch, terminals=tmp_path / "none", loan=loan):
        pass
    scratch.mkdir()
    loan.put_back()
    assert scratch.exists()


def test_only_processes_of_runs_are_ended() -> None:
    """Not those of the next user id."""
    inside, outside = sleeper(UIDS[-1]), sleeper(UIDS[-1] + 1)
    try:
        assert end_runs() == 1
        assert os.waitstatus_to_exitcode(os.waitpid(inside, 0)[1]) == -9
        assert os.waitpid(outside, os.WNOHANG) == (0, 0)
    finally:
        os.kill(outside, 9)
        os.waitpid(outside, 0)
