"""Access tokens with scopes and an end, counters that limit rates, and uploads of the web service."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0009"
down_revision: Final[str | None] = "0008"
branch_labels: Final[Sequence[str] | None] = None
depends_on: Final[Sequence[str] | None] = None


def upgrade() -> None:
    """Create the tables, and a token for each team that had one."""
    op.create_table(
        "tokens",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("competition", sa.String, nullable=False),
        sa.Column("team", sa.String),
        sa.Column("sha256", sa.String, nullable=False),
        sa.Column("scopes", sa.String, nullable=False),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires", sa.DateTime(timezone=True)),
        sa.Column("revoked", sa.DateTime(timezone=True)),
        sa.ForeignKeyConstraint(["competition", "team"], ["teams.competition", "teams.name"]),
        sa.UniqueConstraint("sha256", name="uq_tokens_sha256"),
        sqlite_autoincrement=True,
    )
    op.execute(
        "INSERT INTO tokens (competition, team, sha256, scopes, created, revoked) "
        "SELECT competition, name, token_sha256, 'read submit', created, revoked FROM teams "
        "WHERE token_sha256 IS NOT NULL ORDER BY competition, created, name"
    )
    op.create_table(
        "rates",
        sa.Column("name", sa.String, primary_key=True),
        sa.Column("begun", sa.DateTime(timezone=True), nullable=False),
        sa.Column("count", sa.Integer, nullable=False),
    )
    op.add_column("competition_entries", sa.Column("upload", sa.String))
    op.add_column("competition_entries", sa.Column("upload_sha256", sa.String))
