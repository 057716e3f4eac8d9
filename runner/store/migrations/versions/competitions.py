"""Teams, entries and choices of competitions, and an audit that nothing changes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0008"
down_revision: Final[str | None] = "0007"
branch_labels: Final[Sequence[str] | None] = None
depends_on: Final[Sequence[str] | None] = None

_AUDIT_TRIGGERS: Final = {
    "sqlite": [
        f"CREATE TRIGGER audit_refuses_{change.lower()} BEFORE {change} ON audit "
        "BEGIN SELECT RAISE(ABORT, 'the audit only grows'); END"
        for change in ("UPDATE", "DELETE")
    ],
    "postgresql": [
        "CREATE FUNCTION refuse_change_of_audit() RETURNS trigger LANGUAGE plpgsql "
        "AS $$ BEGIN RAISE EXCEPTION 'the audit only grows'; END $$",
        *(
            f"CREATE TRIGGER audit_refuses_{change.lower()} BEFORE {change} ON audit "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_audit()"
            for change in ("UPDATE", "DELETE", "TRUNCATE")
        ),
    ],
}


def upgrade() -> None:
    """Create the tables, empty, and the triggers of the audit."""
    op.create_table(
        "competitions",
        sa.Column("name", sa.String, primary_key=True),
        sa.Column("secret", sa.String, nullable=False),
        sa.Column("paused", sa.DateTime(timezone=True)),
    )
    op.create_table(
        "teams",
        sa.Column("competition", sa.String, primary_key=True),
        sa.Column("name", sa.String, primary_key=True),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.Column("token_sha256", sa.String),
        sa.Column("revoked", sa.DateTime(timezone=True)),
    )
    op.create_table(
        "competition_entries",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("competition", sa.String, nullable=False),
        sa.Column("phase", sa.String, nullable=False),
        sa.Column("team", sa.String, nullable=False),
        sa.Column("received", sa.DateTime(timezone=True), nullable=False),
        sa.Column("file_name", sa.String, nullable=False),
        sa.Column("archive_sha256", sa.String),
        sa.Column("bytes", sa.BigInteger, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("state_since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("challenge", sa.String, nullable=False),
        sa.Column("evaluation", sa.String),
        sa.Column("reason", sa.String),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("seconds", sa.Double, nullable=False),
        sa.Column("source", sa.Integer, sa.ForeignKey("competition_entries.id")),
        sa.Column("batch", sa.Integer),
        sa.Column("pending", sa.Boolean, nullable=False),
        sa.Column("idempotency_key", sa.String),
        sa.ForeignKeyConstraint(["competition", "team"], ["teams.competition", "teams.name"]),
        sa.UniqueConstraint("competition", "idempotency_key", name="uq_competition_entries_key"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_competition_entries_team", "competition_entries", ["competition", "phase", "team"])
    op.create_index("ix_competition_entries_state", "competition_entries", ["competition", "state"])
    op.create_table(
        "competition_choices",
        sa.Column("competition", sa.String, primary_key=True),
        sa.Column("final", sa.String, primary_key=True),
        sa.Column("entry", sa.Integer, sa.ForeignKey("competition_entries.id"), primary_key=True),
        sa.Column("team", sa.String, nullable=False),
        sa.Column("chosen", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_table(
        "audit",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("competition", sa.String, nullable=False),
        sa.Column("who", sa.String, nullable=False),
        sa.Column("act", sa.String, nullable=False),
        sa.Column("subject", sa.String, nullable=False),
        sa.Column("reason", sa.String),
        sqlite_autoincrement=True,
    )
    for change in _AUDIT_TRIGGERS[op.get_bind().dialect.name]:
        op.execute(change)
