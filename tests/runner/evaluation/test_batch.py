"""A sandbox lost on one submission does not end the evaluation of the others."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from runner.errors import HostNotReadyError, RunnerError, SandboxLostError
from runner.evaluation.batch import evaluate_all
from runner.results.summary import Summary
from runner.submission.load import Submission
from tests.support.records import summary_of

SUBMISSIONS = [Submission(name=name, sha256=name * 64, archive=b"") for name in "abc"]


def failing_on_b(error: RunnerError) -> Callable[[Submission], Summary]:
    """Return an evaluate function that raises ``error`` for submission b."""

    def evaluate(submission: Submission) -> Summary:
        if submission.name == "b":
            raise error
        return summary_of(submission=submission.name)

    return evaluate


def test_the_other_submissions_are_evaluated() -> None:
    """Their summaries are returned; the lost one is reported by name, and its error is returned."""
    reported: list[str] = []
    result = evaluate_all(SUBMISSIONS, failing_on_b(SandboxLostError("It went away.")), reported.append)
    assert [summary.submission for summary in result.summaries] == ["a", "c"]
    assert reported == ["b: It went away."]
    assert result.lost is not None
    assert result.lost.exit_code == 4


def test_nothing_is_reported_when_all_end() -> None:
    """All summaries are returned, without a report or an error."""
    reported: list[str] = []
    result = evaluate_all(
        SUBMISSIONS, lambda submission: summary_of(submission=submission.name), reported.append
    )
    assert len(result.summaries) == 3
    assert result.lost is None
    assert not reported


def test_a_host_that_is_not_ready_ends_the_batch() -> None:
    """The next submission would fail on it too."""
    with pytest.raises(HostNotReadyError, match="disk"):
        evaluate_all(
            SUBMISSIONS, failing_on_b(HostNotReadyError("The disk is full.")), lambda _sentence: None
        )
