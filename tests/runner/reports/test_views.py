"""One view of an evaluation: what it contains, what participants see of it, and how it is rendered."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from runner.reports.participant import filtered_view
from runner.reports.views.annotations import annotation_lines, without_commands
from runner.reports.views.junit import junit_xml
from runner.reports.views.make import make_view, refused_view
from runner.reports.views.model import EvaluationView, FailureView, MemoryView, ScoreView
from runner.reports.views.place import file_as_typed, place_of, without_place
from runner.reports.views.terminal import loss_sentence, view_lines
from runner.store.records import RunRecord
from runner.verdict import Verdict
from tests.support.paths import ROOT
from tests.support.records import run_record, stored_evaluation, summary_of

SCHEMA = ROOT / "tests" / "runner" / "golden" / "evaluation_view_schema.json"
SECRET = "pixels-7-31"
TRACEBACK = f"""printed {SECRET}

Traceback (most recent call last):
  File "/sandbox/worker/child.py", line 90, in call
    function(*arguments)
  File "/scratch/0/run-0/.submission/submission.py", line 3, in unlearning
    nett.train()
    ^^^^
  File "/usr/lib/python3.11/site-packages/torch/nn/module.py", line 1, in __getattr__
    raise AttributeError
NameError: name 'nett' is not defined
"""
STACK = """Stack (most recent call first):
  File "/scratch/0/run-0/.submission/submission.py", line 2 in unlearning
  File "/sandbox/worker/child.py", line 119 in run
"""
DETAIL = "NameError: name 'nett' is not defined (submission.py, line 3)"


def view_of(
    *,
    policy: str = "full",
    path: str | None = "mine",
    log: str = TRACEBACK,
    detail: str = DETAIL,
    **summary: Any,
) -> EvaluationView:
    """Return the view of an evaluation whose second run crashed."""
    values = {"verdicts": {"ok": 1, "crashed": 1}, "reason": f"run 1 ended as crashed ({detail})", "n": 2}
    return make_view(
        evaluation=stored_evaluation(n=2, summary=summary_of(**{**values, **summary}).to_json()),
        runs=[
            run_record(index=0, run_seconds=1.25),
            run_record(index=1, verdict=Verdict.CRASHED, detail=detail, exception_type="NameError"),
        ],
        terms=[{"wall_seconds": 60.0, "feedback": policy}],
        log={1: log}.__getitem__,
        path=path,
    )


def text_of(view: EvaluationView) -> str:
    return "\n".join(line.plain for line in view_lines(view))


def test_the_schema_is_recorded() -> None:
    """Run this file as a script to record a new one; fields are added with a default."""
    assert json.loads(SCHEMA.read_text()) == EvaluationView.model_json_schema()


def test_the_most_memory_of_all_runs_is_shown() -> None:
    """With the limit where it is known; nothing where no run was seen, or if verdicts are all that is shown."""
    peaks = (None, 5 << 20, 3 << 20)
    runs = [run_record(index=index, peak_memory_bytes=peak) for index, peak in enumerate(peaks)]

    def seen(count: int) -> EvaluationView:
        return make_view(
            evaluation=stored_evaluation(n=3, summary=summary_of(n=3, verdicts={"ok": 3}).to_json()),
            runs=runs[:count],
            terms=[],
            log=lambda _index: "",
        )

    view = seen(3)
    assert view.memory is not None
    assert (view.memory.peak_bytes, view.memory.limit_bytes) == (5 << 20, None)
    assert "memory: at most 5 MiB seen a run" in text_of(view)
    limited = view.model_copy(update={"memory": MemoryView(peak_bytes=5 << 20, limit_bytes=2 << 30)})
    assert "memory: at most 5 MiB seen of 2048 MiB a run" in text_of(limited)
    assert seen(1).memory is None
    crashed = limited.model_copy(update={"failure": FailureView(run=0, verdict="crashed", message="no")})
    assert "memory" not in text_of(crashed)
    killed = limited.model_copy(update={"failure": FailureView(run=0, verdict="memory-limit", message="no")})
    assert "memory: at most 5 MiB" in text_of(killed)
    assert filtered_view(view, "verdict-only").memory is None
    assert filtered_view(view, "full").memory == view.memory


def test_processor_time_is_shown_beside_the_time() -> None:
    """The median of the runs that succeeded; nothing where it is not known, or if verdicts are all that is shown."""
    runs = [run_record(index=index, processor_seconds=used) for index, used in enumerate((0.2, 1.3, 2.4))]

    def view(runs: list[RunRecord]) -> EvaluationView:
        return make_view(
            evaluation=stored_evaluation(n=3, summary=summary_of(n=3, verdicts={"ok": 3}).to_json()),
            runs=runs,
            terms=[],
            log=lambda _index: "",
        )

    shown = view(runs)
    assert shown.time is not None
    assert shown.time.processor_seconds == 1.3
    assert "s a run, 1.3 s of processor time" in text_of(shown)
    assert "processor" not in text_of(view([run_record(index=0)]))
    hidden = filtered_view(shown, "verdict-only").time
    assert hidden is not None
    assert hidden.processor_seconds is None


def test_a_failure_names_the_participants_own_line() -> None:
    """Neither the project's frame nor that of a library, by the path that was typed, with its source."""
    failure = view_of().failure
    assert failure is not None
    assert (failure.run, failure.file, failure.line) == (1, "mine/submission.py", 3)
    assert failure.source == "nett.train()"
    assert failure.message == "NameError: name 'nett' is not defined"
    lines = text_of(view_of()).splitlines()
    assert lines[0] == "mine: failed, 2 runs (1 crashed, 1 ok)"
    assert lines[1:4] == [
        "  mine/submission.py:3",
        "  | nett.train()",
        "  crashed: NameError: name 'nett' is not defined",
    ]


@pytest.mark.parametrize(
    ("share", "retain", "test", "sentence"),
    [
        (0.46, 1.0, 0.99, "it loses most by forgetting: its forgetting quality is 46 % of what perfect"),
        (1.12, 0.5, 0.99, "it loses most by accuracy on the retain set: 50 % of the references'"),
        (1.12, 1.0, 0.99, "it loses little, most by accuracy on the test set: 99 % of the references'"),
        (None, 1.0, 0.99, ""),
    ],
)
def test_where_a_score_loses(share: float | None, retain: float, test: float, sentence: str) -> None:
    """By its lowest factor; where that is near 1 there is little to gain; nothing if one is unknown."""
    score = ScoreView(value=0.1, share_of_ceiling=share, retain_ratio=retain, test_ratio=test)
    assert loss_sentence(score).startswith(sentence)
    assert bool(loss_sentence(score)) == bool(sentence)


@pytest.mark.parametrize(
    ("detail", "log", "typed", "expected"),
    [
        (DETAIL, TRACEBACK, "a/mine.py", ("a/mine.py", 3, "nett.train()")),
        (DETAIL, "", "mine/", ("mine/submission.py", 3, "")),
        (DETAIL, TRACEBACK, None, ("submission.py", 3, "nett.train()")),
        ("TypeError: x (lib/net.py, line 20)", TRACEBACK, "m.zip", ("m.zip: lib/net.py", 20, "")),
        (
            "import failed: SyntaxError: expected ':' (submission.py, line 1): def unlearning(net)",
            "",
            "mine",
            ("mine/submission.py", 1, "def unlearning(net)"),
        ),
        ("not finished within 60 s (submission.py, line 7)", "", "mine", ("mine/submission.py", 7, "")),
        ("not finished within 5 s (submission.py, line 2)", STACK, "mine", ("mine/submission.py", 2, "")),
        ("fc.bias has shape [11], not [10]", TRACEBACK, "mine", None),
        ("ValueError: (a\x1b]0;x, line 3)", "", "mine", ("mine/a\N{REPLACEMENT CHARACTER}]0;x", 3, "")),
    ],
)
def test_a_place_is_taken_from_the_sentence_and_the_log(
    detail: str, log: str, typed: str | None, expected: tuple[str, int, str] | None
) -> None:
    """The sentence has the line, the log its source; both are untrusted, and no file is opened."""
    place = place_of(detail, log, typed)
    assert (None if place is None else (place.file, place.line, place.source)) == expected


def test_the_rest_of_the_sentence_is_the_exception() -> None:
    """Without its place, wherever that stands."""
    assert without_place(DETAIL) == "NameError: name 'nett' is not defined"
    assert without_place("SyntaxError: bad (submission.py, line 1): x = (") == "SyntaxError: bad"
    assert without_place("fc.bias has shape [11], not [10]") == "fc.bias has shape [11], not [10]"
    assert file_as_typed("submission.py", "/") == "/submission.py"


@pytest.mark.parametrize("policy", ["full", "verdict-only"])
def test_a_participant_sees_what_the_policy_allows(policy: Any) -> None:
    """In every rendering: the submission chose its output, its exception's text and what it computed."""
    detail = f"ValueError: {SECRET} (submission.py, line 3)"
    view = view_of(
        detail=detail, log=f"{SECRET}\n{TRACEBACK}", warnings=[f"1 of 2 runs: {SECRET}"], reason=SECRET
    )
    shown = filtered_view(view, policy)
    outputs = [
        text_of(shown),
        shown.model_dump_json(),
        junit_xml([shown]).decode(),
        "\n".join(annotation_lines(shown)),
    ]
    for output in outputs:
        assert (SECRET in output) == (policy == "full")
        assert "crashed" in output
        assert ("submission.py:3" in output or "line=3" in output or '"line":3' in output) == (
            policy == "full"
        )
    if policy == "verdict-only":
        assert (shown.time.run_seconds if shown.time else None) == 1


def test_a_participant_learns_nothing_of_other_submissions() -> None:
    """Under any policy."""
    view = view_of(warnings=["2 of 2 checkpoints equal those of another submission: theirs"])
    assert any("theirs" in notice.sentence for notice in view.notices)
    assert "theirs" not in filtered_view(view, "full").model_dump_json()


def test_a_custom_exception_cannot_carry_a_message() -> None:
    """Its class has a name that the submission chose."""
    view = view_of().model_copy()
    assert view.failure is not None
    view = view.model_copy(update={"failure": view.failure.model_copy(update={"exception": SECRET})})
    failure = filtered_view(view, "verdict-only").failure
    assert failure is not None
    assert failure.message == "Exception"


def test_a_junit_file_has_failures_and_errors() -> None:
    """A verdict and a refusal are failures; a lost sandbox is an error; control characters are replaced."""
    refused = refused_view(name="b", path="b.txt", challenge="digits", n=2, reason="b.txt is \x1bno <zip>")
    held = refused_view(
        name="c", path="c.py", challenge="digits", n=2, reason="the sandbox was lost", held=True
    )
    passed = view_of().model_copy(update={"failure": None, "status": "smoke-test"})
    suite = ElementTree.fromstring(junit_xml([view_of(), refused, held, passed], seconds=[1, 2, 3, 4]))[0]
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("4", "2", "1")
    assert [[child.tag for child in case] for case in suite] == [["failure"], ["failure"], ["error"], []]
    failure = suite[0][0]
    assert (failure.get("type"), failure.get("message")) == (
        "crashed",
        "NameError: name 'nett' is not defined",
    )
    assert "mine/submission.py:3\nnett.train()" in str(failure.text)
    assert "no <zip>" in str(suite[1][0].get("message"))
    assert suite[3].get("time") == "4.000"


@pytest.mark.parametrize("hostile", ["\x00\x08\x0b", "\ufffe\uffff", "]]>", "<x>&amp;", '"', "\ud800"])
def test_a_junit_file_is_xml_whatever_a_submission_printed(hostile: str) -> None:
    """XML 1.0 has no control characters and no surrogates."""
    view = view_of(log=f"{TRACEBACK}{hostile}end", detail=f"ValueError: {hostile} (submission.py, line 3)")
    suite = ElementTree.fromstring(junit_xml([view]))[0]
    assert str(suite[0][0].text).endswith("end")


def test_an_annotation_names_file_and_line() -> None:
    """In the repository; a file inside a zip is none, so the zip is named."""
    (line,) = annotation_lines(view_of())
    assert line == (
        "::error file=mine/submission.py,line=3,title=crashed::NameError: name 'nett' is not defined"
    )
    (line,) = annotation_lines(view_of(path="sub/mine.zip"))
    assert line.startswith("::error file=sub/mine.zip,line=3,")
    (line,) = annotation_lines(view_of(path="."))
    assert line.startswith("::error file=submission.py,line=3,")


@pytest.mark.parametrize(
    "text", ["a\n::error::x", "a\r\n::set-env name=A::b", "100%0A::error::x", "a::b,c=d"]
)
def test_an_annotation_is_one_command(text: str) -> None:
    """What a submission wrote begins no other one, and ends no property."""
    view = view_of(path=f"mine {text}", detail=f"ValueError: {text} (submission.py, line 3)")
    (line,) = annotation_lines(view)
    assert "\n" not in line
    assert "\r" not in line
    assert line.startswith("::error file=mine ")
    assert line.count("::error ") == 1
    properties = line.split("::")[1]
    assert ",line=3," in properties
    shown = without_commands(["::error::x"], token="t0ken")
    assert shown == ["::stop-commands::t0ken", "::error::x", "::t0ken::"]


def test_problems_are_warnings_with_their_advice() -> None:
    """A smoke test whose checkpoints are unchanged passes, and says what to do."""
    view = make_view(
        evaluation=stored_evaluation(
            n=2,
            summary=summary_of(
                n=2,
                verdicts={"ok": 2},
                score=0.0,
                warnings=["2 of 2 checkpoints are the original network, unchanged"],
            ).to_json(),
        ),
        runs=[run_record(index=0, run_seconds=1.0), run_record(index=1, run_seconds=3.0)],
        terms=[{"wall_seconds": 60.0, "feedback": "full"}],
        log=lambda _index: "",
        path="mine.py",
    )
    assert view.status == "smoke-test"
    assert view.score is None
    assert view.time is not None
    assert (view.time.run_seconds, view.time.limit_seconds, view.time.projected_seconds) == (2.0, 60.0, 128.0)
    (line,) = annotation_lines(view, entry_file="./mine.py")
    assert line.startswith("::warning file=mine.py,title=unchanged::2 of 2 checkpoints")
    assert "You changed a copy of the network" in text_of(view)
    assert "2.0 s of 60 s a run; 64 runs take about 3 min" in text_of(view)
    assert "network, unchanged.%0AYou changed a copy" in line
    assert "problem: 2 of 2 checkpoints are the original network, unchanged. You changed" in (
        junit_xml([view]).decode()
    )
    ends = view.notices[0].model_copy(update={"sentence": "It ends so.", "advice": ""})
    view = view.model_copy(update={"notices": [ends]})
    assert "problem: It ends so.<" in junit_xml([view]).decode()


if __name__ == "__main__":
    Path(SCHEMA).write_text(json.dumps(EvaluationView.model_json_schema(), indent=2) + "\n")
