"""The transaction that publishes and changes runs, of one or many evaluations at once.

Each write is fenced by its own token and attempt. On PostgreSQL several processes write at once: two that
write to the same evaluation hold its token, and so lock the same row of its lease; the second one reads
attempts and runs after the first has committed. Rows of leases are locked in one order, so that two processes
which lock several of them cannot wait for each other. A write without a token excludes all others.
"""

from __future__ import annotations

import functools
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

from sqlalchemy import (
    BindParameter,
    Connection,
    Table,
    Update,
    bindparam,
    func,
    insert,
    select,
    update,
)

from runner.errors import TakenOverError
from runner.store.database import Database
from runner.store.fencing import taken_over_error
from runner.store.schema import AttemptRow, LeaseRow, RunRow

_EVALUATION: Final = "of_evaluation"
_INDEX: Final = "of_index"
"""Names of parameters that no column has."""
_NAMES: Final = "names"
_RUNS: Final = cast("Table", RunRow.__table__)
_LEASES: Final = cast("Table", LeaseRow.__table__)
_ATTEMPTS: Final = cast("Table", AttemptRow.__table__)
_LISTED: Final[BindParameter[Any]] = bindparam(_NAMES, expanding=True)
_INSERT: Final = insert(_RUNS)
_TOKENS: Final = (
    select(_LEASES.c.evaluation, _LEASES.c.token, _LEASES.c.holder)
    .where(_LEASES.c.evaluation.in_(_LISTED))
    .order_by(_LEASES.c.evaluation)
    .with_for_update()
)
_NEWEST: Final = (
    select(_ATTEMPTS.c.evaluation, func.max(_ATTEMPTS.c.number))
    .where(_ATTEMPTS.c.evaluation.in_(_LISTED))
    .group_by(_ATTEMPTS.c.evaluation)
)
_PRESENT: Final = select(_RUNS.c.index).where(
    _RUNS.c.evaluation == bindparam(_EVALUATION), _RUNS.c.index == bindparam(_INDEX)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRun:
    """A run that is published, unless it has been before."""

    evaluation: str
    index: int
    attempt: int
    token: int | None
    """Of the lease; None where none is held."""
    values: Mapping[str, Any]
    """Of all columns of its row that have no default."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunChange:
    """New values of some columns of a published run."""

    evaluation: str
    index: int
    token: int | None
    values: Mapping[str, Any]


RunWrite = NewRun | RunChange


def write_runs(database: Database, writes: Sequence[RunWrite]) -> list[bool | BaseException]:
    """Write in one transaction; return for each whether it changed anything, or why it is refused.

    Raises:
        RowConflictError: a run is of no evaluation, or is published already and not the only new one. Nothing
            was written then; one at a time, each gets its own answer.
        HostNotReadyError: the database cannot be used.
    """
    with database.writing_rows(sharing=all(write.token is not None for write in writes)) as connection:
        tokens = _tokens(connection, {write.evaluation for write in writes if write.token is not None})
        new = [write for write in writes if isinstance(write, NewRun)]
        newest = _newest_attempts(connection, {write.evaluation for write in new})
        # Several are hardly ever published before; the key of their rows refuses them then.
        present = {_key(run) for run in new if len(new) == 1 and _is_published(connection, run)}
        outcomes: list[bool | BaseException] = []
        rows: list[dict[str, Any]] = []
        changes: dict[tuple[str, ...], list[dict[str, Any]]] = {}
        for write in writes:
            outcome: bool | BaseException = True
            if write.token is not None and tokens.get(write.evaluation, (None, ""))[0] != write.token:
                outcome = taken_over_error(write.evaluation, by=tokens.get(write.evaluation, (0, ""))[1])
            elif isinstance(write, RunChange):
                values = {**write.values, _EVALUATION: write.evaluation, _INDEX: write.index}
                changes.setdefault(tuple(sorted(write.values)), []).append(values)
            elif 0 < write.attempt < newest.get(write.evaluation, 0):
                outcome = TakenOverError(
                    f"Attempt {write.attempt} of evaluation {write.evaluation} is no longer the newest; "
                    "its late result is discarded."
                )
            elif _key(write) in present:
                outcome = False
            else:
                present.add(_key(write))
                rows.append(dict(write.values))
            outcomes.append(outcome)
        if rows:
            connection.execute(_INSERT, rows)
        for names, parameters in changes.items():
            connection.execute(_update_of(names), parameters)
        return outcomes


@functools.cache
def _update_of(names: tuple[str, ...]) -> Update:
    return (
        update(_RUNS)
        .where(_RUNS.c.evaluation == bindparam(_EVALUATION), _RUNS.c.index == bindparam(_INDEX))
        .values({name: bindparam(name) for name in names})
    )


def _tokens(connection: Connection, names: Collection[str]) -> dict[str, tuple[int, str]]:
    """Return token and holder of each lease; their rows stay locked until the transaction ends."""
    if not names:
        return {}
    return {
        name: (int(token), holder)
        for name, token, holder in connection.execute(_TOKENS, {_NAMES: sorted(names)})
    }


def _newest_attempts(connection: Connection, names: Collection[str]) -> dict[str, int]:
    if not names:
        return {}
    rows = connection.execute(_NEWEST, {_NAMES: sorted(names)})
    return {name: int(number) for name, number in rows}


def _is_published(connection: Connection, run: NewRun) -> bool:
    key = {_EVALUATION: run.evaluation, _INDEX: run.index}
    return connection.execute(_PRESENT, key).first() is not None


def _key(write: NewRun) -> tuple[str, int]:
    return write.evaluation, write.index
