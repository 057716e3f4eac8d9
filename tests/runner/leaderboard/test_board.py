"""What has a rank, in which table, and that nothing else changes it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.leaderboard.board import SECTIONS, make_board
from runner.leaderboard.candidates import Candidate, Conditions, Figures
from runner.leaderboard.model import Board, RowView
from tests.runner.leaderboard.made_up import CONDITIONS, NOON, candidate, halves

OTHERS: dict[str, Any] = {
    "challenge_sha256": "d" * 64,
    "n": 128,
    "image": "sha256:" + "2" * 64,
    "limits": (("wall_seconds", 61.0),),
    "isolation": "container",
    "runtime": "runsc",
    "device": "cuda:GPU-1",
    "scorer": 2,
}


def board_of(candidates: list[Candidate]) -> Board:
    return make_board(candidates, challenge="hidden", seed=7)


def ranks(board: Board) -> list[tuple[str, int | None, int | None]]:
    return [(row.id, row.first_rank, row.last_rank) for table in board.tables for row in table.rows]


def row_of(board: Board, at: int) -> RowView:
    (row,) = (row for row in board.all_rows() if row.id == f"entry-{at}")
    return row


scored = st.lists(st.tuples(st.floats(0, 0.3), st.integers(0, 50)), min_size=1, max_size=12)
unranked = st.lists(
    st.one_of(
        st.sampled_from([status for status in SECTIONS if status != "baseline"]).map(
            lambda status: {"status": status, "reason": "because"}
        ),
        st.sampled_from([float("nan"), float("inf"), -float("inf"), None]).map(
            lambda score: {"figures": Figures(score=score), "halves": None}
        ),
        st.just({"verdicts": {"ok": 63, "crashed": 1}}),
        st.just({"verdicts": None}),
        st.just({"conditions": None}),
        st.just({"is_baseline": True}),
        st.just({"figures": Figures(score=0.9)}),  # its outputs give another score
    ),
    max_size=8,
)


@settings(max_examples=40)
@given(scored, unranked, st.randoms(use_true_random=False))
def test_rows_without_a_rank_change_nobodys_rank(
    scores: list[tuple[float, int]], changes: list[dict[str, Any]], random: Any
) -> None:
    """Failed, held, withdrawn, not finite, incomplete, baselines: with them and without, in any order."""
    entries = [candidate(at, score) for at, (score, _) in enumerate(scores)]
    rest = [candidate(100 + at, 0.25, **change) for at, change in enumerate(changes)]
    mixed = [*entries, *rest]
    random.shuffle(mixed)
    alone, together = board_of(entries), board_of(mixed)
    assert ranks(together) == ranks(alone)
    assert len(together.all_rows()) == len(mixed)
    for row in (row for section in together.sections for row in section.rows):
        assert row.first_rank is None
        assert row.reason or row.status != "scored"


@given(scored)
def test_the_order_is_score_then_time_received(scores: list[tuple[float, int]]) -> None:
    """And then the number of the entry, so that equal boards are equal."""
    entries = [
        candidate(at, round(score, 2), received=NOON + timedelta(seconds=seconds))
        for at, (score, seconds) in enumerate(scores)
    ]
    rows = board_of(entries).tables[0].rows
    keys = [(-(row.score or 0), row.received, row.entry) for row in rows]
    assert keys == sorted(keys)
    assert board_of(entries[::-1]) == board_of(entries)


@pytest.mark.parametrize("name", sorted(OTHERS))
def test_other_conditions_are_another_table(name: str) -> None:
    """Each of them, alone: the largest table first, and ranks begin anew."""
    others = replace(CONDITIONS, **{name: OTHERS[name]})
    assert set(Conditions.__dataclass_fields__) == OTHERS.keys()
    board = board_of([candidate(1, 0.9, conditions=others), candidate(2, 0.1), candidate(3, 0.2)])
    assert [[row.id for row in table.rows] for table in board.tables] == [["entry-3", "entry-2"], ["entry-1"]]
    assert row_of(board, 1).first_rank == row_of(board, 3).first_rank == 1


def test_a_tie_is_a_group_and_a_clear_difference_is_not() -> None:
    """Two reruns of one method share both ranks, what is far worse is 3."""
    board = board_of([candidate(1, 0.200), candidate(2, 0.201), candidate(3, 0.100)])
    assert ranks(board) == [("entry-2", 1, 2), ("entry-1", 1, 2), ("entry-3", 3, 3)]


def test_a_baseline_stands_where_it_would_and_has_no_rank() -> None:
    """It is compared with the others, each alone; two baselines do not push each other down."""
    board = board_of(
        [
            candidate(1, 0.3),
            candidate(2, 0.1),
            candidate(3, 0.2, is_baseline=True),
            candidate(4, 0.1001, is_baseline=True),
        ]
    )
    assert ranks(board) == [("entry-1", 1, 1), ("entry-2", 2, 2)]
    places = [(row.id, row.first_rank, row.last_rank) for row in board.tables[0].baselines]
    assert places == [("entry-3", 2, 2), ("entry-4", 2, 3)]


def test_a_baseline_that_no_table_has_says_so() -> None:
    """Under conditions of its own it cannot be compared with anybody."""
    board = board_of(
        [
            candidate(1, 0.3),
            candidate(
                2, 0.2, conditions=replace(CONDITIONS, n=128), n=128, verdicts={"ok": 128}, is_baseline=True
            ),
        ]
    )
    (section,) = board.sections
    assert (section.kind, section.rows[0].first_rank) == ("baseline", None)
    assert "nobody" in section.rows[0].reason


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"figures": Figures(score=float("nan"))}, "finite"),
        ({"figures": Figures(score=None)}, "finite"),
        ({"verdicts": {"ok": 63}}, "63 of 64 runs"),
        ({"conditions": None, "reason": "its manifest is missing"}, "manifest is missing"),
        ({"halves": halves(0.5)}, "0.1 is recorded"),
    ],
)
def test_a_score_that_is_not_valid_has_no_rank_but_a_reason(changes: dict[str, Any], reason: str) -> None:
    """Not a number, incomplete, without conditions, or not what its outputs give."""
    board = board_of([candidate(1, 0.1, **changes)])
    assert board.tables == []
    assert [section.kind for section in board.sections] == ["invalid"]
    assert reason in board.sections[0].rows[0].reason


def test_scores_that_cannot_be_compared_are_one_group_and_the_table_says_why() -> None:
    """No rank is claimed where the noise is not known."""
    rows = [candidate(1, 0.3, halves=None, reason="too few references"), candidate(2, 0.1, halves=None)]
    (table,) = board_of(rows).tables
    assert [(row.first_rank, row.last_rank) for row in table.rows] == [(1, 2), (1, 2)]
    assert table.remarks == ["too few references"]


def test_look_alikes_are_those_of_teams_where_there_are_teams() -> None:
    """Two teams may hand in files of one name; two names of teams that look alike are flagged on both."""
    board = board_of(
        [candidate(1, team="alpha", submission="mine"), candidate(2, team="\u0430lpha", submission="mine")]
    )
    assert row_of(board, 1).looks_like == ["\u0430lpha"]
    assert row_of(board, 2).looks_like == ["alpha"]
    board = board_of([candidate(1, submission="mine1"), candidate(2, submission="minel")])
    assert row_of(board, 1).looks_like == ["minel"]


def test_rows_of_one_evaluation_name_each_other() -> None:
    """Both have the score, share a group, and say whose content theirs is."""
    board = board_of([candidate(1, evaluation="e"), candidate(2, evaluation="e", halves=halves(0.1, seed=1))])
    assert row_of(board, 1).same_content_as == ["entry-2"]
    assert row_of(board, 2).same_content_as == ["entry-1"]
    assert {rank[1:] for rank in ranks(board)} == {(1, 2)}
