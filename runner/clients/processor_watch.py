"""How much processor time a run takes: what its container uses from before its fork to the end of its clean-up.

The control group counts every process in the container, whoever started it and whoever waits for it, so a
run cannot leave any of its work out. The worker's own work for the run, such as the fork and the transfer of the
checkpoint, is counted too.
"""

from __future__ import annotations

from collections.abc import Callable


class ProcessorWatch:
    """Looks at a container's processor time when a run begins and when it is over."""

    def __init__(self, cpu_seconds: Callable[[], float | None]) -> None:
        """Prepare; ``cpu_seconds`` returns what the container has used, or None if that is not known."""
        self._cpu_seconds = cpu_seconds
        self._before: float | None = None

    def start(self) -> None:
        """Record that a run begins."""
        self._before = self._cpu_seconds()

    def seconds(self) -> float | None:
        """Return what has been used since the run began; None where that is not known.

        A counter that went back is that of another container, so it is not known either.
        """
        before, used = self._before, self._cpu_seconds()
        return None if before is None or used is None or used < before else used - before
