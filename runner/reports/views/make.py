"""Make the view of an evaluation from what is stored of it, or of files that are no submission."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from statistics import median
from typing import Any, Final, cast

from runner.reports.advice import advice
from runner.reports.notices import notices_of, problems_of
from runner.reports.views.model import (
    EvaluationView,
    FailureView,
    MemoryView,
    NoticeView,
    ScoreView,
    Status,
    TimeView,
)
from runner.reports.views.place import place_of, without_place
from runner.results.summary import Summary
from runner.sanitize import sanitize, sanitize_line
from runner.store.records import RunRecord
from runner.store.stored_evaluation import StoredEvaluation
from runner.verdict import Verdict

RECOMMENDED_RUNS: Final = 64
_TRACEBACK_LINES: Final = 40
_TRACEBACK_CHARACTERS: Final = 8000


def make_view(
    *,
    evaluation: StoredEvaluation,
    runs: Sequence[RunRecord],
    terms: Sequence[Mapping[str, Any]],
    log: Callable[[int], str],
    name: str | None = None,
    path: str | None = None,
    memory_limit_bytes: int | None = None,
) -> EvaluationView:
    """Return the view of an evaluation, with all that is known of it.

    Args:
        evaluation: As stored.
        runs: As published.
        terms: The terms on each machine.
        log: Returns what a run printed and raised.
        name: Of the entry that it is shown for; that of the submission by default.
        path: Of that entry, as it was typed.
        memory_limit_bytes: Of a run, if it is known.
    """
    summary = Summary.from_json(evaluation.summary) if evaluation.summary is not None else None
    failed = next((run for run in runs if run.verdict is not Verdict.OK), None)
    return EvaluationView(
        evaluation=evaluation.id,
        submission=sanitize_line(name or evaluation.submission, 100),
        path=sanitize_line(path, 300) if path is not None else None,
        challenge=sanitize_line(evaluation.challenge, 100),
        n=evaluation.n,
        status=cast(Status, summary.status) if summary is not None else "unfinished",
        verdicts={
            str(verdict): count
            for verdict, count in sorted(
                Counter(run.verdict for run in runs).items(), key=lambda item: item[0]
            )
        },
        reason=sanitize_line(summary.reason) if summary is not None and summary.reason else None,
        failure=failure_view(failed, log(failed.index), path) if failed is not None else None,
        notices=_notices(summary) if summary is not None else [],
        score=_score(summary) if summary is not None else None,
        time=_time(evaluation.n, runs, terms),
        memory=_memory(runs, memory_limit_bytes),
    )


def refused_view(
    *,
    name: str,
    path: str,
    challenge: str,
    n: int,
    reason: str,
    held: bool = False,
    evaluation: str | None = None,
) -> EvaluationView:
    """Return the view of files that are no submission or, if ``held``, of one that was not judged."""
    return EvaluationView(
        evaluation=evaluation,
        submission=sanitize_line(name, 100),
        path=sanitize_line(path, 300),
        challenge=sanitize_line(challenge, 100),
        n=n,
        status="held" if held else "refused",
        verdicts={},
        reason=sanitize_line(reason, 1000),
    )


def failure_view(run: RunRecord, log: str, path: str | None) -> FailureView:
    """Return the view of a run that failed.

    Args:
        run: As published.
        log: What it printed and raised.
        path: Of the submission, as it was typed.
    """
    place = place_of(run.detail, log, path)
    lines = sanitize(log).strip("\n").rstrip().splitlines()
    return FailureView(
        run=run.index,
        verdict=str(run.verdict),
        message=sanitize_line(without_place(run.detail), 1000),
        exception=sanitize_line(run.exception_type, 100),
        file=place.file if place is not None else None,
        line=place.line if place is not None else None,
        source=place.source if place is not None else "",
        advice=advice(run.detail),
        traceback="\n".join(lines[-_TRACEBACK_LINES:])[-_TRACEBACK_CHARACTERS:],
    )


def _notices(summary: Summary) -> list[NoticeView]:
    shown = [*problems_of(summary), *(item for item in notices_of(summary) if item.level != "problem")]
    return [
        NoticeView(
            kind=notice.kind,
            level=notice.level,
            sentence=sanitize_line(notice.sentence),
            advice=notice.advice if notice.level == "problem" else "",
            false_alarms=notice.false_alarms,
        )
        for notice in shown
    ]


def _score(summary: Summary) -> ScoreView | None:
    if summary.score is None or summary.is_smoke_test:
        return None
    return ScoreView(
        value=summary.score,
        low=summary.score_low,
        high=summary.score_high,
        forgetting_quality=summary.forgetting_quality,
        share_of_ceiling=summary.share_of_ceiling,
        retain_ratio=summary.retain_ratio,
        test_ratio=summary.test_ratio,
    )


def _memory(runs: Sequence[RunRecord], limit_bytes: int | None) -> MemoryView | None:
    seen = [run.peak_memory_bytes for run in runs if run.peak_memory_bytes is not None]
    return MemoryView(peak_bytes=max(seen), limit_bytes=limit_bytes) if seen else None


def _time(n: int, runs: Sequence[RunRecord], terms: Sequence[Mapping[str, Any]]) -> TimeView | None:
    seconds = [run.run_seconds for run in runs if run.verdict is Verdict.OK and run.run_seconds > 0]
    if not seconds:
        return None
    used = [
        run.processor_seconds
        for run in runs
        if run.verdict is Verdict.OK and run.processor_seconds is not None
    ]
    limits = [float(item["wall_seconds"]) for item in terms]
    return TimeView(
        run_seconds=median(seconds),
        processor_seconds=median(used) if used else None,
        limit_seconds=min(limits) if limits else None,
        projected_runs=RECOMMENDED_RUNS if n < RECOMMENDED_RUNS else None,
        projected_seconds=median(seconds) * RECOMMENDED_RUNS if n < RECOMMENDED_RUNS else None,
    )
