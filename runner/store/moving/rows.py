"""Copy the rows of all tables to an empty database, and compare both."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Select, Table, func, insert, select, text

from runner.errors import ConfigurationError, HostNotReadyError
from runner.store.competition.schema import CompetitionEntryRow
from runner.store.database import as_utc
from runner.store.schema import IdentityRow

_BATCH: Final = 1000
_NUMBERS: Final = 1 << 256


def copy_rows(source: Connection, target: Connection) -> dict[str, int]:
    """Copy all rows but the identity of the store.

    Numbers that a table has given away stay given away, also those of rows that were removed since.

    Args:
        source: A transaction in which the rows do not change.
        target: A transaction that writes.

    Returns:
        How many rows each table has.

    Raises:
        ConfigurationError: the target has rows.
        HostNotReadyError: what is in the target afterwards is not what is in the source.
    """
    require_empty(target)
    counts = {}
    for table in _tables():
        for batch in source.execute(_in_order(table)).mappings().partitions():
            target.execute(insert(table), [dict(row) for row in batch])
        if table.dialect_options["sqlite"]["autoincrement"]:
            _set_last_number(target, table, _last_number(source, table))
        before, after = (_fingerprint(connection, table) for connection in (source, target))
        if before != after:
            raise HostNotReadyError(
                f"The rows of {table.name} are not the same in both databases; nothing was moved."
            )
        counts[table.name] = after[0]
    return counts


def require_empty(target: Connection) -> None:
    """Require that a database has no row of a store.

    Raises:
        ConfigurationError: it has.
    """
    for table in (*_tables(), IdentityRow.metadata.tables[IdentityRow.__tablename__]):
        if target.scalar(select(func.count()).select_from(table)):
            raise ConfigurationError(
                f"The database has rows of a store already (table {table.name}); name an empty database."
            )


def _tables() -> list[Table]:
    """Return all tables but that of the identity; what a foreign key refers to comes first."""
    tables = CompetitionEntryRow.metadata.sorted_tables
    return [table for table in tables if table.name != IdentityRow.__tablename__]


def _in_order(table: Table) -> Select[Any]:
    """Return the query of the rows of a table, those that others of it refer to first."""
    return select(table).order_by(*table.primary_key).execution_options(yield_per=_BATCH)


def _fingerprint(connection: Connection, table: Table) -> tuple[int, int]:
    """Return the number of rows, and a sum of their hashes: databases differ in how they order text."""
    count = total = 0
    for row in connection.execute(_in_order(table)).mappings():
        text_of_row = repr([_plain(row[column]) for column in table.columns])
        total += int.from_bytes(hashlib.sha256(text_of_row.encode(errors="surrogatepass")).digest())
        count += 1
    return count, total % _NUMBERS


def _plain(value: object) -> object:
    """Return a value in the form that it has in both databases."""
    if isinstance(value, datetime):
        return as_utc(value).isoformat()
    return value.replace("\0", "\N{REPLACEMENT CHARACTER}") if isinstance(value, str) else value


def _last_number(connection: Connection, table: Table) -> int:
    """Return the last number that a table has given away; 0 if none."""
    if connection.dialect.name == "sqlite":
        query = text("SELECT seq FROM sqlite_sequence WHERE name = :name")
        return int(connection.scalar(query, {"name": table.name}) or 0)
    query = text(f"SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM {_sequence(connection, table)}")  # noqa: S608 - its name is the database's
    return int(connection.scalar(query) or 0)


def _set_last_number(connection: Connection, table: Table, number: int) -> None:
    if number == 0:
        return
    values = {"name": table.name, "number": number}
    if connection.dialect.name == "sqlite":
        connection.execute(text("DELETE FROM sqlite_sequence WHERE name = :name"), values)
        connection.execute(text("INSERT INTO sqlite_sequence (name, seq) VALUES (:name, :number)"), values)
    else:
        query = text("SELECT setval(CAST(:sequence AS regclass), :number)")
        connection.execute(query, {"sequence": _sequence(connection, table), "number": number})


def _sequence(connection: Connection, table: Table) -> str:
    """Return the name of the sequence of a table's numbers, as SQL has it."""
    query = text("SELECT pg_get_serial_sequence(:name, 'id')")
    return str(connection.scalar(query, {"name": table.name}))
