"""Teams that were merged or deleted, and entries whose stored outputs are scored again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0012"
down_revision: Final[str | None] = "0011"
branch_labels: Final[Sequence[str] | None] = None
depends_on: Final[Sequence[str] | None] = None


def upgrade() -> None:
    """Add the columns."""
    op.add_column("teams", sa.Column("merged_into", sa.String))
    op.add_column("teams", sa.Column("deleted", sa.DateTime(timezone=True)))
    op.add_column("competition_entries", sa.Column("rescores", sa.String))
