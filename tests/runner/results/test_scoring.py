"""What reaches a score card from a store; outputs that cannot be scored are a reason for no score, not an error."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from runner.challenge.outputs import NetworkOutputs, pack_outputs
from runner.results.scoring import score_runs
from runner.store.records import RetrainingRecord
from scoring.card.card import ScoreCard
from scoring.card.levels import flag_level
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


@pytest.mark.parametrize(
    ("processor", "retraining", "kinds"),
    [
        ([1.1], RetrainingRecord(seconds=0.5, processor_seconds=1.0, fraction=0.65), ["problem"]),
        ([0.6], RetrainingRecord(seconds=0.5, processor_seconds=1.0, fraction=0.65), []),
        (
            [1.1],
            RetrainingRecord(
                seconds=0.5, processor_seconds=1.0, empty_run_processor_seconds=0.6, fraction=0.65
            ),
            [],
        ),
        ([1.1, None], RetrainingRecord(seconds=1e6, processor_seconds=1.0, fraction=0.65), []),
        ([1.1], RetrainingRecord(seconds=1e6, processor_seconds=1.0), []),
        ([1.1], RetrainingRecord(), []),
    ],
    ids=["retrains", "unlearns", "mostly starts", "one is unknown", "an earlier challenge", "not timed"],
)
def test_processor_time_of_runs_reaches_the_card(
    ended: Ended, processor: list[float | None], retraining: RetrainingRecord, kinds: list[str]
) -> None:
    """Together with that of retraining and of an empty run, and with what the challenge allows."""
    runs = [
        replace(run, processor_seconds=processor[run.index % len(processor)])
        for run in ended.store.runs(ended.name)
    ]
    card = score_runs(ended.challenge, runs, ended.paths.outputs, retraining)
    assert isinstance(card, ScoreCard)
    flags = [flag for flag in card.flags if flag.kind == "too-slow"]
    assert [flag_level(flag.kind, flag.sentence) for flag in flags] == kinds
    known = None not in processor and retraining.processor_seconds is not None
    assert (card.run_time is not None and card.run_time.processor is not None) is known
