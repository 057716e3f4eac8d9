"""Which database has the rows of a store: `store.sqlite` in its folder, or the one that `store.toml` names.

A folder and a database belong together: with the files of another store, finished runs would seem lost and
would be executed again. So both hold the same random identity, and are refused where it differs.

The module imports little, because `unlearn list` needs it. A password is never part of an address: the list
of processes and the file would show it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from runner.errors import ConfigurationError, HostNotReadyError
from runner.files import read_regular_file, write_atomic

DATABASE_FILE: Final = "store.sqlite"
ADDRESS_FILE: Final = "store.toml"
_SCHEMES: Final = {"postgresql": "postgresql+psycopg", "postgresql+psycopg": "postgresql+psycopg"}
_SECRETS: Final = ("password", "sslpassword")
_IDENTITY: Final = re.compile("[0-9a-f]{32}")
_MAX_BYTES: Final = 64 << 10
_FIRST_LINE: Final = "# The database that has the rows of this store; written by unlearn.\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreAddress:
    """What `store.toml` says."""

    database: str
    """URL of the database, without a password."""
    identity: str | None = None
    """Of the store, 32 hexadecimal digits; None until it is opened for the first time."""


def has_rows(folder: Path) -> bool:
    """Return whether a folder is that of a store, whichever database has its rows."""
    return (folder / DATABASE_FILE).is_file() or (folder / ADDRESS_FILE).is_file()


def is_url(text: str) -> bool:
    """Return whether a text that names a store is the URL of a database; otherwise it is a folder."""
    return re.match("[A-Za-z][A-Za-z0-9+.-]*://", text) is not None


def checked_url(text: str) -> str:
    """Return the URL of a PostgreSQL database, in the form that SQLAlchemy takes.

    Raises:
        ConfigurationError: it is that of another database, or holds a password, or is no URL.
    """
    scheme, _, rest = text.partition("://")
    if scheme not in _SCHEMES:
        raise ConfigurationError(
            f"A store cannot be in a database of {scheme}; name a folder, or "
            "postgresql+psycopg://USER@HOST/DATABASE"
        )
    url = f"{_SCHEMES[scheme]}://{rest}"
    try:
        parts = urlsplit(url)
        has_password = parts.password is not None
        query = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
    except ValueError as error:
        raise ConfigurationError("The URL of the database cannot be read; check its form.") from error
    if has_password or any(name in _SECRETS for name, _value in query):
        raise ConfigurationError(
            "The URL of the database must not hold a password, which other users could read; "
            "put it into ~/.pgpass or the variable PGPASSWORD."
        )
    if parts.path in ("", "/"):
        raise ConfigurationError(
            "The URL of the database names none: postgresql+psycopg://USER@HOST/DATABASE"
        )
    return url


def read_address(folder: Path) -> StoreAddress | None:
    """Return which database has the rows of a folder; None where it is not named, as with SQLite.

    Raises:
        ConfigurationError: `store.toml` cannot be used.
    """
    file = folder / ADDRESS_FILE
    if not file.is_file():
        return None
    from runner.parsers.toml import read_toml  # noqa: PLC0415 - hardly any store needs it

    try:
        fields = read_toml(read_regular_file(file, max_bytes=_MAX_BYTES))
    except OSError as error:
        raise ConfigurationError(f"{file} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise ConfigurationError(f"{file} is no TOML: {error}.") from error
    except RecursionError as error:
        raise ConfigurationError(f"{file} is no TOML: it is nested too deeply.") from error
    database, identity = fields.pop("database", None), fields.pop("identity", None)
    if not isinstance(database, str) or fields:
        raise ConfigurationError(f"{file} must name a `database`, and may have an `identity`; nothing else.")
    if identity is not None and not (isinstance(identity, str) and _IDENTITY.fullmatch(identity)):
        raise ConfigurationError(f"The identity in {file} is damaged; restore it from a backup.")
    return StoreAddress(database=checked_url(database), identity=identity)


def write_address(folder: Path, address: StoreAddress) -> None:
    """Write `store.toml`.

    Raises:
        HostNotReadyError: it cannot be written.
    """
    import tomli_w  # noqa: PLC0415 - a store needs it once

    fields = {"database": address.database}
    if address.identity is not None:
        fields["identity"] = address.identity
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise HostNotReadyError(f"{folder} cannot be created: {error.strerror}.") from error
    write_atomic(folder / ADDRESS_FILE, (_FIRST_LINE + tomli_w.dumps(fields)).encode())


def use_database(folder: Path, text: str) -> None:
    """Let a folder have its rows in a database; one that names another address gets the new one.

    Whether the two belong together is checked when the store is opened.

    Raises:
        ConfigurationError: the URL cannot be used, or the folder's rows are in SQLite.
        HostNotReadyError: the folder cannot be written.
    """
    url = checked_url(text)
    if (folder / DATABASE_FILE).exists():
        raise ConfigurationError(
            f"{folder} has its rows in {DATABASE_FILE}; name another folder with --files, or leave out the "
            "database."
        )
    known = read_address(folder)
    if known is None or known.database != url:
        write_address(folder, StoreAddress(database=url, identity=known.identity if known else None))
