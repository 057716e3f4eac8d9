"""One function decides who sees what, and no renderer shows what it has hidden."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.leaderboard.audience import FOR_ALL, FOR_ORGANIZERS, IN_OTHER_WORDS, UNDER_FULL, visible_board
from runner.leaderboard.board import make_board
from runner.leaderboard.candidates import Figures
from runner.leaderboard.model import Board, RowView
from runner.leaderboard.page import board_page
from runner.leaderboard.row_page import row_page
from runner.leaderboard.spreadsheet import board_csv
from runner.leaderboard.terminal import board_lines
from tests.runner.leaderboard.made_up import candidate, halves
from tests.runner.leaderboard.rendering import text_of

SECRET = "pixels-7-31"


def rendered(board: Board) -> dict[str, str]:
    """Return what each renderer makes of a board."""
    pages = [row_page(board, row, None) for row in board.all_rows()]
    return {
        "terminal": text_of(board_lines(board, 400)),
        "page": board_page(board),
        "reports": "".join(pages),
        "csv": board_csv(board).decode(),
        "json": json.dumps(board.model_dump(mode="json")),
    }


def test_every_field_is_decided_once() -> None:
    """A new field of a row is shown to nobody but organizers until a list names it."""
    named = [*FOR_ALL, *UNDER_FULL, *IN_OTHER_WORDS, *FOR_ORGANIZERS]
    assert sorted(named) == sorted(RowView.model_fields)


@pytest.mark.parametrize("policy", ["full", "verdict-only"])
@pytest.mark.parametrize(
    "status", ["failed", "held", "invalid", "refused", "judged", "unfinished", "disqualified"]
)
def test_no_renderer_shows_the_public_what_organizers_read(policy: str, status: str) -> None:
    """The text of a failure, suspicions, names of evaluations, the seed: in no format."""
    changes: dict[str, Any] = {
        "evaluation": f"eva1{SECRET}",
        "feedback": policy,
        "flags": (("suspicion", f"flag {SECRET}"),),
    }
    board = make_board(
        [
            candidate(1, **changes),
            candidate(2, **changes, halves=None, reason=SECRET),
            candidate(
                3, **changes, status=status, reason=f"because {SECRET}", verdicts={"ok": 3, "crashed": 1}
            ),
            candidate(4, **changes, is_baseline=True),
        ],
        challenge="hidden",
        seed=70707,
    )
    for name, text in rendered(board).items():
        assert SECRET in text, f"{name}: the organizer reads it"
    for name, text in rendered(visible_board(board, "public")).items():
        assert SECRET not in text, name
        assert "70707" not in text, name


def test_verdict_only_hides_all_figures_but_the_score() -> None:
    """In every format; the score has six digits, as in a participant's report."""
    figures = Figures(
        score=0.123456789,
        score_low=0.111171,
        score_high=0.137771,
        share_of_ceiling=0.61717,
        retain_ratio=0.93737,
        test_ratio=0.92727,
        time_share=0.27272,
    )
    hidden = (
        "0.1111",
        "0.1377",
        "0.617",
        "61.7",
        "62 %",
        "0.937",
        "0.927",
        "0.272",
        "27 %",
        "0.1234567",
        "0.0133",
    )
    secret = candidate(1, figures=figures, halves=halves(0.123456789), feedback="verdict-only")
    board = visible_board(make_board([secret], challenge="hidden"), "public")
    strict = rendered(board)
    for name, text in strict.items():
        assert "0.1235" in text or "0.123457" in text, name
        assert [value for value in hidden if value in text] == [], name
    board = visible_board(
        make_board([candidate(1, figures=figures, halves=halves(0.123456789))], challenge="h"), "public"
    )
    full = rendered(board)
    assert "62 %" in full["page"], "under the policy full the figures are shown"
    titles = ("± 95", "Retain is", "Test is", "Time is")
    assert [[title in each["page"] for title in titles] for each in (strict, full)] == [
        [False] * 4,
        [True] * 4,
    ]
    assert ["± 95" in each["reports"] for each in (strict, full)] == [False, True]


@settings(max_examples=25)
@given(st.lists(st.tuples(st.floats(0, 0.3), st.sampled_from(["full", "verdict-only"])), max_size=8))
def test_the_public_sees_the_ranks_of_the_organizer_once_and_for_all(rows: list[tuple[float, Any]]) -> None:
    """Filtering changes no order and no rank, and what was filtered does not come back."""
    board = make_board(
        [candidate(at, score, feedback=policy) for at, (score, policy) in enumerate(rows)], challenge="hidden"
    )
    public = visible_board(board, "public")
    assert visible_board(board, "organizer") is board
    assert visible_board(public, "organizer") == visible_board(public, "public") == public
    keys = [[(row.id, row.first_rank, row.last_rank) for row in each.all_rows()] for each in (board, public)]
    assert keys[0] == keys[1]


def test_the_public_reads_how_runs_ended_and_not_more() -> None:
    """A verdict is no text of the submission."""
    failed = candidate(1, status="failed", reason=SECRET, verdicts={"ok": 3, "crashed": 1, "time-limit": 2})
    (section,) = visible_board(make_board([failed], challenge="hidden"), "public").sections
    assert section.rows[0].reason == "crashed in 1 run, time-limit in 2 runs"
