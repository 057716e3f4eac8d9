"""How is an evaluation to be done, with what, and what is it called?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from runner.engine.placement import CPU, DEFAULT_PLACEMENT, Isolation, Placement
from runner.store.identity import WhereRun

MAX_RUNS: Final = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How an evaluation is to be done."""

    n: int
    keep_going: bool
    """Do all runs even after one has earned no ``ok``."""
    keep_checkpoints: bool
    isolation: Isolation = "process"
    placement: Placement = DEFAULT_PLACEMENT
    device: str = CPU
    """As it was asked for; ``placement`` says how the engine is to give it."""

    @property
    def where(self) -> WhereRun:
        """Return isolation, runtime and device."""
        return (self.isolation, self.placement.runtime, self.device)

    def facts(self) -> dict[str, Any]:
        """Return them as plain values, for records."""
        isolation, runtime, device = self.where
        return {
            "n": self.n,
            "keep_going": self.keep_going,
            "keep_checkpoints": self.keep_checkpoints,
            "isolation": isolation,
            "runtime": runtime,
            "device": device,
        }
