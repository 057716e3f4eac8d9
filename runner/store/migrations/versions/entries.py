"""Entries: who handed in what, when, and what came of it.

Each evaluation that exists gets one entry, with the name of its submission; nothing is known of a path.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0002"
down_revision: Final[str | None] = "0001"
branch_labels: Final[Sequence[str] | None] = None
depends_on: Final[Sequence[str] | None] = None

_OF_EVALUATIONS: Final = """
INSERT INTO entries (command, received, name, content_sha256, challenge, challenge_sha256, n, evaluation)
SELECT '', begun, submission, submission_sha256, challenge, challenge_sha256, n, id
FROM evaluations ORDER BY begun, id
"""


def upgrade() -> None:
    """Create the table, and an entry for each evaluation."""
    op.create_table(
        "entries",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("command", sa.String, nullable=False),
        sa.Column("received", sa.DateTime(timezone=True), nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("path", sa.String),
        sa.Column("folder", sa.String),
        sa.Column("content_sha256", sa.String),
        sa.Column("challenge", sa.String, nullable=False),
        sa.Column("challenge_sha256", sa.String, nullable=False),
        sa.Column("n", sa.Integer, nullable=False),
        sa.Column("evaluation", sa.String),
        sa.Column("outcome", sa.String),
        sa.Column("reason", sa.String),
        sa.Column("team", sa.String),
        sa.Column("note", sa.String),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_entries_content_sha256", "entries", ["content_sha256"])
    op.create_index("ix_entries_evaluation", "entries", ["evaluation"])
    connection = op.get_bind()
    connection.execute(sa.text(_OF_EVALUATIONS))
    ended = connection.execute(sa.text("SELECT id, summary FROM evaluations WHERE summary IS NOT NULL")).all()
    for evaluation, summary in ended:
        connection.execute(
            sa.text("UPDATE entries SET outcome = :outcome WHERE evaluation = :evaluation"),
            {"outcome": _outcome(summary), "evaluation": evaluation},
        )


def _outcome(text: str) -> str | None:
    """Return the outcome that a stored summary states; None if it cannot be read."""
    try:
        summary: Any = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(summary, dict):
        return None
    return "scored" if summary.get("score") is not None or summary.get("score_withheld") else "failed"
