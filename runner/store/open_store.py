"""Open a store: in the SQLite file of its folder, or in the PostgreSQL database that the folder names."""

from __future__ import annotations

import secrets
from dataclasses import replace
from pathlib import Path
from typing import Final

from sqlalchemy import func, select

from runner.errors import ConfigurationError, HostNotReadyError
from runner.store.competition.schema import CompetitionEntryRow
from runner.store.databases.address import (
    ADDRESS_FILE,
    DATABASE_FILE,
    StoreAddress,
    read_address,
    write_address,
)
from runner.store.databases.sqlite import sqlite_url
from runner.store.listing import no_store_sentence
from runner.store.schema import IdentityRow, SubmissionRow
from runner.store.store import Store

_IDENTITY_BYTES: Final = 16


def open_store(folder: Path, *, create: bool) -> Store:
    """Open the store of a folder.

    Raises:
        ConfigurationError: there is none and ``create`` is false, or its folder names another database.
        HostNotReadyError: it cannot be opened or, if ``create``, written.
    """
    file = folder / DATABASE_FILE
    address = read_address(folder)
    if address is not None:
        if file.exists():
            raise ConfigurationError(
                f"{folder} has both {ADDRESS_FILE} and {DATABASE_FILE}; move away the one that is not in use."
            )
        return _open_server(folder, address)
    if not create and not file.is_file():
        raise ConfigurationError(no_store_sentence(folder))
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise HostNotReadyError(f"{folder} cannot be created: {error.strerror}.") from error
    url, writable = sqlite_url(file)
    if create and not writable:
        raise HostNotReadyError(f"{folder} cannot be written; name another folder with --store.")
    return Store(url, writable=writable)


def _open_server(folder: Path, address: StoreAddress) -> Store:
    """Open the database that a folder names, and make sure that both belong together."""
    store = Store(address.database)
    try:
        identity = _identity(store)
        if address.identity is None:  # another process may have named it since
            address = read_address(folder) or address
        if address.identity is None and _has_files(store):
            raise ConfigurationError(
                f"The files of {store.database.description} are not in {folder}: name their folder with "
                f"--files, or restore it with its {ADDRESS_FILE}."
            )
        if address.identity not in (None, identity):
            raise ConfigurationError(
                f"{folder} is not the folder of {store.database.description}: its {ADDRESS_FILE} is that of "
                "another store. Name the right database, or restore it from a backup."
            )
        if address.identity is None:
            write_address(folder, replace(address, identity=identity))
    except BaseException:
        store.close()
        raise
    return store


def _identity(store: Store) -> str:
    """Return the identity of a database, which gets one if it has none."""
    with store.database.reading() as session:
        identity = session.connection().exec_driver_sql("SELECT identity FROM identity").scalar()
    if identity is None:
        with store.database.writing() as session:
            identity = session.scalar(select(IdentityRow.identity))
            if identity is None:
                identity = secrets.token_hex(_IDENTITY_BYTES)
                session.add(IdentityRow(identity=identity))
    return str(identity)


def _has_files(store: Store) -> bool:
    """Return whether a database refers to files."""
    tables = (SubmissionRow, CompetitionEntryRow)
    with store.database.reading() as session:
        return any(session.scalar(select(func.count()).select_from(table)) for table in tables)
