"""The store of evaluations, over the database that `runner.store.open_store` opens.

A run is published once: its first verdict stands, whoever publishes later. Two numbers fence off a process
that was suspended while another continued: an attempt that is not the newest publishes nothing, and
neither does a process that has lost the lease of an evaluation, known by its token. Times are UTC.
"""

from __future__ import annotations

from sqlalchemy import URL

from runner.store.attempts import AttemptQueries
from runner.store.copies import CopyQueries
from runner.store.database import Database
from runner.store.evaluations import EvaluationQueries
from runner.store.runs import RunQueries
from runner.store.terms import TermsQueries


class Store(EvaluationQueries, AttemptQueries, RunQueries, TermsQueries, CopyQueries):
    """The database of one store folder. Safe to use from several threads."""

    def __init__(self, url: str | URL, *, writable: bool = True) -> None:
        """Open it, and create missing tables and columns.

        Raises:
            HostNotReadyError: it cannot be opened or written.
        """
        self.database = Database(url, writable=writable)

    def close(self) -> None:
        """Close all connections."""
        self.database.close()
