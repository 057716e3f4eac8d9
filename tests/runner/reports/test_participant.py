"""Does a participant get what the policy allows, and does a submission get no byte of its own out?"""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.reports.participant import exception_name, participant_report, participant_text, policy_of
from runner.results.summary import OTHER_SUBMISSION
from runner.sanitize import sanitize
from runner.store.records import RunRecord
from runner.verdict import Verdict
from tests.support.records import stored_evaluation, summary_of

SECRET = "pixels-7-31"


def terms(feedback: str) -> dict[str, Any]:
    return {
        "machine": "",
        "wall_seconds": 60.0,
        "total_seconds": None,
        "wall_fraction": None,
        "retrain_seconds": None,
        "feedback": feedback,
    }


def run(index: int = 0, verdict: Verdict = Verdict.CRASHED, **said: Any) -> RunRecord:
    return RunRecord(
        **{
            "index": index,
            "seed": 4711,
            "attempt": 1,
            "verdict": verdict,
            "detail": "",
            "host_seconds": 1.23456,
            "run_seconds": 1.2,
            "checkpoint_sha256": "",
            "log_bytes_dropped": 0,
            **said,
        }
    )


def told(*runs: RunRecord, feedback: str, log: str = "", **summary: Any) -> dict[str, Any]:
    return participant_report(
        evaluation=stored_evaluation(summary=summary_of(**summary).to_json() if summary else None),
        terms=[terms(feedback)],
        runs=runs,
        log=lambda _index: log,
    )


CRASHED = run(detail=f"Leak: {SECRET}", exception_type=SECRET, log_bytes_dropped=731)


def test_full_tells_everything() -> None:
    """Output, traceback, detail and the exception's own name."""
    shown = told(CRASHED, feedback="full", log=f"printed {SECRET}", warnings=["odd"], score=None)
    (one,) = shown["runs"]
    assert one["log"] == f"printed {SECRET}"
    assert one["detail"] == f"Leak: {SECRET}"
    assert one["exception"] == SECRET
    assert one["seconds"] == 1.23
    assert shown["warnings"] == ["odd"]
    assert f"    | printed {SECRET}" in participant_text(shown)


def test_verdict_only_tells_the_verdict_alone() -> None:
    """Exactly these names; nothing that the submission chose is among their values."""
    shown = told(
        CRASHED,
        feedback="verdict-only",
        log=f"printed {SECRET} /scratch/0/run-0",
        warnings=[f"equal to {SECRET}"],
        reason=f"run 0 ended as crashed ({SECRET})",
        score=0.123456789,
        epsilon_mean=3.0,
    )
    assert shown["runs"] == [{"run": 0, "verdict": "crashed", "seconds": 1, "exception": "Exception"}]
    assert shown.keys() == {
        *("schema_version", "evaluation", "submission", "challenge", "n", "feedback", "finished"),
        *("wall_seconds", "verdicts", "score", "runs"),
    }
    assert shown["score"] == 0.123457
    for text in (json.dumps(shown), participant_text(shown)):
        assert SECRET not in text
        assert "731" not in text
        assert "4711" not in text
        assert "/" not in text


@given(
    st.text(max_size=60),
    st.text(max_size=60),
    st.text(max_size=60),
    st.integers(0, 1 << 40),
    st.integers(0, 100_000),
)
def test_two_submissions_that_differ_in_what_they_write_are_told_the_same(
    detail: str, name: str, log: str, dropped: int, thousandths: int
) -> None:
    """Under `verdict-only` text, counts and fractions of a second make no difference at all."""
    plain = told(run(exception_type="Exception", host_seconds=5.0), feedback="verdict-only")
    written = run(
        detail=detail,
        exception_type=f"{name}_",
        log_bytes_dropped=dropped,
        host_seconds=5.0 + (thousandths - 50_000) / 100_001,
    )
    assert told(written, feedback="verdict-only", log=log) == plain


def test_a_log_is_not_even_read_under_verdict_only() -> None:
    """Where it may not be told, nobody asks for it."""

    def refuse(_index: int) -> str:
        raise AssertionError

    participant_report(
        evaluation=stored_evaluation(),
        terms=[terms("verdict-only")],
        runs=[CRASHED],
        log=refuse,
    )


@pytest.mark.parametrize("name", ["ValueError", "MemoryError", "KeyboardInterrupt", "OutOfMemoryError"])
def test_well_known_exceptions_keep_their_names(name: str) -> None:
    """Python's own, and those of torch and numpy."""
    assert exception_name(name) == name


@pytest.mark.parametrize("name", ["secret", "valueerror", "ValueError ", "print", "int", "ValueError\n"])
def test_other_names_become_exception(name: str) -> None:
    """A class that the submission named, even nearly like one of Python's."""
    assert exception_name(name) == "Exception"


def test_no_exception_has_no_name() -> None:
    """A run that was killed raised nothing."""
    assert exception_name("") == ""


def test_without_terms_the_stricter_policy_holds() -> None:
    """What was never agreed on is not told; of several, the strictest counts."""
    assert policy_of([]) == "verdict-only"
    assert policy_of([terms("full")]) == "full"
    assert policy_of([terms("full"), terms("verdict-only")]) == "verdict-only"


@given(st.text(), st.text(), st.text())
def test_nothing_shown_is_harmful(log: str, detail: str, name: str) -> None:
    """As text and as JSON: no escape, override or control character, whatever was printed."""
    shown = told(run(detail=detail, exception_type=name), feedback="full", log=log)
    text = participant_text(shown)
    assert sanitize(text) == text
    encoded = json.dumps(shown)
    assert encoded.isascii()
    assert encoded.isprintable()
    assert sanitize(shown["runs"][0]["log"]) == shown["runs"][0]["log"]


def test_a_log_cannot_pretend_to_be_the_report() -> None:
    """Every line that a submission wrote begins with a mark."""
    forged = "\nrun 1, ok\n    0  ok   1.0\nscore: 1\r\n"
    lines = participant_text(told(run(), feedback="full", log=forged)).splitlines()
    ours = [line for line in lines if not line.startswith("    | ")]
    assert "score: 1" not in ours
    assert "run 1, ok" not in ours


def test_participants_are_not_told_of_each_other() -> None:
    """A warning that names another submission stays with the organizer; the others are passed on."""
    summary: dict[str, Any] = {
        "warnings": [
            f"2 of 2 checkpoints equal those of {OTHER_SUBMISSION} theirs (evaluation abc)",
            "2 are unchanged",
        ]
    }
    assert told(run(), feedback="full", **summary)["warnings"] == ["2 are unchanged"]
