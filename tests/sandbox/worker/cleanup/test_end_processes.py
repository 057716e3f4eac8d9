"""All processes of a uid are ended, also those that fork on and on, and only a reaped or dead one counts as gone."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sandbox.worker.cleanup.end_processes import end_processes, kill_reports_no_target

UID = 45_678
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="takes another uid")

TICKS = "while :; do echo >> $FILE; sleep 0.002; done"
FORKS_ON = "next() { echo >> $FILE; sleep 0.002; next & }; next"
"""A chain of processes, each of which starts the next and ends: a list of processes may miss it."""


def start(script: str, file: Path) -> subprocess.Popen[bytes]:
    """Start a shell of the uid that makes a file grow as long as one of its processes is alive."""
    command, environment = ["/bin/sh", "-c", script], {**os.environ, "FILE": str(file)}
    return subprocess.Popen(command, env=environment, user=UID, group=UID, extra_groups=[])


def grows(file: Path) -> bool:
    """Return whether a file has grown after a fifth of a second."""
    before = file.stat().st_size
    time.sleep(0.2)
    return file.stat().st_size > before


@pytest.fixture
def file() -> Iterator[Path]:
    """Return a file that everybody may write, in a folder that everybody may enter."""
    with tempfile.NamedTemporaryFile(dir="/tmp") as stream:
        os.chmod(stream.name, 0o666)
        yield Path(stream.name)


def in_child(work: Callable[[], bool]) -> bool:
    """Return what a child that takes the uid gets from ``work``."""
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setresgid(UID, UID, UID)
            os.setresuid(UID + 1, UID, UID + 1)
            os._exit(0 if work() else 3)
        finally:
            os._exit(4)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@needs_root
@pytest.mark.parametrize("script", [TICKS, FORKS_ON])
@pytest.mark.parametrize("number", [1, 3, 12])
@pytest.mark.parametrize("has_descriptors", [True, False])
def test_nothing_is_alive_afterwards(
    script: str, number: int, has_descriptors: bool, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Few and many processes; with and without a kernel that can wait for a process by a descriptor."""
    if not has_descriptors:
        monkeypatch.setattr(os, "pidfd_open", _refuse, raising=False)
    started = [start(script, file) for _ in range(number)]
    assert grows(file)
    assert in_child(lambda: end_processes(UID, kill_reports_none=False))
    assert not grows(file)
    for process in started:
        process.wait()


def _refuse(_process: int) -> int:
    raise OSError("no such call")


@needs_root
def test_without_processes_it_ends_at_once() -> None:
    """Also where the list of processes has none of this uid."""
    assert in_child(lambda: end_processes(UID, kill_reports_none=False))


@needs_root
def test_a_process_that_cannot_be_ended_is_reported(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the patience, and not before: here the signal is lost."""
    process = start(TICKS, file)
    with monkeypatch.context() as patched:
        patched.setattr(os, "kill", lambda _process, _signal: None)
        assert not in_child(lambda: end_processes(UID, kill_reports_none=False, patience_seconds=0.2))
    process.kill()
    process.wait()


@needs_root
def test_linux_does_not_report_that_no_process_is_left() -> None:
    """So the list of processes decides here."""
    assert not kill_reports_no_target()
