"""What leaderboards and verifications store of evaluations, in tables of their own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0004"
down_revision: Final[str | None] = "0003"
branch_labels: Final[Sequence[str] | None] = None
depends_on: Final[Sequence[str] | None] = None


def _evaluation() -> sa.Column[str]:
    return sa.Column("evaluation", sa.String, sa.ForeignKey("evaluations.id"), primary_key=True)


def upgrade() -> None:
    """Create the tables, empty."""
    op.create_table(
        "conditions",
        _evaluation(),
        sa.Column("manifest_sha256", sa.String, nullable=False),
        sa.Column("conditions", sa.String, nullable=False),
    )
    op.create_table(
        "halved_scores",
        _evaluation(),
        sa.Column("seed", sa.BigInteger, primary_key=True),
        sa.Column("scorer", sa.Integer, primary_key=True),
        sa.Column("manifest_sha256", sa.String, nullable=False),
        sa.Column("value", sa.Double, nullable=False),
        sa.Column("halves", sa.String, nullable=False),
    )
    op.create_table(
        "verifications",
        _evaluation(),
        sa.Column("manifest_sha256", sa.String, nullable=False),
        sa.Column("verified_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reruns", sa.Integer, nullable=False),
        sa.Column("mismatches", sa.Integer, nullable=False),
    )
