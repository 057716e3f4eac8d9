"""Evaluate several submissions in one command: what befalls one submission does not end the others.

Files that are no submission are refused, which is that submission's outcome. A sandbox may be lost because of
a submission, so the next one is tried. A missing engine or a full disk ends the whole command.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from runner.errors import SandboxError
from runner.results.summary import Summary
from runner.submission.load import RefusedSubmission, Submission


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchResult:
    """How several submissions ended."""

    summaries: list[Summary]
    """Of those that ended."""
    lost: SandboxError | None
    """The error of the last one that did not end; None if all ended."""


def refused_summary(submission: RefusedSubmission, *, challenge: str, n: int) -> Summary:
    """Return the summary of a submission that was refused; there is no evaluation of it.

    Args:
        submission: What was refused.
        challenge: Name of the challenge.
        n: Number of runs that it would have had.
    """
    return Summary(
        evaluation="",
        submission=submission.name,
        challenge=challenge,
        n=n,
        verdicts={},
        score=None,
        forgetting_quality=None,
        retain_ratio=None,
        test_ratio=None,
        epsilon_mean=None,
        seconds=0.0,
        warnings=[],
        reason=submission.reason,
        refused=True,
    )


def evaluate_all(
    submissions: Iterable[Submission],
    evaluate: Callable[[Submission], Summary],
    report: Callable[[str], None],
) -> BatchResult:
    """Evaluate each submission; ``report`` the error of one on which the sandbox was lost, and continue.

    Raises:
        HostNotReadyError: this host cannot run any submission.
    """
    summaries: list[Summary] = []
    lost: SandboxError | None = None
    for submission in submissions:
        try:
            summaries.append(evaluate(submission))
        except SandboxError as error:
            lost = error
            report(f"{submission.name}: {error}")
    return BatchResult(summaries=summaries, lost=lost)
