"""Write the runs of many evaluations in one transaction: whoever comes while others write is next.

Threads of one process that publish at once share a transaction; with ``--devices`` each device is a process
of its own, whose groups are mostly one. A transaction costs about as much for one run as for many, so what
has come while one was written goes into the next one together. A call returns after the commit of its own
write, as if it were alone; it is fenced by its own token, and what is refused or breaks a key affects no
other call of the group.

There is no thread of its own: the first caller writes for those who come meanwhile, and then hands over.
After a group of several, who writes next waits a moment for others, as PostgreSQL does with ``commit_delay``:
those whose writes have just been committed are about to come again. A thread alone does not wait.
"""

from __future__ import annotations

import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final, Generic, TypeVar

from runner.errors import HostNotReadyError
from runner.store.database import RowConflictError

_Write = TypeVar("_Write")
_Result = TypeVar("_Result")

MAX_GROUP: Final = 64
"""Writes in one transaction: a longer one would keep other processes waiting."""
_DELAY_SECONDS: Final = 0.001
_MAX_DELAYS: Final = 5


class _Call(Generic[_Write, _Result]):
    def __init__(self, write: _Write) -> None:
        self.write = write
        self.results: list[_Result] = []
        self.error: BaseException | None = None
        self.is_done = False
        self.leads = False
        """Whether its thread is to write for those who wait."""
        self.news: queue.SimpleQueue[None] = queue.SimpleQueue()
        """Gets an element when the call is done, or is to lead; costs less than an event."""

    def end(self, outcome: _Result | BaseException) -> None:
        if isinstance(outcome, BaseException):
            self.error = outcome
        else:
            self.results.append(outcome)
        self.is_done = True
        self.news.put(None)


class GroupedWrites(Generic[_Write, _Result]):
    """Groups the writes of several threads. Each call waits for its own write."""

    def __init__(self, execute: Callable[[Sequence[_Write]], Sequence[_Result | BaseException]]) -> None:
        """Write with ``execute``.

        Args:
            execute: Executes writes in one transaction, and returns the result or the refusal of each. If it
                raises, nothing was written.
        """
        self._execute = execute
        self._waiting: deque[_Call[_Write, _Result]] = deque()
        self._is_led = False
        self._last_size = 0
        """Of the last group."""
        self._lock = threading.Lock()

    def __call__(self, write: _Write) -> _Result:
        """Write, and return its result once it is committed.

        Raises:
            RunnerError: it was refused, or the database cannot be used.
        """
        call = _Call[_Write, _Result](write)
        with self._lock:
            self._waiting.append(call)
            call.leads, self._is_led = not self._is_led, True
        try:
            if not call.leads:
                call.news.get()
            while call.leads and not call.is_done:
                self._await_others()
                self._serve(self._next_group())
        finally:
            self._hand_over(call)
        if call.error is not None:
            raise call.error
        return call.results[0]

    def _await_others(self) -> None:
        """Wait while more calls come, a few milliseconds at most; not at all where none did the last time."""
        before = 0 if self._last_size > 1 else MAX_GROUP
        for _number in range(_MAX_DELAYS):
            waiting = len(self._waiting)
            if not before < waiting < MAX_GROUP:
                return
            before = waiting
            time.sleep(_DELAY_SECONDS)

    def _next_group(self) -> list[_Call[_Write, _Result]]:
        with self._lock:
            self._last_size = min(MAX_GROUP, len(self._waiting))
            return [self._waiting.popleft() for _number in range(self._last_size)]

    def _hand_over(self, call: _Call[_Write, _Result]) -> None:
        """Let the next caller write, where this one was to; an interrupted one no longer waits."""
        with self._lock:
            if not call.is_done and call in self._waiting:
                self._waiting.remove(call)
            if not call.leads:
                return
            if self._waiting:
                self._waiting[0].leads = True
                self._waiting[0].news.put(None)
            else:
                self._is_led = False

    def _serve(self, group: Sequence[_Call[_Write, _Result]]) -> None:
        try:
            outcomes = self._execute([call.write for call in group])
        except RowConflictError as error:
            if len(group) == 1:
                group[0].end(error)
                return
            self._serve_one_by_one(group)
        except Exception as error:  # noqa: BLE001 - each call raises it
            for call in group:
                call.end(error)
        except BaseException:
            for call in group:
                if not call.is_done:
                    call.end(_interrupted())
            raise
        else:
            for call, outcome in zip(group, outcomes, strict=True):
                call.end(outcome)

    def _serve_one_by_one(self, group: Sequence[_Call[_Write, _Result]]) -> None:
        """Write each by itself: one of them breaks a key, and the others do not."""
        try:
            for call in group:
                self._serve([call])
        finally:
            for call in group:
                if not call.is_done:
                    call.end(_interrupted())


def _interrupted() -> HostNotReadyError:
    return HostNotReadyError("The command was interrupted while it wrote to the store.")
