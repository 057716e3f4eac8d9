"""One budget of time for all parts: each has a share, and what one leaves over is there for the next."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


@dataclass(slots=True)
class TimeBudget:
    """Decides when a part must stop."""

    seconds: float
    """Of all parts together."""
    weights: Mapping[str, float]
    """How the time is divided among the parts that are run, in their order."""
    clock: Callable[[], float] = time.monotonic
    _end: float = field(init=False)

    def __post_init__(self) -> None:
        """Start now."""
        self._end = self.clock() + self.seconds

    @property
    def left(self) -> float:
        """Return the seconds until the end."""
        return max(0.0, self._end - self.clock())

    def seconds_for(self, part: str) -> float:
        """Return how long a part may take from now on: its share of what is left for it and later ones."""
        names = list(self.weights)
        later = names[names.index(part) :]
        return self.left * self.weights[part] / sum(self.weights[name] for name in later)

    def limit_for(self, part: str) -> float:
        """Return after how long a part is ended that does not stop in time: by then others lose half."""
        share = self.seconds_for(part)
        return share + (self.left - share) / 2
