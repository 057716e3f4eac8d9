"""A leaderboard as tables for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.table import Table
from rich.text import Text

from runner.leaderboard.lines import (
    LEGEND,
    conditions_text,
    flags_text,
    rank_text,
    ratio_text,
    runs_text,
    score_text,
    share_text,
    table_lines,
    verified_text,
)
from runner.leaderboard.model import Board, RowView, TableView
from runner.reports.columns import REQUIRED, SUBMISSION_WIDTH, Column, fitted_table
from runner.wording import noun_for

_STYLES = {"failed": "red", "held": "red", "invalid": "red", "disqualified": "red"}


def board_lines(board: Board, width: int) -> Iterator[Table | Text]:
    """Yield the tables and sections of a leaderboard, each that fits into ``width`` columns."""
    for number, table in enumerate(board.tables, start=1):
        if len(board.tables) > 1:
            yield Text(f"Table {number} of {len(board.tables)}: {conditions_text(table.conditions)}")
        else:
            yield Text(conditions_text(table.conditions))
        yield _ranked(table, width)
        yield from (Text(remark, style="yellow") for remark in table.remarks)
    yield Text(LEGEND if board.tables else "No submission has a rank yet.")
    if len(board.tables) > 1:
        yield Text("Scores of different tables are not comparable.", style="yellow")
    rows = [(section.kind, row) for section in board.sections for row in section.rows]
    if rows:
        yield Text("")
        yield Text(f"Without a rank: {len(rows)} {noun_for(len(rows), 'submission')}")
        yield _unranked(rows, width)
    yield from _look_alikes(board)


def _ranked(table: TableView, width: int) -> Table:
    rows = list(table_lines(table))

    def figures(title: str, cells: Sequence[str], importance: int) -> Column:
        return Column(title=title, cells=cells, importance=importance, right=True)

    columns = [
        figures("rank", [rank_text(row) for row in rows], REQUIRED),
        *_names(rows),
        figures("score", [score_text(row) for row in rows], REQUIRED),
        figures("of ceiling", [share_text(row.share_of_ceiling) for row in rows], 6),
        figures("retain", [ratio_text(row.retain_ratio) for row in rows], 3),
        figures("test", [ratio_text(row.test_ratio) for row in rows], 2),
        figures("time", [share_text(row.time_share) for row in rows], 4),
        figures("runs ok", [runs_text(row) for row in rows], 5),
        Column(title="flags", cells=[flags_text(row.flags) for row in rows], importance=7, shrinks_to=12),
        Column(title="verified", cells=[verified_text(row) for row in rows], importance=1),
        Column(title="evaluation", cells=[row.evaluation or "" for row in rows], importance=8),
    ]
    return fitted_table(_with_content(columns), width)


def _unranked(rows: Sequence[tuple[str, RowView]], width: int) -> Table:
    columns = [
        Column(
            title="status",
            cells=[Text(kind.replace("-", " "), style=_STYLES.get(kind, "")) for kind, _ in rows],
            importance=REQUIRED,
        ),
        *_names([row for _, row in rows]),
        Column(title="runs ok", cells=[runs_text(row) for _, row in rows], importance=3, right=True),
        Column(
            title="reason", cells=[Text(row.reason) for _, row in rows], importance=REQUIRED, shrinks_to=20
        ),
        Column(title="evaluation", cells=[row.evaluation or "" for _, row in rows], importance=4),
    ]
    return fitted_table(_with_content(columns), width)


def _names(rows: Sequence[RowView]) -> list[Column]:
    """Return the columns of teams, if there are any, and of submissions."""
    return [
        Column(
            title="team",
            cells=[Text(row.team or "") for row in rows],
            importance=REQUIRED,
            shrinks_to=SUBMISSION_WIDTH,
        ),
        Column(
            title="submission",
            cells=[
                Text(f"{row.submission} (baseline)" if row.is_baseline else row.submission) for row in rows
            ],
            importance=REQUIRED,
            shrinks_to=SUBMISSION_WIDTH,
        ),
    ]


def _with_content(columns: Sequence[Column]) -> list[Column]:
    """Return the columns in which any row has something to show."""
    return [column for column in columns if any(map(str, column.cells))]


def _look_alikes(board: Board) -> Iterator[Text]:
    for row in board.all_rows():
        if row.looks_like:
            name = row.team or row.submission
            yield Text(f"{name}: looks like {', '.join(row.looks_like[:5])}", style="yellow")
