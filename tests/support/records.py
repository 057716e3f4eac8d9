"""Builders of run records, stored evaluations and summaries, each with some fields changed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from runner.results.summary import Summary
from runner.store.records import EvaluationRecord, RunRecord
from runner.store.stored_evaluation import StoredEvaluation
from runner.verdict import Verdict

_RUN = RunRecord(
    index=0,
    seed=1,
    attempt=1,
    verdict=Verdict.OK,
    detail="",
    host_seconds=1.0,
    run_seconds=1.0,
    checkpoint_sha256="",
    log_bytes_dropped=0,
)
_EVALUATION = EvaluationRecord(
    id="0123456789ab",
    submission_sha256="a" * 64,
    submission="mine",
    archive_bytes=1,
    challenge="hidden",
    challenge_sha256="b" * 64,
    image="c" * 64,
    n=8,
)
_STORED = StoredEvaluation(
    id="0123456789ab",
    submission="mine",
    submission_sha256="a" * 64,
    challenge="hidden",
    challenge_sha256="b" * 64,
    challenge_folder=None,
    image="c" * 64,
    n=8,
    started_at=datetime(2026, 1, 1, tzinfo=UTC),
    seconds=1.0,
    summary=None,
    manifest_sha256=None,
)


def run_record(**changes: Any) -> RunRecord:
    """Return a successful run with some fields changed."""
    return replace(_RUN, **changes)


def evaluation_record(**changes: Any) -> EvaluationRecord:
    """Return the record with which an evaluation begins, with some fields changed."""
    return replace(_EVALUATION, **changes)


def stored_evaluation(**changes: Any) -> StoredEvaluation:
    """Return a stored evaluation with some fields changed."""
    return replace(_STORED, **changes)


def summary_of(**changes: Any) -> Summary:
    """Return a summary without a score, with some fields changed."""
    values: dict[str, Any] = {
        "evaluation": "0123456789ab",
        "submission": "mine",
        "challenge": "hidden",
        "n": 8,
        "verdicts": {"ok": 8},
        "seconds": 1.0,
    }
    return Summary(**(values | changes))
