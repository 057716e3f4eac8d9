"""Steps of training that are due and taken, counted across processes.

A step of a stack counts once for each of its networks. Steps are the unit of progress because every one takes
about the same time: networks that are trained in a group all finish at once.
"""

from __future__ import annotations

import copy
import multiprocessing
import time
from collections.abc import Callable
from typing import Final

from sandbox.protocol.presets import Preset

_REPORT_SECONDS: Final = 1.0


class StepCount:
    """A count that forked processes share."""

    def __init__(
        self,
        total: int,
        report: Callable[[int, int], None] = lambda _done, _total: None,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Start with none taken.

        Args:
            total: Steps that are due.
            report: Receives the steps taken and the steps due; called in this process alone.
            clock: Returns seconds.
        """
        self._total, self._report, self._clock = total, report, clock
        fork = multiprocessing.get_context("fork")
        self._taken, self._skipped = fork.Value("q", 0), fork.Value("q", 0)
        self._reported_at = -_REPORT_SECONDS
        self._reported: tuple[int, int] | None = None

    @property
    def taken(self) -> int:
        """Return the number of steps that were taken."""
        return int(self._taken.value)

    @property
    def due(self) -> int:
        """Return the number of steps that were due from the beginning of this process."""
        return self._total - int(self._skipped.value)

    def advance(self, steps: int) -> None:
        """Count steps that were taken."""
        with self._taken.get_lock():
            self._taken.value += steps

    def skip(self, steps: int) -> None:
        """Count steps that are not due after all: a snapshot has them."""
        with self._skipped.get_lock():
            self._skipped.value += steps

    def silent(self) -> StepCount:
        """Return the same count without reports, for a forked process: the stream is not its own."""
        count = copy.copy(self)
        count._report = lambda _done, _total: None
        return count

    def report(self) -> None:
        """Report the count now, unless it was reported already."""
        self._reported_at = self._clock()
        counts = self.taken, self.due
        if counts != self._reported:
            self._reported = counts
            self._report(*counts)

    def report_if_due(self) -> None:
        """Report the count unless that was done a moment ago."""
        if self._clock() - self._reported_at >= _REPORT_SECONDS:
            self.report()


def steps_per_epoch(examples: int, preset: Preset) -> int:
    """Return the number of batches of an epoch."""
    return -(-examples // preset.batch_size)
