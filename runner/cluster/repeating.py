"""Threads that repeat what has to be done again and again, whatever it fails with."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable


class Repetition:
    """Actions that are repeated until this is stopped, each in a thread of its own."""

    def __init__(self, pause_seconds: float) -> None:
        """Pause so long before each time."""
        self._pause = pause_seconds
        self._stopped = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self, action: Callable[[], object]) -> None:
        """Repeat an action from now on."""
        thread = threading.Thread(target=self._repeat, args=(action,), name="cluster", daemon=True)
        self._threads.append(thread)
        thread.start()

    def stop(self) -> None:
        """Repeat nothing any more, and wait for what is in progress."""
        self._stopped.set()
        for thread in self._threads:
            thread.join()

    def _repeat(self, action: Callable[[], object]) -> None:
        while not self._stopped.wait(self._pause):
            with contextlib.suppress(Exception):  # the next time is due, whatever happened to this one
                action()
