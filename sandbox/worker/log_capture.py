"""What a run prints, kept within a budget: its head, its tail, and a count of the rest."""

from __future__ import annotations

from collections import deque


class LogCapture:
    """Passes the first half of a budget on at once and keeps the last half for the end."""

    def __init__(self, budget_bytes: int) -> None:
        """Start with nothing captured."""
        self._head_left = budget_bytes // 2
        self._tail_limit = budget_bytes - budget_bytes // 2
        self._tail: deque[bytes] = deque()
        self._tail_bytes = 0
        self.dropped = 0

    def add(self, data: bytes) -> bytes:
        """Take what was printed and return what is to be passed on now."""
        head, rest = data[: self._head_left], data[self._head_left :]
        self._head_left -= len(head)
        if rest:
            self._tail.append(rest)
            self._tail_bytes += len(rest)
            self._shrink()
        return head

    def _shrink(self) -> None:
        while (excess := self._tail_bytes - self._tail_limit) > 0:
            first = self._tail.popleft()
            cut = min(excess, len(first))
            if cut < len(first):
                self._tail.appendleft(first[cut:])
            self._tail_bytes -= cut
            self.dropped += cut

    def finish(self) -> bytes:
        """Return the tail; what lay between head and tail is counted in ``dropped``."""
        return b"".join(self._tail)
