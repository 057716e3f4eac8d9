"""The store of evaluations: SQLite through SQLAlchemy, so that a URL can name another database.

A run is published once: its first verdict stands. Two numbers fence off a process that was suspended while
another one continued: writes with an attempt number that is not the newest are refused, and so are writes
with the token of a lost lease. Times are UTC.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import URL

from runner.errors import ConfigurationError, HostNotReadyError
from runner.store.attempts import AttemptQueries
from runner.store.copies import CopyQueries
from runner.store.database import Database
from runner.store.evaluations import EvaluationQueries
from runner.store.listing import DATABASE_FILE
from runner.store.runs import RunQueries
from runner.store.sqlite import sqlite_url
from runner.store.terms import TermsQueries


class Store(EvaluationQueries, AttemptQueries, RunQueries, TermsQueries, CopyQueries):
    """The database of one store folder. Safe to use from several threads."""

    def __init__(self, url: str | URL, *, writable: bool = True) -> None:
        """Open it, and create missing tables and columns.

        Raises:
            HostNotReadyError: it cannot be opened or written.
        """
        self.database = Database(url, writable=writable)

    @classmethod
    def in_folder(cls, folder: Path, *, create: bool) -> Store:
        """Open the SQLite store of a folder.

        Raises:
            ConfigurationError: there is none and ``create`` is false.
            HostNotReadyError: it cannot be opened or, if ``create``, written.
        """
        file = folder / DATABASE_FILE
        if not create and not file.is_file():
            raise ConfigurationError(f"There are no evaluations at {folder}; name their folder with --store.")
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise HostNotReadyError(f"{folder} cannot be created: {error.strerror}.") from error
        url, writable = sqlite_url(file)
        if create and not writable:
            raise HostNotReadyError(f"{folder} cannot be written; name another folder with --store.")
        return cls(url, writable=writable)

    def close(self) -> None:
        """Close all connections."""
        self.database.close()
