"""Evaluate several entries in one command: what befalls one of them does not end the others.

Files that are no submission are refused, which is that entry's outcome. A sandbox may be lost because of
a submission, so the next one is tried, and the entry is held: it is evaluated when it is typed again. A
missing engine or a full disk ends the whole command.
"""

from __future__ import annotations

import threading
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


class EntryBatch:
    """Ends the entries of one command, each by its evaluation. Safe to use from several threads."""

    def __init__(
        self,
        store: Store,
        report: Callable[[str], None],
        *,
        show_ended: Callable[[EntryResult], None] = lambda _result: None,
    ) -> None:
        """Begin.

        Args:
            store: Where the entries are recorded.
            report: Shows the sentence that says why an entry is held.
            show_ended: Receives each result as soon as it is there, one at a time.
        """
        self._store, self._report, self._show_ended = store, report, show_ended
        self._results: dict[int, EntryResult] = {}
        self._executed: set[str] = set()
        self._lock = threading.RLock()
        self.lost: SandboxError | None = None
        """The error of the last entry that is held."""

    def end(self, hand_in: HandIn, entry: Entry, evaluate: Callable[[Submission], Summary]) -> None:
        """Evaluate what was handed in, unless it is refused, and record what came of it.

        Raises:
            HostNotReadyError: this host cannot run any submission; the entry has not ended.
        """
        content, evaluation = hand_in.content, entry.evaluation
        if isinstance(content, RefusedSubmission) or evaluation is None:
            self._add(_without_evaluation(entry, Outcome.REFUSED, entry.reason or ""))
            return
        before = self._store.last_run_ended(evaluation)
        try:
            summary = evaluate(content)
        except SandboxError as error:
            self.hold(entry, error)
            return
        self._store.end_entries(evaluation, summary.outcome)
        after = self._store.last_run_ended(evaluation)
        with self._lock:
            if after != before:
                self._executed.add(evaluation)
            was_executed = evaluation in self._executed
        self._add(
            EntryResult(
                entry=entry,
                summary=summary,
                outcome=summary.outcome,
                same_as=self._store.same_content(entry),
                evaluated_at=None if was_executed else after,
            )
        )

    def hold(self, entry: Entry, error: SandboxError) -> None:
        """Hold an entry whose evaluation failed on our side."""
        reason = sanitize_line(str(error), 1000)
        with self._lock:
            self.lost = error
            self._report(f"{entry.name}: {error}")
        self._store.end_entries(entry.evaluation or "", Outcome.HELD, reason)
        self._add(_without_evaluation(entry, Outcome.HELD, reason))

    def result(self, entries: Sequence[Entry]) -> BatchResult:
        """Return how entries ended, in their order; those that have not ended are left out."""
        with self._lock:
            ended = [self._results[entry.id] for entry in entries if entry.id in self._results]
            return BatchResult(results=ended, lost=self.lost)

    def _add(self, result: EntryResult) -> None:
        with self._lock:
            self._results[result.entry.id] = result
            self._show_ended(result)


def evaluate_all(
    hand_ins: Sequence[HandIn],
    entries: Sequence[Entry],
    store: Store,
    evaluate: Callable[[Submission], Summary],
    report: Callable[[str], None],
    *,
    show_ended: Callable[[EntryResult], None] = lambda _result: None,
) -> BatchResult:
    """Evaluate what was handed in, one after the other, and record the outcomes.

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
    batch = EntryBatch(store, report, show_ended=show_ended)
    for hand_in, entry in zip(hand_ins, entries, strict=True):
        batch.end(hand_in, entry, evaluate)
    return batch.result(entries)


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
