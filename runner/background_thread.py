"""A thread of whose end one can be sure, although Ctrl-C interrupts the wait for it.

Up to Python 3.12, a `KeyboardInterrupt` in `threading.Thread.join` marks a running thread as ended (a flaw of
the repair of bpo-45274): `is_alive` is false from then on, and another `join` returns at once.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

_PORTION_SECONDS: Final = 0.2
"""Of waiting: a signal that the kernel gives to another thread is handled by the main one after it."""


class BackgroundThread:
    """A daemon thread. Waiting for its end can be interrupted, and resumed."""

    def __init__(self, work: Callable[[], object], *, name: str) -> None:
        """Prepare; ``work`` handles its own errors."""
        self._work = work
        self._ended = threading.Event()
        self._is_started = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Start, once.

        Raises:
            RuntimeError: the system refuses another thread.
        """
        self._is_started = True  # before it does: Ctrl-C may come while it starts
        try:
            self._thread.start()
        except RuntimeError:
            self._is_started = False
            raise

    def is_working(self) -> bool:
        """Return whether it was started and has not ended."""
        return self._is_started and not self._ended.is_set()

    def wait(self) -> None:
        """Wait until it has ended; return at once if it was not started."""
        while self.is_working():
            self._ended.wait(_PORTION_SECONDS)

    def _run(self) -> None:
        try:
            self._work()
        finally:
            self._ended.set()
