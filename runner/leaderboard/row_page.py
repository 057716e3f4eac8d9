"""The row of a leaderboard as a page of its own: what its audience may know of one submission."""

from __future__ import annotations

from runner.leaderboard.lines import (
    conditions_text,
    flags_text,
    rank_text,
    ratio_text,
    runs_text,
    score_text,
    score_title,
    share_text,
    verified_text,
)
from runner.leaderboard.model import Board, ConditionsView, RowView
from runner.pages.environment import render_page


def row_page(board: Board, row: RowView, conditions: ConditionsView | None) -> str:
    """Return the page of a row.

    Args:
        board: As its audience sees it.
        row: Of that board.
        conditions: Of its table; None where it has no rank.
    """
    pairs = [
        ("team", row.team or ""),
        ("rank", rank_text(row) or "none"),
        ("status", row.status.replace("-", " ")),
        (score_title([row]), score_text(row)),
        ("of the ceiling", share_text(row.share_of_ceiling)),
        ("accuracy on retain, of the references'", ratio_text(row.retain_ratio)),
        ("accuracy on test, of the references'", ratio_text(row.test_ratio)),
        ("time of a run, of the limit", share_text(row.time_share)),
        ("runs that ended well", runs_text(row)),
        ("verdicts", ", ".join(f"{count} {verdict}" for verdict, count in row.verdicts.items())),
        ("received (UTC)", f"{row.received:%Y-%m-%d %H:%M}"),
        ("verified", verified_text(row) or "no"),
        ("flags", flags_text(row.flags)),
        ("looks like", ", ".join(row.looks_like[:5])),
        ("conditions", conditions_text(conditions) if conditions is not None else ""),
        ("evaluation", row.evaluation or ""),
    ]
    return render_page(
        "leaderboard_row.html",
        view={
            "challenge": board.challenge,
            "submission": row.submission,
            "reason": row.reason,
            "pairs": [(name, value) for name, value in pairs if value],
            "audience": "For organizers only." if board.audience == "organizer" else "",
        },
    )
