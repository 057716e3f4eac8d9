"""Does the janitor see what of a run still lives, and all whose times a run may set?"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sandbox.worker.janitor import is_alive, touchable

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
    pytest.fail("its first thread does not end")


def test_a_process_lives_while_one_of_its_threads_does() -> None:
    """Its state is a zombie's once the first has ended; dead it is when all have."""
    with subprocess.Popen([sys.executable, "-c", FIRST_THREAD_ENDS]) as started:
        wait_for_zombie(started.pid)
        assert is_alive(status_of(started.pid))
        started.kill()
        os.waitid(os.P_PID, started.pid, os.WEXITED | os.WNOWAIT)
        assert is_zombie(started.pid)
        assert not is_alive(status_of(started.pid))


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
def test_what_a_status_says(lines: list[bytes], alive: bool) -> None:
    """One that ends while it is read may show less than all of its lines."""
    assert is_alive(lines) is alive


def test_all_that_anybody_may_touch_is_found(tmp_path: Path) -> None:
    """Links, whatever they lead to, and what lies further down; not what only its owner may."""
    inner = tmp_path / "pts"
    inner.mkdir()
    for file, mode in ((tmp_path / "null", 0o666), (tmp_path / "own", 0o644), (inner / "ptmx", 0o666)):
        file.touch()
        file.chmod(mode)
    (tmp_path / "fd").symlink_to("/proc/self/fd")
    (tmp_path / "gone").symlink_to("nowhere")
    assert sorted(touchable(tmp_path)) == sorted(
        [tmp_path / "fd", tmp_path / "gone", tmp_path / "null", inner / "ptmx"]
    )
