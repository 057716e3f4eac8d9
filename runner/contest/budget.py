"""How many evaluations a command may still begin, on all of its devices together."""

from __future__ import annotations

import threading


class Budget:
    """How many evaluations may still begin. Safe to use from several threads."""

    def __init__(self, evaluations: int | None = None) -> None:
        """Begin with so many; None for any number."""
        self._left = evaluations
        self._closed = False
        self._lock = threading.Lock()

    @property
    def is_used_up(self) -> bool:
        """Return whether none may begin any more."""
        return self._closed or self._left == 0

    def take(self) -> bool:
        """Take one; return False if there is none."""
        with self._lock:
            if self.is_used_up:
                return False
            if self._left is not None:
                self._left -= 1
            return True

    def give_back(self) -> None:
        """Give one back that was not needed."""
        with self._lock:
            if self._left is not None:
                self._left += 1

    def close(self) -> None:
        """Let none begin any more."""
        self._closed = True
