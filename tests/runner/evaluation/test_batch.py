"""Does a submission on which the sandbox is lost leave the others alone?"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from runner.errors import HostNotReadyError, RunnerError, SandboxLostError
from runner.evaluation.batch import evaluate_all
from runner.submission.load import Submission

THREE = [Submission(name=name, sha256=name * 64, archive=b"") for name in "abc"]


def evaluating(fails: RunnerError) -> Callable[[Submission], dict[str, Any]]:
    """Return what evaluates all but the second."""

    def evaluate(submission: Submission) -> dict[str, Any]:
        if submission.name == "b":
            raise fails
        return {"submission": submission.name}

    return evaluate


def test_the_others_go_on() -> None:
    """Their summaries are there, the sentence names the one that was lost, and it is not forgotten."""
    said: list[str] = []
    ended = evaluate_all(THREE, evaluating(SandboxLostError("It went away.")), said.append)
    assert [summary["submission"] for summary in ended.summaries] == ["a", "c"]
    assert said == ["b: It went away."]
    assert ended.lost is not None
    assert ended.lost.exit_code == 4


def test_all_that_end() -> None:
    """Nothing is said, nothing is lost."""
    said: list[str] = []
    ended = evaluate_all(THREE, lambda one: {"submission": one.name}, said.append)
    assert len(ended.summaries) == 3
    assert ended.lost is None
    assert not said


def test_a_host_that_cannot_go_on_ends_all() -> None:
    """It would fail the third one, too."""
    with pytest.raises(HostNotReadyError, match="disk"):
        evaluate_all(THREE, evaluating(HostNotReadyError("The disk is full.")), lambda _said: None)
