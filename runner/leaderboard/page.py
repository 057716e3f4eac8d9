"""A leaderboard as a page: tables by conditions, sections of what has no rank, a link to each report."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Final

from runner.leaderboard.lines import (
    LEGEND,
    conditions_text,
    flags_text,
    rank_text,
    ratio_text,
    runs_text,
    score_text,
    score_title,
    share_text,
    table_lines,
)
from runner.leaderboard.model import Board, RowView, SectionView, TableView
from runner.pages.environment import render_page
from runner.wording import quantity

REPORTS: Final = "reports"
"""Folder of the reports, beside the page."""
_BAR: Final = 200
"""Width of the scale on which intervals are drawn."""
_NAME_BYTES: Final = 300_000
"""Of all names together; with longer ones, each is cut so that a page of many rows stays below 1 MB."""
_SECTIONS: Final = {
    "failed": ("Failed", "A run failed, or the runs gave no score."),
    "held": ("Held", "The sandbox was lost, which is no fault of the submission: it is evaluated again."),
    "invalid": ("Not valid", "A score is recorded, but it does not follow from what is stored."),
    "refused": ("Refused", "The files are no submission, so nothing was executed."),
    "withdrawn": ("Withdrawn", "Taken back by its team."),
    "disqualified": ("Disqualified", "Excluded by the organizers."),
    "smoke-test": ("Smoke tests", "Too few runs for a score."),
    "judged": ("Judged", "All runs ended well; they are not scored here."),
    "unfinished": ("Not finished", "Some runs have not been executed yet."),
    "baseline": ("Baselines", "Known methods under conditions of their own."),
}
_MEANINGS: Final = {
    "retain": "Retain is the accuracy on the retain set, relative to that of the references.",
    "test": "Test is the accuracy on the test set, relative to that of the references.",
    "time": "Time is the median of a run as a share of its limit.",
}
"""What a column shows, by its title."""
_Column = tuple[str, bool, list[str]]
"""Title, whether it has figures, and its cells."""


def report_path(row: RowView) -> str:
    """Return the path of a row's report, from the page."""
    return f"{REPORTS}/{row.id}.html"


def board_page(board: Board) -> str:
    """Return the page of a leaderboard; equal boards give equal pages."""
    return render_page("leaderboard.html", view=board_view(board))


def board_view(board: Board, *, with_reports: bool = True) -> dict[str, Any]:
    """Return what the template of a leaderboard shows.

    Args:
        board: As its readers may see it.
        with_reports: Whether each row links to its report, at `report_path`.
    """
    shorten = _shortener(board)
    received = [row.received for row in board.all_rows()]
    for_whom = "For organizers only." if board.audience == "organizer" else ""
    return {
        "challenge": board.challenge,
        "legend": LEGEND,
        "updated": f"{max(received):%Y-%m-%d %H:%M}" if received else "",
        "audience": for_whom,
        "has_reports": with_reports,
        "tables": [
            _table(table, number, len(board.tables), shorten)
            for number, table in enumerate(board.tables, start=1)
        ],
        "sections": [_section(section, shorten) for section in board.sections],
    }


class _Shorten:
    """Cuts names to a number of bytes."""

    def __init__(self, most_bytes: int | None) -> None:
        self._most = most_bytes

    def __call__(self, name: str) -> str:
        if self._most is None or len(data := name.encode("utf-8", "replace")) <= self._most:
            return name
        return data[: self._most].decode("utf-8", "ignore") + "…"


def _shortener(board: Board) -> _Shorten:
    names = [
        name for row in board.all_rows() for name in (row.team, row.submission, *row.looks_like[:1]) if name
    ]
    total = sum(len(name.encode("utf-8", "replace")) for name in names)
    return _Shorten(None if total <= _NAME_BYTES else max(24, _NAME_BYTES // len(names)))


def _table(table: TableView, number: int, total: int, shorten: _Shorten) -> dict[str, Any]:
    rows = list(table_lines(table))
    leaders = _leaders(rows)
    most = max((row.score_high or row.score or 0.0 for row in rows), default=0.0)
    columns: list[_Column] = [
        (score_title(rows), True, [score_text(row) for row in rows]),
        ("of ceiling", True, [share_text(row.share_of_ceiling) for row in rows]),
        ("retain", True, [ratio_text(row.retain_ratio) for row in rows]),
        ("test", True, [ratio_text(row.test_ratio) for row in rows]),
        ("time", True, [share_text(row.time_share) for row in rows]),
        ("runs ok", True, [runs_text(row) for row in rows]),
        ("flags", False, [flags_text(row.flags) for row in rows]),
        (
            "verified",
            False,
            ["no" if row.verified_at is None else f"{row.verified_at:%Y-%m-%d}" for row in rows],
        ),
    ]
    shown = [column for column in columns if any(column[2])]
    return {
        "heading": f"Ranks, {quantity(table.conditions.n, 'run')} each"
        + (f" (table {number} of {total})" if total > 1 else ""),
        "caption": (f"Table {number}: " if total > 1 else "")
        + f"{quantity(len(table.rows), 'submission')} with a rank, the best first",
        "conditions": f"All under the same conditions: {conditions_text(table.conditions)}.",
        "remarks": table.remarks,
        "columns": [(title, is_number) for title, is_number, _ in shown],
        "meanings": [_MEANINGS[title] for title, _, _ in shown if title in _MEANINGS],
        "has_teams": any(row.team for row in rows),
        "has_bars": any(row.score_low is not None for row in rows),
        "rows": [
            _row(row, [cells[at] for _, _, cells in shown], shorten)
            | {
                "rank": rank_text(row),
                "bar": _bar(row, most),
                "leads": row.id in leaders,
            }
            for at, row in enumerate(rows)
        ],
    }


def _section(section: SectionView, shorten: _Shorten) -> dict[str, Any]:
    heading, text = _SECTIONS[section.kind]
    return {
        "kind": section.kind,
        "heading": heading,
        "text": text,
        "caption": f"{heading}: {quantity(len(section.rows), 'submission')}",
        "columns": ["runs ok", "received (UTC)", "reason"],
        "has_teams": any(row.team for row in section.rows),
        "rows": [
            _row(row, [runs_text(row), f"{row.received:%Y-%m-%d %H:%M}", row.reason], shorten)
            for row in section.rows
        ],
    }


def _leaders(rows: Sequence[RowView]) -> set[str]:
    """Return the rows (`id`) with which a new group of ranks begins, the first one left out."""
    ranked = [row for row in rows if not row.is_baseline]
    return {row.id for before, row in pairwise(ranked) if row.first_rank != before.first_rank}


def _bar(row: RowView, most: float) -> tuple[int, int, int] | None:
    """Return lower end, score and upper end on the scale on which ``most`` is the end; None without."""
    if row.score is None or row.score_low is None or row.score_high is None or most <= 0:
        return None
    low, score, high = (
        min(max(round(_BAR * value / most), 0), _BAR) for value in (row.score_low, row.score, row.score_high)
    )
    return low, score, high


def _row(row: RowView, cells: Sequence[str], shorten: _Shorten) -> dict[str, Any]:
    submission, team = shorten(row.submission), shorten(row.team or "")
    return {
        "team": team,
        "submission": submission,
        "name": row.id,
        "looks_like": shorten(row.looks_like[0]) if row.looks_like else "",
        "is_baseline": row.is_baseline,
        "cells": cells,
        "href": report_path(row),
    }
