"""Who sees what of a leaderboard. No renderer decides it: each shows whatever the board has.

A submission has seen hidden images and could encode them in anything that it chooses. So the public, which
every participant belongs to, reads no text of a submission but its name, and under ``verdict-only`` no figure
but the score. What organizers suspect of a submission is theirs alone.
"""

from __future__ import annotations

from typing import Final

from runner.leaderboard.board import NOT_COMPARED
from runner.leaderboard.model import Audience, Board, RowView
from runner.wording import quantity

FOR_ALL: Final = (
    *("id", "team", "submission", "entry", "received", "status", "is_baseline", "first_rank", "last_rank"),
    *("n", "runs_ok", "verdicts", "looks_like", "verified_at", "reruns", "feedback"),
)
"""Fields of a row that everybody sees."""
UNDER_FULL: Final = (
    *("score_low", "score_high", "share_of_ceiling", "retain_ratio", "test_ratio", "time_share"),
)
"""Fields that the public sees under the policy ``full`` only."""
IN_OTHER_WORDS: Final = ("reason", "score")
"""Fields that the public sees, but not as they are."""
FOR_ORGANIZERS: Final = ("evaluation", "flags", "same_content_as")
"""Fields that the public never sees."""
SCORE_DIGITS: Final = 6
"""As in the report of a participant."""
_REASONS: Final = {
    "held": "the sandbox was lost; it will be evaluated again",
    "invalid": "its score is not valid",
    "refused": "the files are no submission",
    "smoke-test": "too few runs for a score",
    "judged": "its runs are judged, and not scored yet",
    "unfinished": "not finished",
}
"""What the public reads of a row without a rank; that it failed is explained by its verdicts."""


def visible_board(board: Board, audience: Audience) -> Board:
    """Return a leaderboard as an audience may see it.

    Args:
        board: As `runner.leaderboard.board.make_board` made it, or as some audience sees it.
        audience: Whom it is for. What the public may not see is removed for good.
    """
    if audience == "organizer" or board.audience == "public":
        return board
    tables = [
        table.model_copy(
            update={
                "rows": [_for_public(row) for row in table.rows],
                "baselines": [_for_public(row) for row in table.baselines],
                "remarks": [NOT_COMPARED] if table.remarks else [],
            }
        )
        for table in board.tables
    ]
    sections = [
        section.model_copy(update={"rows": [_for_public(row) for row in section.rows]})
        for section in board.sections
    ]
    return board.model_copy(
        update={"audience": "public", "seed": None, "tables": tables, "sections": sections}
    )


def _for_public(row: RowView) -> RowView:
    """Return a row as the public may see it: a field that no list names is left out."""
    full = row.feedback == "full"
    shown = {name: getattr(row, name) for name in (*FOR_ALL, *(UNDER_FULL if full else ()))}
    score = row.score if full or row.score is None else round(row.score, SCORE_DIGITS)
    return RowView(**shown, score=score, reason=_public_reason(row))


def _public_reason(row: RowView) -> str:
    if row.status == "failed":
        failures = [
            f"{verdict} in {quantity(count, 'run')}"
            for verdict, count in row.verdicts.items()
            if verdict != "ok"
        ]
        return ", ".join(failures) or "no score"
    if row.is_baseline and row.status == "scored" and row.first_rank is None:
        return "nobody has a rank under its conditions"
    return _REASONS.get(row.status, "")
