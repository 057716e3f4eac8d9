"""What setting up each run on a GPU took; unknown of runs that ended before, and on the CPU."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0005"
down_revision: Final[str | None] = "0004"
branch_labels: Final[Sequence[str] | None] = None
depends_on: Final[Sequence[str] | None] = None


def upgrade() -> None:
    """Add the column."""
    op.add_column("runs", sa.Column("setup_seconds", sa.Double))
