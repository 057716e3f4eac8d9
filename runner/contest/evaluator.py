"""What evaluates the entries of a competition, as its worker needs it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol

from runner.competition.phase import Phase
from runner.results.summary import Summary
from runner.submission.load import Submission


class EntryEvaluator(Protocol):
    """Evaluates submissions on a challenge of a phase."""

    def evaluation(self, submission: Submission) -> str:
        """Return the name of a submission's evaluation."""

    def evaluate(self, submission: Submission, before_scoring: Callable[[], object]) -> Summary:
        """Evaluate a submission.

        Raises:
            ConfigurationError: the challenge cannot be used.
            BusyError: another process works on it.
            SandboxError: the sandbox failed again and again.
            HostNotReadyError: this host cannot run any submission.
        """


OpenEvaluator = Callable[[Phase, str], AbstractContextManager[EntryEvaluator]]
"""Opens what evaluates on a challenge of a phase, named by its path."""
