"""The machine that executed each run, and the class of its device; unknown of earlier runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0015"
down_revision: Final[str | None] = "0014"
branch_labels: Final[Sequence[str] | None] = None
depends_on: Final[Sequence[str] | None] = None


def upgrade() -> None:
    """Add the columns."""
    op.add_column("runs", sa.Column("node", sa.String))
    op.add_column("runs", sa.Column("device_class", sa.String))
