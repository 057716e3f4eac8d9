"""Of which evaluation one on a control problem is a part; none where it is not on one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0007"
down_revision: Final[str | None] = "0006"
branch_labels: Final[Sequence[str] | None] = None
depends_on: Final[Sequence[str] | None] = None


def upgrade() -> None:
    """Add the column."""
    op.add_column("evaluations", sa.Column("parent", sa.String))
