"""Runs get user ids that nobody else on this host has."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from runner.engine.container_spec import FIRST_UID, LAST_UID
from runner.engine.user_ids import choose_first_uid, random_first_uid, user_ids_in_use

RUNS = 512


@pytest.mark.parametrize(
    "taken",
    [
        set(),
        {0, 33, 65_534, FIRST_UID - 1, LAST_UID},
        set(range(FIRST_UID, LAST_UID, RUNS + 1)),
        set(range(FIRST_UID, LAST_UID - RUNS)),
        {FIRST_UID, LAST_UID - 1, 31_000},
    ],
    ids=["nobody", "others outside of the range", "gaps that just fit", "one gap", "a few users"],
)
def test_no_id_of_a_run_is_taken(taken: set[int]) -> None:
    """And all are within the range in which helpers and slots have none."""
    for _ in range(20):
        first = choose_first_uid(RUNS, taken)
        assert FIRST_UID <= first <= LAST_UID - RUNS
        assert not taken & set(range(first, first + RUNS))


def test_every_start_is_possible() -> None:
    """Also the first and the last of a gap, and none beside them."""
    taken = set(range(FIRST_UID, LAST_UID)) - {20_000, 20_001, 20_002, 40_000, 40_001}
    assert {choose_first_uid(2, taken) for _ in range(60)} == {20_000, 20_001, 40_000}


def test_a_host_whose_ids_are_all_taken_runs_all_the_same() -> None:
    """There is no better choice then."""
    first = choose_first_uid(RUNS, range(FIRST_UID, LAST_UID))
    assert FIRST_UID <= first <= LAST_UID - RUNS


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can start a process of another user")
def test_the_real_id_of_a_process_is_seen(tmp_path: Path) -> None:
    """The kernel counts processes by it; the owner of the folder in /proc is another one here."""
    source = "import os, sys, time; os.setresuid(31_234, 31_235, 0); print(flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", source], stdout=subprocess.PIPE, cwd=tmp_path) as process:
        assert process.stdout is not None
        process.stdout.readline()
        seen, first = user_ids_in_use(), random_first_uid(RUNS)
        process.kill()
    assert {31_234, 31_235} <= seen
    assert not {31_234, 31_235} & set(range(first, first + RUNS))
