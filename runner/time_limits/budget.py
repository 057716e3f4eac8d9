"""May another run of this evaluation be started? Decided from what its runs have taken so far.

Pure: what was taken comes from the published runs, never from a clock, so an interruption
neither costs nor gives time. A run that has begun may end: an evaluation can exceed its total by
what the runs going on at that moment take, each within its own limit.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from runner.verdict import Judgement, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeBudget:
    """What the runs of an evaluation may take together, and what they have taken."""

    total_seconds: float | None
    """None: there is no limit but those of the runs."""
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
        """Return how a run ends that was not started any more."""
        return Judgement(
            verdict=Verdict.TIME_LIMIT,
            detail=f"not started: the {self.total_seconds:g} s of the whole evaluation were used up",
        )
