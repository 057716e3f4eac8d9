"""The tables as they were when Alembic was introduced.

Earlier stores have no version, and some lack tables or columns that were added later. So this script adds
what is missing; what exists stays as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.types import TypeEngine

revision: Final = "0001"
down_revision: Final[str | None] = None
branch_labels: Final[Sequence[str] | None] = None
depends_on: Final[Sequence[str] | None] = None


def _evaluation() -> sa.Column[str]:
    return sa.Column("evaluation", sa.String, sa.ForeignKey("evaluations.id"), primary_key=True)


def _required(name: str, kind: type[TypeEngine[Any]] | TypeEngine[Any]) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=False)


def _tables() -> dict[str, list[sa.Column[Any]]]:
    """Return new columns of each table, by its name; a table comes after those that it refers to."""
    return {
        "submissions": [
            sa.Column("sha256", sa.String, primary_key=True),
            _required("name", sa.String),
            _required("archive_bytes", sa.BigInteger),
            _required("added", sa.DateTime(timezone=True)),
        ],
        "evaluations": [
            sa.Column("id", sa.String, primary_key=True),
            sa.Column("submission_sha256", sa.String, sa.ForeignKey("submissions.sha256"), nullable=False),
            _required("submission", sa.String),
            _required("challenge", sa.String),
            _required("challenge_sha256", sa.String),
            _required("image", sa.String),
            _required("n", sa.Integer),
            _required("begun", sa.DateTime(timezone=True)),
            _required("seconds", sa.Double),
            sa.Column("summary", sa.String),
            sa.Column("manifest_sha256", sa.String),
            sa.Column("challenge_folder", sa.String),
        ],
        "attempts": [
            _evaluation(),
            sa.Column("number", sa.Integer, primary_key=True),
            _required("begun", sa.DateTime(timezone=True)),
            sa.Column("ended", sa.DateTime(timezone=True)),
            sa.Column("outcome", sa.String),
        ],
        "terms": [
            _evaluation(),
            sa.Column("machine", sa.String, primary_key=True),
            _required("terms", sa.String),
        ],
        "runs": [
            _evaluation(),
            sa.Column("index", sa.Integer, primary_key=True),
            _required("seed", sa.BigInteger),
            _required("attempt", sa.Integer),
            _required("verdict", sa.String),
            _required("detail", sa.String),
            _required("host_seconds", sa.Double),
            _required("run_seconds", sa.Double),
            _required("checkpoint_sha256", sa.String),
            _required("log_bytes_dropped", sa.BigInteger),
            sa.Column("exception_type", sa.String),
            _required("ended", sa.DateTime(timezone=True)),
            _required("evaluated", sa.Boolean),
            sa.Column("outputs_sha256", sa.String),
        ],
        "leases": [
            sa.Column("evaluation", sa.String, primary_key=True),
            _required("token", sa.Integer),
            _required("holder", sa.String),
            _required("place", sa.String),
            _required("beats", sa.BigInteger),
            _required("expires", sa.Double),
        ],
    }


def upgrade() -> None:
    """Create the tables and columns that an earlier version did not have."""
    inspector = sa.inspect(op.get_bind())
    for table, columns in _tables().items():
        if not inspector.has_table(table):
            op.create_table(table, *columns)
            continue
        existing = {column["name"] for column in inspector.get_columns(table)}
        for column in columns:
            if column.name not in existing:
                op.add_column(table, column)
