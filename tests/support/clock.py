"""A clock for tests: time passes only where the test lets it, however busy the machine is."""

from __future__ import annotations


class Clock:
    """A monotonic clock in seconds that stands still between the calls of `wait`."""

    def __init__(self, now: float = 1000.0) -> None:
        """Start at ``now``, which may be set directly too."""
        self.now = now

    def __call__(self) -> float:
        """Return the time, in seconds."""
        return self.now

    def wait(self, seconds: float) -> None:
        """Let this time pass."""
        self.now += seconds
