"""What tells a store from all others, where its folder and its database are apart."""

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
    """Create the table, empty."""
    op.create_table("identity", sa.Column("identity", sa.String, primary_key=True))
