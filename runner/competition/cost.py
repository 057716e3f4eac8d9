"""What a day of a phase costs if every team uses its whole quota."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from runner.competition.phase import Phase

_HOUR: Final = 3600.0
_DAY_HOURS: Final = 24.0


@dataclass(frozen=True, slots=True, kw_only=True)
class DayCost:
    """The evaluations of one day, and the hours that they take."""

    evaluations: int
    """Entries of all teams."""
    device_hours: float
    """Of all devices together."""
    hours: float
    """Until the devices are done with that day's entries, if they share them evenly."""

    @property
    def keeps_up(self) -> bool:
        """Return whether a day's entries are judged within a day; otherwise the queue grows."""
        return self.hours <= _DAY_HOURS


def day_cost(phase: Phase, *, teams: int, seconds_per_run: float, devices: int = 1) -> DayCost | None:
    """Return what a day of full quotas costs; None if the phase has no daily quota.

    A phase's failed entries are not counted: most of them fail at their first run.

    Args:
        phase: With its number of runs.
        teams: Number of teams.
        seconds_per_run: Of an evaluation, divided by its runs, as measured on such a device.
        devices: On which evaluations are executed side by side.
    """
    if phase.quota.per_day is None:
        return None
    evaluations = teams * phase.quota.per_day
    device_hours = evaluations * phase.runs * seconds_per_run / _HOUR
    shares = math.ceil(evaluations / devices) if evaluations else 0
    hours = shares * phase.runs * seconds_per_run / _HOUR
    return DayCost(evaluations=evaluations, device_hours=device_hours, hours=hours)
