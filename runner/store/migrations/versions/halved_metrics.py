"""Entries of score cards on random halves, by which finals are decided."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0013"
down_revision: Final[str | None] = "0012"
branch_labels: Final[Sequence[str] | None] = None
depends_on: Final[Sequence[str] | None] = None


def upgrade() -> None:
    """Create the table, empty."""
    op.create_table(
        "halved_metrics",
        sa.Column("evaluation", sa.String, sa.ForeignKey("evaluations.id"), primary_key=True),
        sa.Column("metric", sa.String, primary_key=True),
        sa.Column("seed", sa.BigInteger, primary_key=True),
        sa.Column("scorer", sa.Integer, primary_key=True),
        sa.Column("manifest_sha256", sa.String, nullable=False),
        sa.Column("value", sa.Double, nullable=False),
        sa.Column("halves", sa.String, nullable=False),
    )
