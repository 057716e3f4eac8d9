"""Outputs that cannot be scored are a reason for no score, not an error."""

from __future__ import annotations

import numpy as np

from runner.challenge.outputs import NetworkOutputs, pack_outputs
from runner.results.scoring import score_runs
from runner.store.records import RetrainingRecord
from tests.support.ended_evaluation import Ended


def test_outputs_that_contradict_the_challenge_are_a_reason(ended: Ended) -> None:
    """More right answers than examples; a verification reports the score, and does not fail."""
    ended.paths.outputs(0).write_bytes(
        pack_outputs(
            NetworkOutputs(
                logits=np.zeros((3, 2), np.float32),
                correct=np.full((4, 2), 1000),
                unseen_losses=np.zeros(2, np.float32),
            )
        )
    )
    runs = ended.store.runs(ended.name)
    reason = score_runs(ended.challenge, runs, ended.paths.outputs, RetrainingRecord())
    assert isinstance(reason, str)
    assert "outnumber" in reason
    assert any("score" in line for line in ended.mismatches())
