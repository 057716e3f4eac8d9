"""The store of evaluations, over the database that `runner.store.open_store` opens.

A run is published once: its first verdict stands. Two numbers fence off a process that was suspended while
another one continued: writes with an attempt number that is not the newest are refused, and so are writes
with the token of a lost lease. Times are UTC.
"""

from __future__ import annotations

from functools import partial

from sqlalchemy import URL

from runner.store.attempts import AttemptQueries
from runner.store.competition.audit import AuditQueries
from runner.store.competition.entries import CompetitionEntryQueries
from runner.store.competition.finals import FinalQueries
from runner.store.competition.pages import EntryPageQueries
from runner.store.competition.queue import QueueQueries
from runner.store.competition.rates import RateQueries
from runner.store.competition.rejudging import RejudgingQueries
from runner.store.competition.team_changes import TeamChangeQueries
from runner.store.competition.teams import TeamQueries
from runner.store.competition.tokens import TokenQueries
from runner.store.competition.uploads import UploadQueries
from runner.store.competition.uses import UseQueries
from runner.store.copies import CopyQueries
from runner.store.database import Database
from runner.store.entries.queries import EntryQueries
from runner.store.evaluations import EvaluationQueries
from runner.store.leaderboard.queries import LeaderboardQueries
from runner.store.runs import RunQueries
from runner.store.terms import TermsQueries
from runner.store.writes.copied import CopiedRunQueries
from runner.store.writes.grouped import GroupedWrites
from runner.store.writes.runs import write_runs


class Store(
    EvaluationQueries,
    AttemptQueries,
    RunQueries,
    CopiedRunQueries,
    TermsQueries,
    CopyQueries,
    EntryQueries,
    LeaderboardQueries,
    TeamQueries,
    TeamChangeQueries,
    CompetitionEntryQueries,
    QueueQueries,
    AuditQueries,
    RejudgingQueries,
    FinalQueries,
    TokenQueries,
    RateQueries,
    UploadQueries,
    UseQueries,
    EntryPageQueries,
):
    """The database of one store folder. Safe to use from several threads."""

    def __init__(self, url: str | URL, *, writable: bool = True) -> None:
        """Open it, and create or upgrade its tables.

        Raises:
            HostNotReadyError: it cannot be opened or written.
        """
        self.database = Database(url, writable=writable)
        self.run_writes = GroupedWrites(partial(write_runs, self.database))
        self.writable = writable
        """Whether what is recorded stays."""

    def close(self) -> None:
        """Close all connections."""
        self.database.close()
