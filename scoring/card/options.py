"""Options of a score card."""

from __future__ import annotations

from dataclasses import dataclass

from scoring.statistics.interval import CONFIDENCE


@dataclass(frozen=True, slots=True, kw_only=True)
class CardOptions:
    """Options of a score card.

    Raises:
        ValueError: the seed or the confidence is out of range, or the time is not positive and finite.
    """

    seed: int | None = None
    """Seed of all random halves, folds and permutations, from 0 to 2^32 - 1. None derives it from the
    outputs: a run knows its own position among the runs, so with halves that are known in advance a
    submission could behave differently in the two halves."""

    confidence: float = CONFIDENCE
    """Confidence of all intervals and certified bounds, in (0, 1)."""

    retraining_seconds: float | None = None
    """Time of one retraining on the machine of the runs. None uses the references' own times, if they
    are known."""

    retraining_processor_seconds: float | None = None
    """Processor time of one retraining there. None: run times are compared by the clock alone."""

    empty_run_processor_seconds: float = 0.0
    """Processor time there of a run that does nothing."""

    retraining_fraction: float | None = None
    """The fraction of retraining that a run may take. None: the contest's, by the clock."""

    def __post_init__(self) -> None:
        """Check all options."""
        if self.seed is not None and not 0 <= self.seed < 1 << 32:
            raise ValueError(f"The seed must be zero or more and below 2^32, not {self.seed}.")
        if not 0 < self.confidence < 1:
            raise ValueError(f"The confidence must lie in (0, 1), but it is {self.confidence}.")
        if self.retraining_seconds is not None and not 0 < self.retraining_seconds < float("inf"):
            raise ValueError(
                f"The retraining time must be above zero and finite, not {self.retraining_seconds} s."
            )
        if self.retraining_fraction is not None and not 0 < self.retraining_fraction < float("inf"):
            raise ValueError(
                f"The fraction of retraining must be above zero and finite, not {self.retraining_fraction}."
            )
