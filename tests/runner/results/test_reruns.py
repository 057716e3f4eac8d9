"""Runs to execute again are chosen evenly, and every difference is reported."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from runner.challenge.outputs import NetworkOutputs
from runner.results.reruns import are_close, compare_rerun, evenly_spaced
from runner.store.records import RunRecord
from runner.verdict import Verdict

RUN = RunRecord(
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


def test_a_rerun_that_differs_is_reported() -> None:
    """There is one line per differing run, with what differs."""
    before = {index: replace(RUN, index=index) for index in range(5)}
    after = [
        replace(RUN, index=0, attempt=9, host_seconds=7.0),
        replace(RUN, index=1, checkpoint_sha256="c" * 64),
        replace(RUN, index=2, verdict=Verdict.CRASHED, checkpoint_sha256=""),
        replace(RUN, index=3, outputs_sha256="d" * 64),
    ]
    differences = compare_rerun(before, after, range(5))
    assert [line.split(":")[0] for line in differences] == ["run 1", "run 2", "run 3", "run 4"]
    assert "not deterministic" in differences[0]
    assert "ended as crashed" in differences[1]


def test_outputs_that_are_close_make_up_for_another_checkpoint() -> None:
    """On a GPU; neither for another verdict, nor where a run has no checkpoint."""
    before = {index: replace(RUN, index=index) for index in range(4)}
    after = [
        replace(RUN, index=0, checkpoint_sha256="c" * 64, outputs_sha256="d" * 64),
        replace(RUN, index=1, verdict=Verdict.CRASHED, checkpoint_sha256=""),
        replace(RUN, index=2, checkpoint_sha256=""),
        replace(RUN, index=3, outputs_sha256="d" * 64),
    ]
    differences = compare_rerun(before, after, range(4), outputs_are_close=lambda _index: True)
    assert [line.split(":")[0] for line in differences] == ["run 1", "run 2"]
    differences = compare_rerun(before, after, range(4), outputs_are_close=lambda index: index == 3)
    assert [line.split(":")[0] for line in differences] == ["run 0", "run 1", "run 2"]


@pytest.mark.parametrize(
    ("change", "close"),
    [(0.0, True), (1e-3, True), (-1e-3, True), (0.1, False), (float("nan"), False), (float("inf"), False)],
)
def test_closeness_is_measured_in_standard_deviations(change: float, close: bool) -> None:
    """A single logit that differs by more is enough, whatever the scale of the logits."""
    for scale in (1e-3, 1.0, 1e3):
        logits = scale * np.array([[-1.0, 1.0], [1.0, -1.0]], np.float32)
        again = logits.copy()
        again[1, 0] += np.float32(scale * change)
        assert are_close(outputs(logits), outputs(again)) is close
    assert not are_close(outputs(logits), outputs(logits[:1]))


def outputs(logits: NDArray[np.float32]) -> NetworkOutputs:
    return NetworkOutputs(
        logits=logits, correct=np.zeros((4, 2), np.int64), unseen_losses=np.zeros(0, np.float32)
    )


def test_reruns_are_evenly_spaced() -> None:
    """The first run is always chosen, the choice is fixed, and no run is chosen twice."""
    assert evenly_spaced(range(64), 4) == [0, 16, 32, 48]
    assert evenly_spaced(range(3), 9) == [0, 1, 2]
    assert evenly_spaced([5, 7], 1) == [5]
    assert evenly_spaced([], 3) == []
