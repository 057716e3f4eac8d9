"""The lease of an evaluation: one process at a time may work on it.

A lock file separates the processes of one machine: the kernel releases it as soon as its process dies. A
database can be shared by several machines, so there is also a lease in the database, which its holder
renews. Clocks differ and jump, so no process loses a lease because of time alone:

* a holder renews its lease whatever the time is, and holds it until another process takes it;
* a process that reads an expired lease watches it for a while, and takes it only if it is not renewed;
* a process that acquires the lock file recorded in the lease knows that its holder is dead.

Each holder's token is one more than the last one's, and the store refuses writes with an old token: a
process that was suspended in between overwrites nothing.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout
from sqlalchemy import update

from runner.errors import BusyError, HostNotReadyError
from runner.store.database import Database, RowConflictError
from runner.store.fencing import taken_over_error
from runner.store.schema import LeaseRow

LEASE_SECONDS: Final = 120.0
BEAT_SECONDS: Final = 15.0
_BOOT: Final = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True, slots=True, kw_only=True)
class _LeaseState:
    """A lease as it was read from the database."""

    token: int
    holder: str
    place: str
    beats: int
    expires: float


class Lease:
    """The right to work on one evaluation. Use as a context manager."""

    def __init__(
        self,
        database: Database,
        evaluation: str,
        *,
        holder: str,
        place: str,
        lease_seconds: float = LEASE_SECONDS,
        beat_seconds: float = BEAT_SECONDS,
        clock: Callable[[], float] | None = None,
        wait: Callable[[float], object] = time.sleep,
    ) -> None:
        """Prepare; ``place`` identifies the lock file that this process has locked.

        The clock is the one that all users of the database share, if none is given.
        """
        self._database, self._evaluation = database, evaluation
        self._holder, self._place = holder, place
        self._lease_seconds, self._beat_seconds = lease_seconds, beat_seconds
        self._clock, self._wait = clock or database.clock, wait
        self._stopped, self._lost = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._renew_while_held, name="lease", daemon=True)
        self.token = 0
        """Passed with every write to the evaluation."""

    def __enter__(self) -> Lease:
        """Take the lease and start to renew it.

        Raises:
            BusyError: another process holds it.
        """
        self._take()
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        """Release it, if this process still holds it."""
        self._stopped.set()
        self._thread.join()
        with contextlib.suppress(HostNotReadyError):  # it expires by itself
            self._write(holder="", place="", expires=0.0)

    def raise_if_lost(self) -> None:
        """Raise early, as the next write would be refused.

        Raises:
            TakenOverError: another process has taken the lease.
        """
        if self._lost.is_set():
            raise taken_over_error(self._evaluation)

    def _take(self) -> None:
        state = self._look()
        if state is not None and state.holder and (state.place != self._place or not self._place):
            if self._clock() < state.expires:
                raise BusyError(busy_message(self._evaluation, state.holder, state.expires))
            self._wait(2 * self._beat_seconds)  # a clock may be wrong; a live holder renews in this time
        try:
            taken = self._take_from(state)
        except RowConflictError:
            taken = False
        if not taken:
            current = self._look()
            raise BusyError(
                busy_message(self._evaluation, current.holder, current.expires)
                if current is not None
                else busy_message(self._evaluation)
            )

    def _take_from(self, state: _LeaseState | None) -> bool:
        """Take the lease, unless it changed since ``state`` was read; return whether it was taken."""
        expires = self._clock() + self._lease_seconds
        with self._database.writing() as session:
            row = session.get(LeaseRow, self._evaluation, with_for_update=True)
            if (row is None) != (state is None):
                return False
            if row is not None and state is not None:
                if (row.token, row.beats) != (state.token, state.beats):
                    return False
                session.delete(row)
                session.flush()
            self.token = state.token + 1 if state is not None else 1
            session.add(
                LeaseRow(
                    evaluation=self._evaluation,
                    token=self.token,
                    holder=self._holder,
                    place=self._place,
                    beats=0,
                    expires=expires,
                )
            )
        return True

    def _look(self) -> _LeaseState | None:
        return _look(self._database, self._evaluation)

    def _renew_while_held(self) -> None:
        while not self._stopped.wait(self._beat_seconds):
            if not self.renew():
                return

    def renew(self) -> bool:
        """Renew the lease; return False once it is lost."""
        try:
            renewed = self._write(beats=LeaseRow.beats + 1, expires=self._clock() + self._lease_seconds)
        except HostNotReadyError:
            return True  # the database is busy or unreachable; that alone does not lose the lease
        if not renewed:
            self._lost.set()
        return renewed

    def _write(self, **values: object) -> bool:
        with self._database.writing() as session:
            written = session.execute(
                update(LeaseRow)
                .where(LeaseRow.evaluation == self._evaluation, LeaseRow.token == self.token)
                .values(**values)
                .execution_options(synchronize_session=False)
            )
            return bool(written.rowcount)  # type: ignore[attr-defined]  # an UPDATE has it


@contextmanager
def evaluation_lease(database: Database, folder: Path, evaluation: str) -> Iterator[Lease]:
    """Exclude every other process from an evaluation of the store at ``folder``.

    Raises:
        BusyError: another process works on it.
        HostNotReadyError: the folder cannot be written.
    """
    file = folder / "locks" / evaluation
    lock = FileLock(file, timeout=0)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout:
        state = _look(database, evaluation)
        if state is None or not state.holder:
            raise BusyError(busy_message(evaluation)) from None
        raise BusyError(busy_message(evaluation, state.holder, state.expires)) from None
    except OSError as error:
        raise HostNotReadyError(f"{file.parent} cannot be used: {error.strerror}.") from error
    try:
        holder = f"{socket.gethostname()}, process {os.getpid()}"
        with Lease(database, evaluation, holder=holder, place=_place(file)) as lease:
            yield lease
    finally:
        lock.release()


def busy_message(evaluation: str, holder: str = "another process", expires: float | None = None) -> str:
    """Return the sentence that names the holder of an evaluation, and when its lease expires."""
    until = ""
    if expires is not None:
        moment = datetime.fromtimestamp(expires, UTC)
        until = f" (its lease runs until {moment:%Y-%m-%d %H:%M:%S} UTC unless renewed)"
    return f"Evaluation {evaluation} is in use by {holder}{until}; wait for it."


def _look(database: Database, evaluation: str) -> _LeaseState | None:
    with database.reading() as session:
        row = session.get(LeaseRow, evaluation)
        if row is None:
            return None
        datetime.fromtimestamp(row.expires, UTC)  # a damaged value is refused here
        return _LeaseState(
            token=int(row.token),
            holder=str(row.holder),
            place=str(row.place),
            beats=int(row.beats),
            expires=float(row.expires),
        )


def _place(file: Path) -> str:
    """Return what identifies a locked file: its inode, on this boot of this machine; empty if unknown."""
    try:
        boot = _BOOT.read_text().strip()
        status = file.stat()
    except OSError:
        return ""
    return f"{boot} {status.st_dev}:{status.st_ino}"
