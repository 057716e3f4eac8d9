"""A leaderboard as CSV: one line for each row of all tables and sections, figures as they are stored.

Source:
    RFC 4180. "CSV Injection", OWASP: a spreadsheet takes a cell that begins with ``= + - @``, one of these in
    full width, a tab or a line break for a formula, so such a text begins with an apostrophe here. Where the
    decimal comma is used, it takes semicolons for separators, so that a text with one is several cells.
"""

from __future__ import annotations

import csv
import io
import re
from typing import Final

from runner.leaderboard.lines import limits_text, table_lines
from runner.leaderboard.model import Board, ConditionsView, RowView

_FORMULA: Final = re.compile(r"(^|[;\t\r\n])(\"*)(?=[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20])")
"""Where a cell may begin, and what follows would be a formula."""
_FIGURES: Final = (
    *("score", "score_low", "score_high", "share_of_ceiling", "retain_ratio", "test_ratio", "time_share"),
    *("n", "runs_ok"),
)
COLUMNS: Final = (
    *("table", "kind", "first_rank", "last_rank", "team", "submission"),
    *_FIGURES,
    *("flags", "looks_like", "verified_at", "reruns", "reason", "received", "entry", "evaluation", "id"),
    *("challenge_sha256", "image", "isolation", "runtime", "device", "scorer", "limits"),
)
"""``kind`` is ``ranked``, ``baseline`` or the reason why there is no rank; ``table`` counts from 1."""

Cell = str | int | float | None


def board_csv(board: Board) -> bytes:
    """Return the content of a CSV file: UTF-8, lines end with CR LF, the first names the columns."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for number, table in enumerate(board.tables, start=1):
        for row in table_lines(table):
            writer.writerow(
                _cells(row, "baseline" if row.is_baseline else "ranked", number, table.conditions)
            )
    for section in board.sections:
        for row in section.rows:
            writer.writerow(_cells(row, section.kind, None, None))
    return text.getvalue().encode("utf-8", "replace")


def _cells(row: RowView, kind: str, number: int | None, conditions: ConditionsView | None) -> list[Cell]:
    values: dict[str, Cell] = {
        "table": number,
        "kind": kind,
        "first_rank": row.first_rank,
        "last_rank": row.last_rank,
        "team": row.team,
        "submission": row.submission,
        **{name: getattr(row, name) for name in _FIGURES},
        "flags": "; ".join(f"{flag.level} {flag.kind}" for flag in row.flags),
        "looks_like": "; ".join(row.looks_like),
        "verified_at": row.verified_at.isoformat() if row.verified_at is not None else None,
        "reruns": row.reruns if row.verified_at is not None else None,
        "reason": row.reason,
        "received": row.received.isoformat(),
        "entry": row.entry,
        "evaluation": row.evaluation,
        "id": row.id,
    }
    if conditions is not None:
        values |= {
            "challenge_sha256": conditions.challenge_sha256,
            "image": conditions.image,
            "isolation": conditions.isolation,
            "runtime": conditions.runtime,
            "device": conditions.device,
            "scorer": conditions.scorer,
            "limits": limits_text(conditions),
        }
    return [spreadsheet_cell(values.get(name)) for name in COLUMNS]


def spreadsheet_cell(value: Cell) -> Cell:
    """Return a value as a cell: what could be a formula in a text begins with an apostrophe, numbers stay."""
    return _FORMULA.sub(r"\1\2'", value) if isinstance(value, str) else value
