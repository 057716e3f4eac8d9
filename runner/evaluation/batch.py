"""Evaluate several entries in one command: what befalls one of them does not end the others.

Files that are no submission are refused, which is that entry's outcome. A sandbox may be lost because of
a submission, so the next one is tried, and the entry is held: it is evaluated when it is typed again. A
missing engine or a full disk ends the whole command.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from runner.challenge.challenge import Challenge
from runner.errors import SandboxError
from runner.evaluation.entries import HandIn, record_hand_ins
from runner.results.entry_result import EntryResult
from runner.results.summary import Summary
from runner.sanitize import sanitize_line
from runner.store.entries.records import Entry, Outcome
from runner.store.store import Store
from runner.submission.load import RefusedSubmission, Submission


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchResult:
    """How several entries ended."""

    results: list[EntryResult]
    """In the order of the entries."""
    lost: SandboxError | None
    """The error of the last one that is held; None if all ended."""


def evaluate_all(
    hand_ins: Sequence[HandIn],
    entries: Sequence[Entry],
    store: Store,
    evaluate: Callable[[Submission], Summary],
    report: Callable[[str], None],
    *,
    show_ended: Callable[[EntryResult], None] = lambda _result: None,
) -> BatchResult:
    """Evaluate what was handed in and record the outcomes.

    Args:
        hand_ins: What was typed.
        entries: As recorded, one for each.
        store: Where they are recorded.
        evaluate: Evaluates a submission; it is not called for what is refused.
        report: Shows the sentence that says why an entry is held.
        show_ended: Receives each result as soon as it is there.

    Raises:
        HostNotReadyError: this host cannot run any submission.
    """
    results: list[EntryResult] = []
    lost: SandboxError | None = None
    executed: set[str] = set()

    def add(result: EntryResult) -> None:
        results.append(result)
        show_ended(result)

    for hand_in, entry in zip(hand_ins, entries, strict=True):
        content, evaluation = hand_in.content, entry.evaluation
        if isinstance(content, RefusedSubmission) or evaluation is None:
            add(_without_evaluation(entry, Outcome.REFUSED, entry.reason or ""))
            continue
        before = store.last_run_ended(evaluation)
        try:
            summary = evaluate(content)
        except SandboxError as error:
            lost = error
            report(f"{entry.name}: {error}")
            reason = sanitize_line(str(error), 1000)
            store.end_entries(evaluation, Outcome.HELD, reason)
            add(_without_evaluation(entry, Outcome.HELD, reason))
            continue
        store.end_entries(evaluation, summary.outcome)
        after = store.last_run_ended(evaluation)
        if after != before:
            executed.add(evaluation)
        add(
            EntryResult(
                entry=entry,
                summary=summary,
                outcome=summary.outcome,
                same_as=store.same_content(entry),
                evaluated_at=None if evaluation in executed else after,
            )
        )
    return BatchResult(results=results, lost=lost)


def record_refused(
    store: Store, hand_ins: Sequence[HandIn], *, challenge: Challenge, n: int, command: str | None = None
) -> list[EntryResult]:
    """Record entries all of which are refused, which needs no engine; return their results.

    Args:
        store: Where they are recorded.
        hand_ins: In the order in which they were typed.
        challenge: On what they would have been evaluated.
        n: How many runs each would have had.
        command: Identifies the command, if it records others besides.
    """

    def evaluation_of(submission: Submission) -> str:
        raise AssertionError(f"{submission.name} is not refused")

    entries = record_hand_ins(
        store, hand_ins, challenge=challenge, n=n, evaluation_of=evaluation_of, command=command
    )
    return [_without_evaluation(entry, Outcome.REFUSED, entry.reason or "") for entry in entries]


def _without_evaluation(entry: Entry, outcome: Outcome, reason: str) -> EntryResult:
    """Return the result of an entry that is refused or held: there is no summary of an evaluation."""
    is_refused = outcome is Outcome.REFUSED
    summary = Summary(
        evaluation="" if is_refused else entry.evaluation or "",
        submission=entry.name,
        challenge=entry.challenge,
        n=entry.n,
        verdicts={},
        score=None,
        forgetting_quality=None,
        retain_ratio=None,
        test_ratio=None,
        epsilon_mean=None,
        seconds=0.0,
        warnings=[],
        reason=reason if is_refused else f"held, the same command evaluates it again: {reason}",
        refused=is_refused,
        held=not is_refused,
    )
    return EntryResult(entry=entry, summary=summary, outcome=outcome)
