"""Where the worker shares a machine, it takes nothing that somebody has, and leaves nothing behind."""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path

import pytest

from benchmarks.gpu_parts.worker.bare_machine import FIRST_UID, UIDS, end_runs, lent_to_worker, obstacle
from runner.engine.container_spec import LAST_UID

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="changes user ids")


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
