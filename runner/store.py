"""What is kept of evaluations: SQLite through SQLAlchemy, so that a URL can name another database.

A run is published once: its first verdict stands, whoever comes later. Two numbers fence off
a process that slept while another went on: an attempt that is not the newest publishes nothing, and
neither does who has lost the lease of an evaluation, known by its token. Times are UTC.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from sqlalchemy import URL

from runner.database import Database, sqlite_url
from runner.errors import ConfigurationError, HostNotReadyError
from runner.store_attempts import Attempts
from runner.store_copies import Copies
from runner.store_evaluations import Evaluations
from runner.store_runs import Runs
from runner.store_terms import Terms

DATABASE: Final = "store.sqlite"


class Store(Evaluations, Attempts, Runs, Terms, Copies):
    """The database of one store folder. Safe to use from several threads."""

    def __init__(self, url: str | URL, *, writable: bool = True) -> None:
        """Open it, making what is missing.

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
        file = folder / DATABASE
        if not create and not file.is_file():
            raise ConfigurationError(f"There are no evaluations at {folder}; name their folder with --store.")
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise HostNotReadyError(f"{folder} cannot be made: {error.strerror}.") from error
        url, writable = sqlite_url(file)
        if create and not writable:
            raise HostNotReadyError(f"{folder} cannot be written; name another folder with --store.")
        return cls(url, writable=writable)

    def close(self) -> None:
        """Let go of all connections."""
        self.database.close()
