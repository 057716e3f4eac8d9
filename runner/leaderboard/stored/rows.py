"""The candidates of a leaderboard, from a store: a row for each entry, whatever came of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Final

from runner.challenge.challenge import Challenge
from runner.errors import HostNotReadyError
from runner.leaderboard.candidates import Candidate, Conditions, Figures, Status
from runner.leaderboard.stored.conditions import NoConditions, conditions_of, table_conditions
from runner.leaderboard.stored.halves import halves_of
from runner.progress import Reporter
from runner.reports.notices import notices_of, problems_of
from runner.reports.participant import policy_of
from runner.results.summary import Summary
from runner.results.view import MIN_SCORED_RUNS
from runner.store.entries.records import Entry, Outcome
from runner.store.leaderboard.records import StoredConditions, StoredVerification
from runner.store.listing import Progress, read_progress
from runner.store.records import ShownTerms
from runner.store.store import Store
from runner.store.stored_evaluation import StoredEvaluation
from runner.wording import quantity
from scoring.card.levels import Level
from scoring.card.version import SCORE_VERSION
from scoring.statistics.halves import HalvedScore

_STATUS: Final[Mapping[str, Status]] = {
    "scored": "scored",
    "smoke-test": "smoke-test",
    "judged": "judged",
    "failed": "failed",
    "held": "held",
    "refused": "refused",
}
_TOO_FEW: Final = f"fewer than {MIN_SCORED_RUNS} runs, too few for a score"
_OTHER_SCORER: Final = (
    "These scores are of another version of the scorer, so no rank is told apart from another."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChallengeSource:
    """A challenge of the evaluations: the seed of its halves, and how it is loaded when it is needed."""

    seed: int
    load: Callable[[], Challenge]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Result:
    """What an evaluation gives to all of its entries."""

    status: Status
    reason: str = ""
    conditions: Conditions | None = None
    figures: Figures = field(default_factory=Figures)
    halves: HalvedScore | None = None
    verdicts: Mapping[str, int] | None = None
    flags: tuple[tuple[Level, str], ...] = ()
    verified_at: datetime | None = None
    reruns: int = 0
    feedback: bool = False
    """Whether its policy is ``full``."""


def stored_candidates(
    store: Store,
    folder: Path,
    evaluations: Sequence[StoredEvaluation],
    entries: Sequence[Entry],
    *,
    baselines: Collection[str],
    sources: Mapping[str, ChallengeSource],
    reporter: Reporter,
) -> list[Candidate]:
    """Return a candidate for each entry; what is typed again under the same name, for no team, counts once.

    Args:
        store: That records them.
        folder: Of the store.
        evaluations: That take part.
        entries: Of these evaluations, and those that have none.
        baselines: Names of evaluations that are reference lines.
        sources: Of scored evaluations, by the hash of their challenge.
        reporter: Receives the progress of what has to be computed.

    Raises:
        ConfigurationError: a challenge is needed and cannot be used.
        HostNotReadyError: the store cannot be read or written.
    """
    reading = _Reading(store=store, folder=folder, sources=sources, reporter=reporter)
    results = reading.results(evaluations, entries)
    by_evaluation: dict[str, list[Entry]] = {}
    for entry in entries:
        if entry.evaluation is not None:
            by_evaluation.setdefault(entry.evaluation, []).append(entry)
    candidates = [
        candidate
        for stored in evaluations
        for candidate in _of_evaluation(
            stored,
            results[stored.id],
            by_evaluation.get(stored.id, []),
            is_baseline=stored.id in baselines,
        )
    ]
    begun = {stored.id for stored in evaluations}
    return candidates + [_without_evaluation(entry) for entry in entries if entry.evaluation not in begun]


def _of_evaluation(
    stored: StoredEvaluation, result: _Result, entries: Sequence[Entry], *, is_baseline: bool
) -> Iterator[Candidate]:
    first: dict[str | int, Entry] = {}
    for each in entries:  # a team's are each its own: their names differ in more than is shown
        first.setdefault(each.name if each.team is None else each.id, each)
    rows: list[Entry | None] = [*first.values()]
    for entry in rows or [None]:
        yield Candidate(
            id=f"entry-{entry.id}" if entry is not None else stored.id,
            entry=entry.id if entry is not None else None,
            team=entry.team if entry is not None else None,
            submission=entry.name if entry is not None else stored.submission,
            received=entry.received if entry is not None else stored.started_at,
            evaluation=stored.id,
            n=stored.n,
            status=result.status,
            reason=result.reason,
            conditions=result.conditions,
            figures=result.figures,
            halves=result.halves,
            verdicts=result.verdicts,
            flags=result.flags,
            verified_at=result.verified_at,
            reruns=result.reruns,
            feedback="full" if result.feedback else "verdict-only",
            is_baseline=is_baseline,
        )


def _without_evaluation(entry: Entry) -> Candidate:
    """Return the candidate of an entry that was refused, or whose evaluation has not begun."""
    status: Status = "unfinished"
    if entry.outcome is not None:
        status = "refused" if entry.outcome is Outcome.REFUSED else "held"
    return Candidate(
        id=f"entry-{entry.id}",
        entry=entry.id,
        team=entry.team,
        submission=entry.name,
        received=entry.received,
        n=entry.n,
        status=status,
        reason=entry.reason or ("not begun" if status == "unfinished" else ""),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reading:
    """Reads what evaluations give to their entries."""

    store: Store
    folder: Path
    sources: Mapping[str, ChallengeSource]
    reporter: Reporter

    def results(
        self, evaluations: Sequence[StoredEvaluation], entries: Sequence[Entry]
    ) -> dict[str, _Result]:
        """Return what each evaluation gives to its entries."""
        held = {
            entry.evaluation: entry.reason or ""
            for entry in entries
            if entry.evaluation is not None and entry.outcome is Outcome.HELD
        }
        unfinished = [stored.id for stored in evaluations if stored.summary is None]
        progress = read_progress(self.folder, unfinished, time.time())
        terms = self.store.terms_by_evaluation()
        results = {
            stored.id: _with_summary(Summary.from_json(stored.summary), terms.get(stored.id, []))
            if stored.summary is not None
            else _without_summary(stored, held.get(stored.id), progress.get(stored.id))
            for stored in evaluations
        }
        scored = [stored for stored in evaluations if results[stored.id].status == "scored"]
        conditions = conditions_of(self.store, self.folder, scored)
        halves = self._halves(scored, conditions)
        verified = self.store.all_verifications()
        for stored in scored:
            results[stored.id] = _completed(
                results[stored.id],
                stored,
                conditions=conditions[stored.id],
                terms=terms.get(stored.id, []),
                half=halves.get(stored.id, _OTHER_SCORER),
                verification=verified.get(stored.id),
            )
        return results

    def _halves(
        self,
        evaluations: Sequence[StoredEvaluation],
        conditions: Mapping[str, StoredConditions | NoConditions],
    ) -> dict[str, HalvedScore | str | HostNotReadyError]:
        """Return the scores on halves of evaluations that this version of the scorer has scored."""
        halves: dict[str, HalvedScore | str | HostNotReadyError] = {}
        for challenge, source in self.sources.items():
            comparable = [
                stored
                for stored in evaluations
                if stored.challenge_sha256 == challenge and _scorer(conditions[stored.id]) == SCORE_VERSION
            ]
            halves |= halves_of(
                self.store,
                self.folder,
                comparable,
                seed=source.seed,
                challenge=source.load,
                reporter=self.reporter,
            )
        return halves


def _scorer(conditions: StoredConditions | NoConditions) -> int | None:
    return conditions.scorer if isinstance(conditions, StoredConditions) else None


def _completed(
    result: _Result,
    stored: StoredEvaluation,
    *,
    conditions: StoredConditions | NoConditions,
    terms: Sequence[ShownTerms],
    half: HalvedScore | str | HostNotReadyError,
    verification: StoredVerification | None,
) -> _Result:
    """Return the result of a scored evaluation with its conditions, halves and verification."""
    if isinstance(conditions, NoConditions):
        return replace(result, status="invalid", reason=conditions.reason)
    result = replace(result, conditions=table_conditions(stored, conditions, terms))
    if isinstance(half, HostNotReadyError):
        return replace(result, status="invalid", reason=str(half))
    if verification is not None and verification.mismatches:
        mismatches = quantity(verification.mismatches, "mismatch", "mismatches")
        return replace(result, status="invalid", reason=f"unlearn verify reported {mismatches}")
    if verification is not None:
        result = replace(result, verified_at=verification.verified_at, reruns=verification.reruns)
    return replace(result, halves=half) if isinstance(half, HalvedScore) else replace(result, reason=half)


def _without_summary(stored: StoredEvaluation, held: str | None, progress: Progress | None) -> _Result:
    if held is not None:
        return _Result(status="held", reason=held)
    ended = progress.ended_runs if progress is not None else 0
    state = "running" if progress is not None and progress.is_running else "interrupted"
    return _Result(status="unfinished", reason=f"{state}: {ended} of {quantity(stored.n, 'run')} ended")


def _with_summary(summary: Summary, terms: Sequence[ShownTerms]) -> _Result:
    limit = min((item.wall_seconds for item in terms), default=None)
    seconds = summary.run_seconds_median
    problems = {(notice.level, notice.kind) for notice in problems_of(summary)}
    flags = dict.fromkeys((notice.level, notice.kind) for notice in notices_of(summary))
    return _Result(
        status=_STATUS[summary.status],
        reason=_TOO_FEW if summary.is_smoke_test else summary.reason or "",
        figures=Figures(
            score=summary.score,
            score_low=summary.score_low,
            score_high=summary.score_high,
            share_of_ceiling=summary.share_of_ceiling,
            retain_ratio=summary.retain_ratio,
            test_ratio=summary.test_ratio,
            time_share=seconds / limit if seconds is not None and limit else None,
        ),
        verdicts=summary.verdicts,
        flags=tuple(flag for flag in flags if flag[0] != "problem" or flag in problems),
        feedback=policy_of([{"feedback": item.feedback} for item in terms]) == "full",
    )
