"""Captures a run's output within a budget: its head, its tail, and the count of bytes dropped between."""

from __future__ import annotations

from collections import deque


class LogCapture:
    """Passes on the head of the output at once and holds the tail until the end, half the budget each."""

    def __init__(self, budget_bytes: int) -> None:
        """Start with nothing captured."""
        self._head_left = budget_bytes // 2
        self._tail_limit = budget_bytes - budget_bytes // 2
        self._tail: deque[bytes] = deque()
        self._tail_bytes = 0
        self.dropped = 0

    def add(self, data: bytes) -> bytes:
        """Add output and return the part of it that belongs to the head."""
        head, rest = data[: self._head_left], data[self._head_left :]
        self._head_left -= len(head)
        if rest:
            self._tail.append(rest)
            self._tail_bytes += len(rest)
            self._shorten_tail()
        return head

    def _shorten_tail(self) -> None:
        while (excess := self._tail_bytes - self._tail_limit) > 0:
            first = self._tail.popleft()
            cut = min(excess, len(first))
            if cut < len(first):
                self._tail.appendleft(first[cut:])
            self._tail_bytes -= cut
            self.dropped += cut

    def finish(self) -> bytes:
        """Return the tail; ``dropped`` counts the bytes between head and tail."""
        return b"".join(self._tail)
