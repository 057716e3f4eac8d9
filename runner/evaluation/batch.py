"""Evaluate several submissions in one command: a sandbox lost on one submission does not end the others.

That submission may have caused the loss, so the next one is tried. A missing engine or a full disk ends the
whole command.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from runner.errors import SandboxError
from runner.results.summary import Summary
from runner.submission.load import Submission


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchResult:
    """How several submissions ended."""

    summaries: list[Summary]
    """Of those that ended."""
    lost: SandboxError | None
    """The error of the last one that did not end; None if all ended."""


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
