"""Write the runs of many evaluations in one transaction: who comes while another one writes, waits together.

A coordinator of many devices publishes runs from as many threads. Each transaction costs about as much for one
run as for sixty, so the threads that have come while one was written are served by the next one together. A
call returns after the commit of its own transaction, as if it were alone; it is fenced by its own token, and
what is refused or breaks a key affects no other call of the group.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from runner.store.database import RowConflictError

_Write = TypeVar("_Write")
_Result = TypeVar("_Result")

MAX_GROUP = 64
"""Writes in one transaction: a longer one would keep other processes waiting."""


class _Call(Generic[_Write, _Result]):
    def __init__(self, write: _Write) -> None:
        self.write = write
        self.results: list[_Result] = []
        self.error: BaseException | None = None
        self.is_done = False


class GroupedWrites(Generic[_Write, _Result]):
    """Groups the writes of several threads. Each call waits for its own write."""

    def __init__(self, execute: Callable[[Sequence[_Write]], Sequence[_Result | BaseException]]) -> None:
        """Write with ``execute``.

        Args:
            execute: Executes writes in one transaction, and returns the result or the refusal of each. If it
                raises, nothing was written.
        """
        self._execute = execute
        self._waiting: list[_Call[_Write, _Result]] = []
        self._waiting_lock, self._turn = threading.Lock(), threading.Lock()

    def __call__(self, write: _Write) -> _Result:
        """Write, and return its result once it is committed.

        Raises:
            RunnerError: it was refused, or the database cannot be used.
        """
        call = _Call[_Write, _Result](write)
        with self._waiting_lock:
            self._waiting.append(call)
        with self._turn:
            while not call.is_done:
                with self._waiting_lock:
                    group, self._waiting = self._waiting[:MAX_GROUP], self._waiting[MAX_GROUP:]
                self._serve(group)
        if call.error is not None:
            raise call.error
        return call.results[0]

    def _serve(self, group: Sequence[_Call[_Write, _Result]]) -> None:
        try:
            outcomes = self._execute([call.write for call in group])
        except RowConflictError as error:
            if len(group) == 1:
                group[0].error, group[0].is_done = error, True
                return
            for call in group:  # one of them breaks a key: the others do not
                self._serve([call])
            return
        except BaseException as error:
            for call in group:
                call.error, call.is_done = error, True
            if not isinstance(error, Exception):
                raise
            return
        for call, outcome in zip(group, outcomes, strict=True):
            if isinstance(outcome, BaseException):
                call.error = outcome
            else:
                call.results.append(outcome)
            call.is_done = True
