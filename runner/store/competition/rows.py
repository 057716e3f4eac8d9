"""Rows of entries: moved from state to state, and made into records."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from runner.competition.states import EntryState, require_step
from runner.errors import ConfigurationError
from runner.store.competition.records import CompetitionEntry
from runner.store.competition.schema import CompetitionEntryRow
from runner.store.database import as_utc


def step_row(row: CompetitionEntryRow, steps: Sequence[EntryState], now: datetime) -> None:
    """Move a row through states, in the transaction that has it.

    Raises:
        ConfigurationError: one of the states may not follow the one before.
    """
    for following in steps:
        try:
            require_step(EntryState(row.state), following)
        except ValueError as error:
            raise ConfigurationError(str(error)) from error
        row.state, row.state_since = str(following), now


def entry_of(row: CompetitionEntryRow) -> CompetitionEntry:
    """Return the entry in a row."""
    values = {column.key: getattr(row, column.key) for column in row.__table__.columns}
    values["received"], values["state_since"] = as_utc(row.received), as_utc(row.state_since)
    values["state"] = EntryState(row.state)
    return CompetitionEntry(**values)
