"""Leaderboards in a browser: tables, sections and the page of a row, with a hostile name in each of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from playwright.sync_api import Browser

from runner.leaderboard.audience import visible_board
from runner.leaderboard.board import make_board
from runner.leaderboard.final_page import final_page
from runner.leaderboard.model import Board
from runner.leaderboard.page import board_page
from runner.leaderboard.row_page import row_page
from tests.browser.conftest import Examine
from tests.browser.examination import opened
from tests.browser.hostile import ALL, HOSTILE, MARKUP
from tests.runner.leaderboard.made_up import CONDITIONS, candidate, made_up_final


def hostile_board(names: Sequence[str]) -> Board:
    """Return ranks under two conditions, a baseline and every kind of row without a rank, all with hostile names."""
    other = replace(CONDITIONS, device="cuda", runtime="runsc")
    ranked = [
        candidate(at, 0.2 - at / 1000, submission=name, team=name or "x", flags=(("problem", "too-slow"),))
        for at, name in enumerate(names)
    ]
    others = [
        candidate(100, 0.1, conditions=other, submission=MARKUP[0], team=MARKUP[1]),
        candidate(101, 0.19, submission=ALL, is_baseline=True),
        *(
            candidate(102 + at, None, submission=HOSTILE[at], team=HOSTILE[-at], status=status, reason=ALL)
            for at, status in enumerate(("failed", "held", "refused", "withdrawn", "unfinished"))
        ),
    ]
    return make_board([*ranked, *others], challenge=ALL)


def test_a_leaderboard_with_hostile_names_is_a_good_page(examine_file: Examine, tmp_path: Path) -> None:
    file = tmp_path / "index.html"
    file.write_text(board_page(visible_board(hostile_board(HOSTILE[::3]), "public")), encoding="utf-8")
    assert examine_file(file) == []


def test_the_page_of_a_row_is_a_good_page(examine_file: Examine, chromium: Browser, tmp_path: Path) -> None:
    """For organizers, who see most; the other rows are opened only, and no name adds an element."""
    board = hostile_board(HOSTILE)
    table = board.tables[0]
    file = tmp_path / "row.html"
    with opened(chromium) as page:
        for row in table.rows:
            file.write_text(row_page(board, row, table.conditions), encoding="utf-8")
            page.goto(file.as_uri())
            elements = page.evaluate("() => [...document.querySelectorAll('h1 *')].map(each => each.tagName)")
            assert elements == ["BDI"], row.submission
            assert page.locator("h1").inner_text().strip(), row.submission
    assert examine_file(file) == []


def test_the_results_of_a_final_are_a_good_page(examine_file: Examine, tmp_path: Path) -> None:
    """With the names of challenges and people that are most hostile, and hashes that are wider than a phone."""
    file = tmp_path / "index.html"
    file.write_text(final_page(made_up_final(["alpha", "beta", "t" * 40], who=ALL)), encoding="utf-8")
    assert examine_file(file) == []
