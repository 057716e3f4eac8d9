"""Several submissions, one after another: the sandbox that is lost on one ends none of the others.

What failed then was the sandbox, perhaps through something about that submission; an engine that is gone,
or a full disk, ends them all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from runner.errors import SandboxError
from runner.submission.load import Submission


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchResult:
    """What came of several submissions."""

    summaries: list[dict[str, Any]]
    """Of those that ended."""
    lost: SandboxError | None
    """What the last one that did not end was lost to; None if all ended."""


def evaluate_all(
    submissions: Iterable[Submission],
    evaluate: Callable[[Submission], dict[str, Any]],
    complain: Callable[[str], None],
) -> BatchResult:
    """Evaluate each; of one that is lost say so in a sentence, and go on.

    Raises:
        HostNotReadyError: this host cannot go on with any.
    """
    summaries: list[dict[str, Any]] = []
    lost: SandboxError | None = None
    for one in submissions:
        try:
            summaries.append(evaluate(one))
        except SandboxError as error:
            lost = error
            complain(f"{one.name}: {error}")
    return BatchResult(summaries=summaries, lost=lost)
