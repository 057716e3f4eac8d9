"""Read which version a store has, and upgrade it."""

from __future__ import annotations

import re
import threading
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, inspect

from runner.errors import HostNotReadyError
from runner.store.migrations import HEAD, MOVED, VERSION_QUERY

_FOLDER: Final = Path(__file__).parent
_one_at_a_time = threading.Lock()
"""Alembic has one current migration in a process."""


def is_current(connection: Connection) -> bool:
    """Return whether the store has the tables of this version.

    Raises:
        HostNotReadyError: it is of a later version, or of none that there was.
    """
    if not _has_versions(connection):
        return False
    versions = [str(version) for version in connection.exec_driver_sql(VERSION_QUERY).scalars()]
    version = versions[0] if len(versions) == 1 else ""
    if version == MOVED:
        raise HostNotReadyError(
            "The rows of this store were moved to another database; use the store by its folder."
        )
    if not re.fullmatch("[0-9]{4}", version) or version == "0000":
        raise HostNotReadyError("The version of the store's tables is damaged; restore it from a backup.")
    if version > HEAD:
        raise HostNotReadyError(
            f"The store was written by a later version of unlearn (its tables are version {version}, "
            f"this unlearn knows {HEAD}); use that version, or another store."
        )
    return version == HEAD


def _has_versions(connection: Connection) -> bool:
    if connection.dialect.name == "postgresql":  # an inspector takes 10 ms more to ask the same
        return connection.exec_driver_sql("SELECT to_regclass('alembic_version')").scalar() is not None
    return inspect(connection).has_table("alembic_version")


def upgrade(connection: Connection) -> None:
    """Upgrade a store to this version, in the transaction of ``connection``.

    Another process may have done so since it was last read: then nothing changes.
    """
    if is_current(connection):
        return
    from alembic import command  # noqa: PLC0415 - takes 0.1 s, and hardly any command needs it
    from alembic.config import Config  # noqa: PLC0415 - the same

    config = Config()
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    config.attributes["connection"] = connection
    with _one_at_a_time:
        command.upgrade(config, "head")
