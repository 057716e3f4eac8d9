"""How often something happened, with limits."""

from __future__ import annotations

from dataclasses import dataclass

from scipy.stats import beta


@dataclass(frozen=True, slots=True)
class Rate:
    """A number of events among a number of trials."""

    events: int
    trials: int

    def limits(self, confidence: float = 0.95) -> tuple[float, float]:
        """Return the limits of Clopper and Pearson (1934), which hold at least as often as stated."""
        tail, others = (1 - confidence) / 2, self.trials - self.events
        low = 0.0 if self.events == 0 else float(beta.ppf(tail, self.events, others + 1))
        high = 1.0 if others == 0 else float(beta.ppf(1 - tail, self.events + 1, others))
        return low, high

    def __str__(self) -> str:
        """Return the rate with its limits, as the table shows it."""
        low, high = self.limits()
        return f"{self.events} of {self.trials} ({low:.1%} to {high:.1%})"
