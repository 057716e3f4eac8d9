"""Open a store: choose its database. A database server in place of SQLite is chosen here.

What is special to SQLite is in `runner.store.sqlite`, `database` (transactions) and `listing` (a shortcut).
"""

from __future__ import annotations

from pathlib import Path

from runner.errors import ConfigurationError, HostNotReadyError
from runner.store.listing import DATABASE_FILE, no_store_sentence
from runner.store.sqlite import sqlite_url
from runner.store.store import Store


def open_store(folder: Path, *, create: bool) -> Store:
    """Open the store of a folder, whose database is a SQLite file.

    Raises:
        ConfigurationError: there is none and ``create`` is false.
        HostNotReadyError: it cannot be opened or, if ``create``, written.
    """
    file = folder / DATABASE_FILE
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
