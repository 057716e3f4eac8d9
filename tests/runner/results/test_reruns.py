"""Runs to execute again are chosen evenly, and every difference is reported."""

from __future__ import annotations

from dataclasses import replace

from runner.results.reruns import compare_rerun, evenly_spaced
from runner.store.records import RunRecord
from runner.verdict import Verdict


def test_a_rerun_that_differs_is_reported() -> None:
    """There is one line per differing run, with what differs."""
    run = RunRecord(
        index=0,
        seed=1,
        attempt=1,
        verdict=Verdict.OK,
        detail="",
        host_seconds=1.0,
        run_seconds=1.0,
        checkpoint_sha256="a" * 64,
        log_bytes_dropped=0,
        outputs_sha256="b" * 64,
    )
    before = {index: replace(run, index=index) for index in range(5)}
    after = [
        replace(run, index=0, attempt=9, host_seconds=7.0),
        replace(run, index=1, checkpoint_sha256="c" * 64),
        replace(run, index=2, verdict=Verdict.CRASHED, checkpoint_sha256=""),
        replace(run, index=3, outputs_sha256="d" * 64),
    ]
    differences = compare_rerun(before, after, range(5))
    assert [line.split(":")[0] for line in differences] == ["run 1", "run 2", "run 3", "run 4"]
    assert "not deterministic" in differences[0]
    assert "ended as crashed" in differences[1]


def test_reruns_are_evenly_spaced() -> None:
    """The first run is always chosen, the choice is fixed, and no run is chosen twice."""
    assert evenly_spaced(range(64), 4) == [0, 16, 32, 48]
    assert evenly_spaced(range(3), 9) == [0, 1, 2]
    assert evenly_spaced([5, 7], 1) == [5]
    assert evenly_spaced([], 3) == []
