"""Decide whether another run of an evaluation may be started, from the time that its runs have used.

Pure: the time comes from the published runs, never from a clock, so an interruption neither
costs nor gives time. A run that has started may finish: an evaluation can exceed its total by
what the runs in progress at that moment take, each within its own limit.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from runner.verdict import Judgement, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeBudget:
    """The time that all runs of an evaluation may use together, and the time that they have used."""

    total_seconds: float | None
    """None: only the limits of the single runs apply."""
    spent_seconds: float = 0.0

    @classmethod
    def of(cls, total_seconds: float | None, host_seconds: Iterable[float]) -> Self:
        """Return the budget after runs that took ``host_seconds``."""
        return cls(total_seconds=total_seconds, spent_seconds=math.fsum(host_seconds))

    def after(self, host_seconds: float) -> TimeBudget:
        """Return the budget after one more run."""
        return TimeBudget(total_seconds=self.total_seconds, spent_seconds=self.spent_seconds + host_seconds)

    @property
    def used_up(self) -> bool:
        """Return whether no further run may be started."""
        return self.total_seconds is not None and self.spent_seconds >= self.total_seconds

    def verdict_on_the_rest(self) -> Judgement:
        """Return the judgement on each run that is not started because the budget is used up."""
        return Judgement(
            verdict=Verdict.TIME_LIMIT,
            detail=f"not started: the {self.total_seconds:g} s of the whole evaluation were used up",
        )
