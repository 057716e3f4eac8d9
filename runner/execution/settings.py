"""Settings of an evaluation, as requested by a command."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from runner.engine.placement import CPU, DEFAULT_PLACEMENT, Isolation, Placement
from runner.store.paths import WhereRun

MAX_RUNS: Final = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Requested settings of an evaluation."""

    n: int
    """How many runs."""
    keep_going: bool
    """Execute all runs even after one has failed."""
    keep_checkpoints: bool
    isolation: Isolation = "process"
    placement: Placement = DEFAULT_PLACEMENT
    device: str = CPU
    """As it was requested; ``placement`` is how the engine provides it."""

    @property
    def where(self) -> WhereRun:
        """Return isolation, runtime and device."""
        return (self.isolation, self.placement.runtime, self.device)

    def for_record(self) -> dict[str, Any]:
        """Return them as plain values, for the manifest."""
        isolation, runtime, device = self.where
        return {
            "n": self.n,
            "keep_going": self.keep_going,
            "keep_checkpoints": self.keep_checkpoints,
            "isolation": isolation,
            "runtime": runtime,
            "device": device,
        }
