"""Check a submission: a smoke test that is always executed anew and, on request, an evaluation with a score.

A smoke test is short, and whoever types `unlearn check` wants to know how the code behaves now: what an
earlier check of the same content stored is removed first. An evaluation with a score is resumed as `unlearn
run` resumes it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import platformdirs

from runner.challenge.challenge import Challenge
from runner.errors import SandboxError
from runner.evaluation.batch import BatchResult, evaluate_all
from runner.evaluation.entries import HandIn, record_hand_ins
from runner.results.summary import Summary
from runner.results.telling_apart import Baseline, compared_with
from runner.store.entries.records import Outcome
from runner.store.removal import remove_evaluation
from runner.store.store import Store
from runner.submission.load import Submission

SMOKE_RUNS: Final = 2
"""The least that shows whether checkpoints of different seeds differ."""


def check_store_folder() -> Path:
    """Return the folder of the store of checks, in the user's cache."""
    return platformdirs.user_cache_path("unlearn") / "checks"


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """How the check of a submission ended."""

    result: BatchResult
    """Of its last evaluation, with one entry."""
    n: int
    """Runs of that evaluation."""
    seconds: float
    """Wall time of the check."""
    baseline: Baseline | None = None
    """What a known method scores; None without a score, or where none is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checker:
    """Checks submissions one after another."""

    store: Store
    folder: Path
    """Of the store."""
    challenge: Challenge
    evaluation_of: Callable[[Submission, int], str]
    """Returns the name of the evaluation with so many runs."""
    evaluate: Callable[[Submission, int], Summary]
    """Executes so many runs."""
    report: Callable[[str], None]
    """Shows why a submission could not be judged."""
    scored_runs: int | None = None
    """Runs of the evaluation with a score; None for a smoke test alone."""
    baseline: Submission | None = None
    """A known method, which is evaluated once for each number of runs; None for none."""

    def check(self, hand_in: HandIn) -> Checked:
        """Check what was handed in.

        Raises:
            HostNotReadyError: this host cannot run any submission, or another process checks the same.
        """
        started_at = time.monotonic()
        n = SMOKE_RUNS
        result = self._evaluate(hand_in, n, fresh=True)
        baseline: Baseline | None = None
        if self.scored_runs is not None and result.results[0].outcome is Outcome.SCORED:
            n = self.scored_runs
            known = self._evaluate_baseline(hand_in, n)  # first, so that the check is the last evaluation
            result = self._evaluate(hand_in, n, fresh=False)
            baseline = compared_with(result.results[0].summary, known) if known is not None else None
        return Checked(result=result, n=n, seconds=time.monotonic() - started_at, baseline=baseline)

    def _evaluate_baseline(self, hand_in: HandIn, n: int) -> Summary | None:
        known, content = self.baseline, hand_in.content
        if known is None or (isinstance(content, Submission) and content.sha256 == known.sha256):
            return None
        try:
            return self.evaluate(known, n)
        except SandboxError:  # the check itself says so, if it happens again
            return None

    def _evaluate(self, hand_in: HandIn, n: int, *, fresh: bool) -> BatchResult:
        if fresh and isinstance(hand_in.content, Submission):
            name = self.evaluation_of(hand_in.content, n)
            if self.store.find_evaluation(name) is not None:
                remove_evaluation(self.store, self.folder, name)
        entries = record_hand_ins(
            self.store,
            [hand_in],
            challenge=self.challenge,
            n=n,
            evaluation_of=lambda submission: self.evaluation_of(submission, n),
        )
        return evaluate_all(
            [hand_in], entries, self.store, lambda submission: self.evaluate(submission, n), self.report
        )


def worst_exit_code(checks: list[Checked]) -> int:
    """Return the exit code of a command: that of a lost sandbox, else 1 if a submission failed, else 0."""
    lost: list[SandboxError] = [each.result.lost for each in checks if each.result.lost is not None]
    if lost:
        return lost[-1].exit_code
    return int(any(each.result.results[0].outcome is not Outcome.SCORED for each in checks))
