"""Does a submission on which the sandbox is lost leave the others alone?"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from runner.errors import HostNotReadyError, RunnerError, SandboxLostError
from runner.evaluation.batch import evaluate_all
from runner.results.summary import Summary
from runner.submission.load import Submission
from tests.support.records import summary_of

THREE = [Submission(name=name, sha256=name * 64, archive=b"") for name in "abc"]


def evaluating(fails: RunnerError) -> Callable[[Submission], Summary]:
    """Return what evaluates all but the second."""

    def evaluate(submission: Submission) -> Summary:
        if submission.name == "b":
            raise fails
        return summary_of(submission=submission.name)

    return evaluate


def test_the_others_go_on() -> None:
    """Their summaries are there, the sentence names the one that was lost, and it is not forgotten."""
    reported: list[str] = []
    ended = evaluate_all(THREE, evaluating(SandboxLostError("It went away.")), reported.append)
    assert [summary.submission for summary in ended.summaries] == ["a", "c"]
    assert reported == ["b: It went away."]
    assert ended.lost is not None
    assert ended.lost.exit_code == 4


def test_all_that_end() -> None:
    """Nothing is said, nothing is lost."""
    reported: list[str] = []
    ended = evaluate_all(THREE, lambda submission: summary_of(submission=submission.name), reported.append)
    assert len(ended.summaries) == 3
    assert ended.lost is None
    assert not reported


def test_a_host_that_cannot_go_on_ends_all() -> None:
    """It would fail the third one, too."""
    with pytest.raises(HostNotReadyError, match="disk"):
        evaluate_all(THREE, evaluating(HostNotReadyError("The disk is full.")), lambda _sentence: None)
