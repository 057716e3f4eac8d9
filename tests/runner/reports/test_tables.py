"""Tables fit the terminal: status and score stay, no figure and no message is cut."""

from __future__ import annotations

import re
from datetime import timedelta
from io import StringIO

import pytest
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table

from runner.reports.evaluations import (
    by_score,
    by_time,
    evaluation_json,
    evaluations_remarks,
    evaluations_table,
    listed_evaluations,
)
from runner.reports.runs import runs_table
from runner.reports.scores import score_remarks, score_table, smoke_sentence
from runner.results.view import MIN_SCORED_RUNS
from runner.store.listing import Progress
from tests.support.records import run_record, stored_evaluation, summary_of

WIDTHS = (60, 80, 120)
SCORED = summary_of(
    submission="a_rather_long_name_of_a_submission",
    n=512,
    verdicts={"ok": 512},
    score=0.117843,
    score_low=0.0947,
    score_high=0.1464,
    forgetting_quality=0.1186,
    share_of_ceiling=0.55,
    retain_ratio=1.0,
    test_ratio=0.9933,
    epsilon_mean=2.049,
    run_seconds_median=0.2943,
)
FAILED = summary_of(
    submission="typo", verdicts={"crashed": 4, "ok": 60}, n=64, reason="run 0 ended as crashed (NameError)"
)
SMOKE = summary_of(
    submission="quick",
    n=4,
    verdicts={"ok": 4},
    score=0.0,
    score_low=0.0,
    score_high=0.0,
    retain_ratio=0.987,
    seconds=6.0,
    run_seconds_median=0.3,
)
REFUSED = summary_of(submission="broken", refused=True, verdicts={}, evaluation="", reason="no zip")
ALL = [SCORED, FAILED, SMOKE, REFUSED]


def shown(table: Table, width: int) -> list[str]:
    console = Console(file=StringIO(), width=width, highlight=False)
    console.print(table)
    assert isinstance(console.file, StringIO)
    lines = console.file.getvalue().splitlines()
    assert max(map(cell_len, lines)) <= width
    assert "…" not in console.file.getvalue()
    return lines


@pytest.mark.parametrize("width", WIDTHS)
def test_scores_and_statuses_are_never_dropped(width: int) -> None:
    """The columns that the score is made of go first; the wide table has all of them."""
    lines = shown(score_table(ALL, width), width)
    text, heading = "\n".join(lines), lines[1].split()
    for words in (r"scored +0\.1178", r"failed +–", r"smoke test +–", r"refused +–"):  # noqa: RUF001
        assert re.search(words, text), text
    assert "0123456789ab" in text
    assert {"submission", "status", "score", "evaluation"} <= set(heading)
    assert "retain" not in heading
    assert "retain" in "".join(shown(score_table(ALL, 140), 140))
    assert ("95" in heading) == (width >= 80)


@pytest.mark.parametrize("width", range(60, 140))
def test_the_parts_of_the_score_are_dropped_first(width: int) -> None:
    """Retain, test, mean epsilon, forget, in this order."""
    heading = shown(score_table(ALL, width), width)[1]
    present = [word in heading for word in ("retain", "test", "mean", "forget", "ceiling", "95 %")]
    assert present == sorted(present)


@pytest.mark.parametrize("width", [20, 40])
def test_a_tiny_terminal_still_has_the_score(width: int) -> None:
    """It may be folded, and raises nothing."""
    console = Console(file=StringIO(), width=width, highlight=False)
    console.print(score_table(ALL, width))


def test_the_verdict_of_a_failure_has_a_line_of_its_own() -> None:
    """With its reason, whatever the table has room for."""
    assert "typo: no score: run 0 ended as crashed (NameError)" in [line.plain for line in score_remarks(ALL)]


@pytest.mark.parametrize("width", WIDTHS)
def test_a_message_is_not_squeezed(width: int) -> None:
    """Seeds and hashes are left out before a message gets less than 30 characters; no seed is cut."""
    run = run_record(
        seed=3203067086541234567,
        detail="NameError: name 'nett' is not defined, did you mean net?",
        checkpoint_sha256="f" * 64,
        verdict="memory-limit",
    )
    lines = shown(runs_table([run], width), width)
    assert len([line for line in lines if line.strip()]) <= 4
    text = "\n".join(lines)
    assert "memory-limit" in text
    assert ("3203067086541234567" in text) == (width == 120)
    assert "32030" not in text or "3203067086541234567" in text


def test_few_runs_are_a_smoke_test_and_have_no_score() -> None:
    """The sentence stands for the numbers, with a number of runs that gives a score and its time."""
    assert smoke_sentence(SMOKE) == (
        "smoke test: 4 of 4 runs ok, 0.3 s a run; too few runs for a score (use -n 64, about 24 s)"
    )
    text = "\n".join(shown(score_table([SMOKE], 120), 120))
    assert "0.0000" not in text
    assert "0.9870" not in text
    assert [line.plain for line in score_remarks([SMOKE])] == [f"quick: {smoke_sentence(SMOKE)}"]


@pytest.mark.parametrize("n", [2, MIN_SCORED_RUNS - 1, MIN_SCORED_RUNS, 64])
def test_the_limit_of_a_smoke_test(n: int) -> None:
    """16 runs have a score; a failure stays a failure, and a withheld score is no smoke test."""
    few = n < MIN_SCORED_RUNS
    assert summary_of(n=n, score=0.0).status == ("smoke-test" if few else "scored")
    assert summary_of(n=n, reason="run 0 ended as crashed").status == "failed"
    assert summary_of(n=n, reason="withheld", score_withheld=True).status == "judged"


START = stored_evaluation().started_at
ROWS = listed_evaluations(
    [
        stored_evaluation(id="000000000001", submission="slow", n=64),
        stored_evaluation(id="000000000002", submission="stopped", n=200, started_at=START + timedelta(1)),
        stored_evaluation(
            id="000000000003",
            n=512,
            started_at=START + timedelta(2),
            summary=SCORED.to_json(),
            challenge="another",
            challenge_sha256="d" * 64,
        ),
        stored_evaluation(id="000000000004", n=4, summary=SMOKE.to_json(), started_at=START + timedelta(3)),
        stored_evaluation(id="000000000005", n=64, summary=FAILED.to_json(), started_at=START + timedelta(4)),
    ],
    {
        "000000000001": Progress(ended_runs=16, is_running=True),
        "000000000002": Progress(ended_runs=3, is_running=False),
    },
    {"000000000002": "first, second"},
)


@pytest.mark.parametrize("width", WIDTHS)
def test_the_list_has_unfinished_evaluations_in_the_table(width: int) -> None:
    """With how far they are; challenges are named as long as there is room."""
    text = "\n".join(shown(evaluations_table(ROWS, width), width))
    for words in ("running 16/64", "interrupted 3/200", "0.1178 ±0.0258", "smoke test", "failed"):
        assert words in text
    if width >= 80:
        assert "another" in text
        assert "hidden" in text
        assert "first, second" in text


def test_the_list_in_json_says_how_far_each_is() -> None:
    """`status` is there for each; `summary` is null only for those that have not ended."""
    values = [evaluation_json(row) for row in ROWS]
    assert [(value["status"], value["ended_runs"]) for value in values] == [
        ("running", 16),
        ("interrupted", 3),
        ("scored", 512),
        ("smoke-test", 4),
        ("failed", 64),
    ]
    assert [value["submission"] for value in values] == ["slow", "stopped", "mine", "mine", "mine"]
    assert [value["summary"] is None for value in values] == [True, True, False, False, False]


def test_order() -> None:
    """By score the best come first and those without one last; by time the newest first."""
    assert max(ROWS, key=by_score).stored.id == "000000000003"
    assert min(ROWS, key=by_score).stored.id == "000000000001"
    assert max(ROWS, key=by_time).stored.id == "000000000005"


def test_remarks_of_the_list_name_what_to_continue() -> None:
    """Only what is interrupted, with its command; scores of two challenges do not compare."""
    scored = listed_evaluations([stored_evaluation(n=16, summary=SCORED.to_json())], {}, {})
    lines = [
        line.plain for line in evaluations_remarks([*ROWS, *scored], lambda stored: f"continue {stored.n}")
    ]
    assert "000000000002: interrupted; continue 200" in lines
    assert not any("000000000001" in line for line in lines)
    assert "Scores of different challenges are not comparable." in lines
    assert "Scores of different n are not comparable." in lines


@pytest.mark.parametrize("number", [5, 6, 8])
def test_many_interrupted_evaluations_are_a_few_lines(number: int) -> None:
    """Five with their commands, and how many there are besides."""
    stored = [stored_evaluation(id=f"{index:012}") for index in range(number)]
    interrupted = {each.id: Progress(ended_runs=1, is_running=False) for each in stored}
    remarks = evaluations_remarks(listed_evaluations(stored, interrupted, {}), lambda stored: stored.id * 40)
    lines = [line.plain for line in remarks]
    assert len(lines) == min(number, 6)
    assert all(len(line) > 480 for line in lines[:5]), "commands are whole"
    rest = {6: "1 more is interrupted", 8: "3 more are interrupted"}
    if number > 5:
        assert lines[5] == f"{rest[number]}; for the command: unlearn show 000000000005"
