"""Runs get user ids that nobody else on the machine has: the kernel counts much for each of them."""

from __future__ import annotations

import os
import signal

import pytest

from runner.engine.container_spec import FIRST_UID, LAST_UID
from runner.engine.run_uids import random_first_uid, uids_in_use

ALL = set(range(FIRST_UID, LAST_UID))


@pytest.mark.parametrize("runs", [1, 64, 512])
def test_ids_that_others_have_are_left_alone(runs: int) -> None:
    """Also where they leave a tenth of the ids."""
    gap = range(30_000, 35_000)
    first = random_first_uid(runs, lambda: ALL - set(gap))
    assert gap.start <= first
    assert first + runs <= gap.stop


def test_ids_cannot_be_guessed() -> None:
    """They differ from evaluation to evaluation."""
    assert len({random_first_uid(64, set) for _ in range(50)}) > 40


def test_where_no_gap_is_wide_enough_few_ids_are_shared() -> None:
    """Every second id of the first half is somebody's, and every fiftieth of the rest."""
    taken = {uid for uid in ALL if uid % (2 if uid < 35_000 else 50) == 0}
    first = random_first_uid(200, lambda: taken)
    assert len(taken & set(range(first, first + 200))) <= 4


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
