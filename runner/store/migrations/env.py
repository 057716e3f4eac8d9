"""Executed by Alembic, and never imported: runs the scripts in the transaction of the caller's connection."""

from __future__ import annotations

from alembic import context

context.configure(connection=context.config.attributes["connection"])
context.run_migrations()
