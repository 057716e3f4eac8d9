"""The versions of a store's tables, and the upgrade from one to the next.

::

    versions/     one Alembic script for each version: what it adds to the one before
    env           what Alembic executes to run them on the connection that it is given
    upgrade       which version a store has; brings it to `HEAD` in one transaction

`runner.store.schema` declares the tables as they are now, and a test compares the two. A change of the
schema is a new script, whose ``revision`` becomes `HEAD`. A script is never edited once it is released, and
imports nothing of the project: it holds whatever later versions do. It adds tables and nullable columns; it
never changes or drops what exists. Each is executed on SQLite and on PostgreSQL. The package imports Alembic
only where a store has to be upgraded.
"""

from __future__ import annotations

from typing import Final

HEAD: Final = "0015"
"""The version that this code reads and writes: the ``revision`` of the last script."""
MOVED: Final = "moved"
"""In place of a version: the rows of the store were moved to another database."""
VERSION_QUERY: Final = "SELECT version_num FROM alembic_version"
"""Alembic's own table; stores written before it was introduced lack it."""
