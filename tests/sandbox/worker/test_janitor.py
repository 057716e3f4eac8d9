"""The janitor detects living threads and finds every node whose times a run may set."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sandbox.worker import janitor
from sandbox.worker.cleanup.end_processes import is_alive

FIRST_THREAD_ENDS = """
import ctypes, threading, time
threading.Thread(target=time.sleep, args=(600,)).start()
ctypes.CDLL(None).pthread_exit(None)
"""


def status_of(process: int) -> list[bytes]:
    return Path(f"/proc/{process}/status").read_bytes().splitlines()


def is_zombie(process: int) -> bool:
    return any(line.startswith(b"State:\tZ") for line in status_of(process))


def wait_for_zombie(process: int) -> None:
    for _ in range(6_000):
        if is_zombie(process):
            return
        time.sleep(0.01)
    pytest.fail("the first thread did not end")


def test_a_process_is_alive_while_one_of_its_threads_is() -> None:
    """Its state is zombie after the first thread has ended; it is dead only when all threads are."""
    with subprocess.Popen([sys.executable, "-c", FIRST_THREAD_ENDS]) as process:
        wait_for_zombie(process.pid)
        assert is_alive(status_of(process.pid))
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert is_zombie(process.pid)
        assert not is_alive(status_of(process.pid))


@pytest.mark.parametrize(
    ("lines", "alive"),
    [
        ([b"State:\tR (running)", b"Threads:\t1"], True),
        ([b"State:\tZ (zombie)", b"Threads:\t2"], True),
        ([b"State:\tZ (zombie)", b"Threads:\t1"], False),
        ([b"State:\tX (dead)", b"Threads:\t0"], False),
        ([b"State:\tZ (zombie)"], False),
        ([], False),
    ],
)
def test_is_alive_reads_incomplete_statuses(lines: list[bytes], alive: bool) -> None:
    """A process that ends while its status is read may show only some of the lines."""
    assert is_alive(lines) is alive


@pytest.mark.parametrize(
    ("owners", "clean"),
    [
        ({}, True),
        ({"own": 12_345}, True),
        ({"roots": 0, "own": 12_345}, True),
        ({"own": 12_345, "another_runs": 12_346}, False),
        ({"another_runs": 10_000}, False),
    ],
)
def test_what_another_run_owns_is_never_clean(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, owners: dict[str, int], clean: bool
) -> None:
    """No run that is alive can own it: the container is not used again. Only the run's own entries are removed."""
    for name in owners:
        (tmp_path / name).mkdir()
    monkeypatch.setattr(janitor, "_owner", lambda entry: owners[entry.name])
    assert janitor._empty(tmp_path, 12_345) is clean
    assert {entry.name for entry in tmp_path.iterdir()} == owners.keys() - {"own"}
