"""Processor time of each run, all of its processes together; unknown of runs that ended before."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0006"
down_revision: Final[str | None] = "0005"
branch_labels: Final[Sequence[str] | None] = None
depends_on: Final[Sequence[str] | None] = None


def upgrade() -> None:
    """Add the column."""
    op.add_column("runs", sa.Column("processor_seconds", sa.Double))
