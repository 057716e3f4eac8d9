"""A participant sees what the policy allows; under `verdict-only` a submission leaks no byte."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.parsers.remarks import ANSWERS_UNLIKE
from runner.reports.participant import participant_report, participant_text, policy_of
from runner.results.view import EQUAL_SEEDS, OTHER_SUBMISSION, UNCHANGED
from runner.sanitize import exception_name, sanitize
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


def run(index: int = 0, verdict: Verdict = Verdict.CRASHED, **changes: Any) -> RunRecord:
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
            **changes,
        }
    )


def report(*runs: RunRecord, feedback: str, log: str = "", **summary: Any) -> dict[str, Any]:
    return participant_report(
        evaluation=stored_evaluation(summary=summary_of(**summary).to_json() if summary else None),
        terms=[terms(feedback)],
        runs=runs,
        log=lambda _index: log,
    )


CRASHED = run(detail=f"Leak: {SECRET}", exception_type=SECRET, log_bytes_dropped=731)


def test_full_shows_everything() -> None:
    """Output, detail, warnings and the exception's own name are all in the report."""
    view = report(CRASHED, feedback="full", log=f"printed {SECRET}", warnings=["odd"], score=None)
    (run_view,) = view["runs"]
    assert run_view["log"] == f"printed {SECRET}"
    assert run_view["detail"] == f"Leak: {SECRET}"
    assert run_view["exception"] == SECRET
    assert run_view["seconds"] == 1.23
    assert view["warnings"] == ["odd"]
    assert f"    | printed {SECRET}" in participant_text(view)


def test_full_says_what_to_do() -> None:
    """On a line of its own, which no submission can write; `verdict-only` does not, since it follows from the detail."""
    failed = run(detail="SystemExit: 0")
    text = participant_text(report(failed, feedback="full"))
    assert "what to do: Return from the function instead of leaving Python." in text.splitlines()
    assert "what to do" not in participant_text(report(CRASHED, feedback="full"))
    assert "what to do" not in participant_text(report(failed, feedback="verdict-only"))


def test_verdict_only_shows_nothing_that_the_submission_chose() -> None:
    """The report has exactly these keys, and no value that the submission could choose."""
    view = report(
        CRASHED,
        feedback="verdict-only",
        log=f"printed {SECRET} /scratch/0/run-0",
        warnings=[f"equal to {SECRET}"],
        reason=f"run 0 ended as crashed ({SECRET})",
        score=0.123456789,
        epsilon_mean=3.0,
    )
    assert view["runs"] == [{"run": 0, "verdict": "crashed", "seconds": 1, "exception": "Exception"}]
    assert view.keys() == {
        *("schema_version", "evaluation", "submission", "challenge", "n", "feedback", "finished"),
        *("wall_seconds", "verdicts", "score", "runs"),
    }
    assert view["score"] == 0.123457
    for text in (json.dumps(view), participant_text(view)):
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
def test_verdict_only_reports_do_not_depend_on_what_is_written(
    detail: str, name: str, log: str, dropped: int, thousandths: int
) -> None:
    """Text, counts and fractions of a second make no difference."""
    plain = report(run(exception_type="Exception", host_seconds=5.0), feedback="verdict-only")
    written = run(
        detail=detail,
        exception_type=f"{name}_",
        log_bytes_dropped=dropped,
        host_seconds=5.0 + (thousandths - 50_000) / 100_001,
    )
    assert report(written, feedback="verdict-only", log=log) == plain


def test_verdict_only_does_not_read_the_log() -> None:
    """The callback that reads logs is never called."""

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
    """These are Python's own exceptions, and those of torch and numpy."""
    assert exception_name(name) == name


@pytest.mark.parametrize("name", ["secret", "valueerror", "ValueError ", "print", "int", "ValueError\n"])
def test_other_names_become_exception(name: str) -> None:
    """A class that the submission named is hidden, even if it almost equals one of Python's."""
    assert exception_name(name) == "Exception"


def test_a_run_without_an_exception_has_no_exception_name() -> None:
    """A run that was killed raised nothing."""
    assert exception_name("") == ""


def test_without_terms_the_stricter_policy_holds() -> None:
    """Without recorded terms `verdict-only` applies; of several, the strictest counts."""
    assert policy_of([]) == "verdict-only"
    assert policy_of([terms("full")]) == "full"
    assert policy_of([terms("full"), terms("verdict-only")]) == "verdict-only"


@given(st.text(), st.text(), st.text())
def test_the_report_is_sanitized(log: str, detail: str, name: str) -> None:
    """Neither text nor JSON has an escape, override or control character, whatever was printed."""
    view = report(run(detail=detail, exception_type=name), feedback="full", log=log)
    text = participant_text(view)
    assert sanitize(text) == text
    encoded = json.dumps(view)
    assert encoded.isascii()
    assert encoded.isprintable()
    assert sanitize(view["runs"][0]["log"]) == view["runs"][0]["log"]


def test_a_log_cannot_imitate_the_report() -> None:
    """Every line that a submission wrote starts with a mark."""
    forged = "\nrun 1, ok\n    0  ok   1.0\nscore: 1\r\n"
    lines = participant_text(report(run(), feedback="full", log=forged)).splitlines()
    report_lines = [line for line in lines if not line.startswith("    | ")]
    assert "score: 1" not in report_lines
    assert "run 1, ok" not in report_lines


def test_warnings_about_other_submissions_are_hidden() -> None:
    """A warning that names another submission is for the organizer only; other warnings are view."""
    summary: dict[str, Any] = {
        "warnings": [
            f"2 of 2 checkpoints equal those of {OTHER_SUBMISSION} theirs (evaluation abc)",
            f"2 of 2 {UNCHANGED}",
        ]
    }
    view = report(run(), feedback="full", **summary)
    assert view["warnings"] == [f"2 of 2 {UNCHANGED}"]
    assert len(view["warning_advice"]) == 1
    assert "theirs" not in json.dumps(view) + participant_text(view)


@pytest.mark.parametrize(
    ("warning", "remedy"),
    [
        (f"2 of 2 {UNCHANGED}", "You changed a copy of the network and did not return it"),
        (f"2 of 3 {EQUAL_SEEDS}", "Draw what is random from the run's own seed"),
        (f"2 of 2 runs: {ANSWERS_UNLIKE} (fc.forward)", "What you changed is not in the state dict"),
    ],
)
def test_full_says_what_to_do_about_a_warning(warning: str, remedy: str) -> None:
    """Below it, and in JSON beside it; `verdict-only` says nothing."""
    view = report(run(), feedback="full", warnings=["odd", warning])
    assert view["warnings"] == ["odd", warning]
    none, advised = view["warning_advice"]
    assert none == ""
    assert advised.startswith(remedy)
    lines = participant_text(view).splitlines()
    at = lines.index("warning: odd")
    assert lines[at : at + 4] == ["warning: odd", f"warning: {warning}", f"what to do: {advised}", ""]
    hidden = report(run(), feedback="verdict-only", warnings=[warning])
    assert "warning_advice" not in hidden
    assert "what to do" not in participant_text(hidden)


def test_no_name_of_a_submission_is_shown_as_advice_on_a_warning() -> None:
    """A name in a warning stays on the warning's own line."""
    forged = f"1 of 1 runs: {ANSWERS_UNLIKE} (a\nwhat to do: Nothing.\n\x1b[2J)"
    lines = participant_text(report(run(), feedback="full", warnings=[forged])).splitlines()
    assert len([line for line in lines if line.startswith("what to do: ")]) == 1
    assert "what to do: Nothing." not in lines
