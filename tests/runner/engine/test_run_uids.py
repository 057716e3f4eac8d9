"""Runs get user ids that nobody else on the machine has: the kernel counts much for each of them."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Collection
from contextlib import ExitStack
from pathlib import Path

import pytest

from runner.engine.container_spec import FIRST_UID, LAST_UID
from runner.engine.run_uids import uids_for_runs, uids_in_use
from runner.errors import HostNotReadyError
from tests.support.paths import ROOT

ALL = set(range(FIRST_UID, LAST_UID))


def first_of(folder: Path, runs: int, taken: Collection[int] = ()) -> int:
    with uids_for_runs(runs, in_use=lambda: taken, folder=folder) as first:
        return first


@pytest.mark.parametrize("runs", [1, 64, 512])
def test_ids_that_others_have_are_left_alone(tmp_path: Path, runs: int) -> None:
    """Also where they leave a tenth of the ids."""
    gap = range(30_000, 35_000)
    first = first_of(tmp_path, runs, ALL - set(gap))
    assert gap.start <= first
    assert first + runs <= gap.stop


def test_ids_cannot_be_guessed(tmp_path: Path) -> None:
    """They differ from evaluation to evaluation."""
    assert len({first_of(tmp_path, 64) for _ in range(50)}) > 40


def test_where_no_gap_is_wide_enough_few_ids_are_shared(tmp_path: Path) -> None:
    """Every second id of the first half is somebody's, and every fiftieth of the rest."""
    taken = {uid for uid in ALL if uid % (2 if uid < 35_000 else 50) == 0}
    first = first_of(tmp_path, 200, taken)
    assert len(taken & set(range(first, first + 200))) <= 4


def test_ids_that_came_into_use_meanwhile_are_left_alone(tmp_path: Path) -> None:
    """The runs of an evaluation that was killed go on for a moment, while its lock is free already."""
    looks = iter([set[int](), *(ALL - set(range(20_000, 20_000 + left)) for left in (0, 0))])
    seen: list[set[int]] = []

    def in_use() -> set[int]:
        seen.append(next(looks, set()))
        return seen[-1]

    with uids_for_runs(64, in_use=in_use, folder=tmp_path):
        assert [len(ids) > 0 for ids in seen] == [False, True, True, False]


def test_evaluations_of_one_process_share_no_id(tmp_path: Path) -> None:
    """Until at least a third of all ids are given out; then a sentence says what to wait for."""
    with ExitStack() as evaluations:
        taken: list[range] = []
        with contextlib.suppress(HostNotReadyError):
            while True:
                first = evaluations.enter_context(uids_for_runs(2_000, in_use=set[int], folder=tmp_path))
                taken.append(range(first, first + 2_000))
        assert len({uid for ids in taken for uid in ids}) == 2_000 * len(taken) >= len(ALL) // 3
        with pytest.raises(HostNotReadyError, match="Other evaluations on this host use so many user ids"):
            first_of(tmp_path, 40_000)
    assert first_of(tmp_path, 40_000) in ALL


HOLDER = """
import sys
from pathlib import Path
from runner.engine.run_uids import uids_for_runs

sys.stdin.readline()
with uids_for_runs(6_000, in_use=set, folder=Path(sys.argv[1])) as first:
    print(first, flush=True)
    sys.stdin.readline()
"""


def test_processes_that_draw_at_once_share_no_id_and_a_killed_one_keeps_none(tmp_path: Path) -> None:
    """What three hold, no fourth gets; once they are killed, all is free at once."""
    holders = [
        subprocess.Popen(
            [sys.executable, "-c", HOLDER, str(tmp_path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        for _ in range(3)
    ]
    try:
        for holder in holders:
            assert holder.stdin is not None
            holder.stdin.write("draw\n")
            holder.stdin.flush()
        firsts = [int(holder.stdout.readline()) for holder in holders if holder.stdout is not None]
        assert len({uid for first in firsts for uid in range(first, first + 6_000)}) == 3 * 6_000
        with pytest.raises(HostNotReadyError):
            first_of(tmp_path, 44_000)
        for holder in holders:
            holder.send_signal(signal.SIGKILL)
            holder.wait()
        assert first_of(tmp_path, 44_000) in ALL
    finally:
        for holder in holders:
            holder.kill()
            holder.communicate()


def test_a_folder_that_cannot_hold_locks_is_said(tmp_path: Path) -> None:
    """In one sentence, and no id is given out without a lock."""
    (tmp_path / "file").write_text("")
    with pytest.raises(HostNotReadyError, match="cannot be used for locks: File exists"):
        first_of(tmp_path / "file", 64)


@pytest.mark.skipif(os.getuid() != 0, reason="only root can have a process of another user")
def test_processes_and_accounts_of_this_machine_are_seen() -> None:
    """By the real id, which is what the kernel counts; no account is needed for it."""
    ready, started = os.pipe()
    process = os.fork()
    if process == 0:
        os.setresuid(54_321, 0, 0)
        os.write(started, b"1")
        signal.pause()
        os._exit(0)
    try:
        assert os.read(ready, 1) == b"1"
        assert 54_321 in uids_in_use()
    finally:
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)
        os.close(ready)
        os.close(started)
    assert {0, os.getuid()} <= uids_in_use()
