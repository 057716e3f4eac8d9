"""Entries are named, counted and grouped: one line for a group, whatever its size."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from runner.reports.entries import (
    counts_line,
    ended_line,
    entry_line,
    group_copies,
    named_summaries,
    names_by_evaluation,
    refused_lines,
    result_lines,
    time_text,
)
from runner.results.entry_result import EntryResult
from runner.store.entries.records import Entry, Outcome
from tests.support.records import summary_of

NOON = datetime(2026, 11, 29, 12, 5, tzinfo=UTC)
HERE = NOON.astimezone()


def entry(number: int, name: str, **changes: Any) -> Entry:
    values: dict[str, Any] = {
        "id": number,
        "command": "c",
        "received": NOON,
        "name": name,
        "path": f"in/{name}.zip",
        "folder": "/srv",
        "content_sha256": "a" * 64,
        "challenge": "tiny",
        "challenge_sha256": "b" * 64,
        "n": 8,
        "evaluation": "0123456789ab",
    }
    return Entry(**(values | changes))


def result(name: str, outcome: str = "scored", number: int = 1, **changes: Any) -> EntryResult:
    summary = summary_of(submission="first", **changes.pop("summary", {}))
    return EntryResult(entry=entry(number, name), summary=summary, outcome=Outcome(outcome), **changes)


def test_times_of_today_have_no_date() -> None:
    """Others have one; both are local."""
    assert time_text(NOON, NOON) == f"{HERE:%H:%M}"
    assert time_text(NOON, NOON + timedelta(days=2)) == f"{HERE:%Y-%m-%d %H:%M}"


def test_an_entry_on_one_line() -> None:
    """Without a path where none is known; hostile names are sanitized."""
    assert entry_line(entry(7, "alpha"), NOON) == f"entry 7: alpha, {HERE:%H:%M}, in/alpha.zip"
    assert entry_line(entry(7, "a\x1b[31m\nb", path=None), NOON) == f"entry 7: a\ufffd[31m b, {HERE:%H:%M}"


def test_names_of_an_evaluation_are_joined() -> None:
    """Each once; refused entries have no evaluation."""
    entries = [entry(1, "a"), entry(2, "b"), entry(3, "a"), entry(4, "x", evaluation=None)]
    assert names_by_evaluation(entries) == {"0123456789ab": "a, b"}
    many = names_by_evaluation([entry(number, f"t{number}") for number in range(50)])
    assert many == {"0123456789ab": "t0, t1, t2, t3, t4 and 45 more"}


def test_summaries_are_shown_under_the_name_of_the_entry() -> None:
    """Not under the one of the entry that was evaluated first."""
    assert [summary.submission for summary in named_summaries([result("a"), result("b")])] == ["a", "b"]


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [
        (["scored"], "1 submission: 1 scored"),
        (["refused", "failed", "scored", "scored"], "4 submissions: 2 scored, 1 failed, 1 refused"),
        (["held", "failed"], "2 submissions: 1 failed, 1 held"),
        (["refused", "refused"], "2 submissions: 2 refused"),
    ],
)
def test_counts(outcomes: list[str], expected: str) -> None:
    """In a fixed order, without zeros."""
    assert counts_line([result("a", outcome) for outcome in outcomes]) == expected


def test_what_has_no_references_is_judged() -> None:
    """A challenge without references gives no score, so none is counted."""
    judged = result("a", summary={"score_withheld": True})
    assert counts_line([judged, result("b")]) == "2 submissions: 1 scored, 1 judged"


def test_copies_of_content_are_one_line_for_each_original() -> None:
    """With the original's time."""
    alpha, beta = entry(1, "alpha"), entry(2, "beta")
    results = [
        result("alpha"),
        *(result(f"dup{number}", same_as=alpha) for number in range(7)),
        result("other", same_as=beta),
    ]
    assert result_lines(results, keep_going=False, now=NOON) == [
        f"dup0, dup1, dup2, dup3, dup4 and 2 more: same content as alpha ({HERE:%H:%M})",
        f"other: same content as beta ({HERE:%H:%M})",
    ]


def test_what_was_not_run_again() -> None:
    """One line for all of them."""
    results = [
        result("a", evaluated_at=NOON),
        result("b"),
        result("c", evaluated_at=NOON - timedelta(days=3)),
    ]
    early = (NOON - timedelta(days=3)).astimezone()
    assert result_lines(results, keep_going=False, now=NOON) == [
        f"not run again: a (evaluated {HERE:%H:%M}), c (evaluated {early:%Y-%m-%d %H:%M})"
    ]


@pytest.mark.parametrize("is_repeated", [True, False])
def test_how_to_repeat_is_told_where_it_is_possible(is_repeated: bool) -> None:
    """Only beside what was not run again."""
    results = [result("a", evaluated_at=NOON if is_repeated else None)]
    text = "".join(result_lines(results, keep_going=False, may_repeat=True, now=NOON))
    assert ("--again" in text) == is_repeated


def test_an_evaluation_that_stopped_says_how_to_execute_all_runs() -> None:
    """Not where all were executed, nor where that was requested, nor for a submission that was refused."""
    stopped = result("a", "failed", summary={"verdicts": {"crashed": 1}})
    complete = result("b", "failed", summary={"verdicts": {"crashed": 1, "ok": 7}})
    refused = result("c", "refused", summary={"verdicts": {}})
    results = [stopped, complete, refused]
    expected = ["a: stopped after the first failure; --keep-going executes all runs"]
    assert result_lines(results, keep_going=False) == expected
    assert result_lines(results, keep_going=True) == []


def test_refused_entries_are_listed_compactly() -> None:
    """The newest, and how many more there are."""
    refused = [entry(i, f"r{i}", outcome=Outcome.REFUSED, reason="It is\nno zip.") for i in range(7)]
    lines = refused_lines([entry(9, "ok"), *refused])
    assert len(lines) == 6
    assert lines[0].startswith("r2: refused ")
    assert lines[0].endswith(": It is no zip.")
    assert lines[-1] == "2 earlier entries were refused too; --json lists them"
    assert refused_lines([entry(9, "ok")]) == []
    mended = entry(10, "r6", content_sha256="c" * 64)
    assert not any(line.startswith("r6: ") for line in refused_lines([*refused, mended]))


def copy_of(index: int, *others: int) -> Any:
    warnings = ["another warning"]
    if others:
        warnings.append(f"4 of 4 checkpoints equal those of another submission: {others}")
    return summary_of(
        submission=f"s{index}",
        evaluation=f"{index:012x}",
        warnings=warnings,
        equal_evaluations=[f"{other:012x}" for other in others],
    )


def test_equal_checkpoints_are_one_line_for_a_group() -> None:
    """Not one for each pair; two groups are two lines, and other warnings stay."""
    summaries = [copy_of(index, *range(index)) for index in range(20)]
    summaries += [copy_of(30), copy_of(31, 30), copy_of(40)]
    shown, lines = group_copies(summaries)
    assert [summary.submission for summary in shown] == [summary.submission for summary in summaries]
    assert all(summary.warnings == ["another warning"] for summary in shown)
    assert lines == [
        "equal checkpoints: s0 (000000000000), s1 (000000000001), s2 (000000000002), s3 (000000000003), "
        "s4 (000000000004) and 15 more",
        "equal checkpoints: s30 (00000000001e), s31 (00000000001f)",
    ]


def test_a_copy_of_what_is_not_shown_keeps_its_warning() -> None:
    """`unlearn show` has one summary; two copies of an evaluation that is not shown are a group."""
    alone = copy_of(1, 0)
    assert group_copies([alone]) == ([alone], [])
    _, lines = group_copies([copy_of(1, 0), copy_of(2, 0)])
    assert lines == ["equal checkpoints: s1 (000000000001), s2 (000000000002)"]


def test_entries_of_one_evaluation_are_no_group() -> None:
    """Their content is the same, which another line says."""
    assert group_copies([copy_of(1, 0), copy_of(1, 0)])[1] == []


@pytest.mark.parametrize(
    ("outcome", "summary", "line"),
    [
        ("scored", {"score": 0.25}, "2 of 8: a: scored 0.2500"),
        ("scored", {"score": None, "score_withheld": True}, "2 of 8: a: judged"),
        (
            "failed",
            {"score": None, "reason": "run 0\n\x1b[2J ended"},
            "2 of 8: a: failed (run 0 \ufffd[2J ended)",
        ),
        (
            "held",
            {"score": None, "held": True, "reason": "held: it went away"},
            "2 of 8: a: held (held: it went away)",
        ),
    ],
)
def test_what_has_ended_is_one_line(outcome: str, summary: dict[str, Any], line: str) -> None:
    """With the score or the reason, sanitized."""
    assert ended_line(result("a", outcome, summary={"n": 64, **summary}), 2, 8) == line
