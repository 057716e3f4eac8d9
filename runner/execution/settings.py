"""Settings of an evaluation, as requested by a command, and the share of a machine that it gets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from runner.challenge.limits import Limits
from runner.engine.placement import CPU, DEFAULT_PLACEMENT, Isolation, Placement
from runner.store.paths import WhereRun

MAX_RUNS: Final = 20_000
_EPSILON: Final = 1e-9
"""Of a sum of shares of cores."""


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
    cores: float | None = None
    """Its share of the machine's cores; None for as many as the challenge states."""
    executed_on: str = ""
    """The device of several on which it is executed, such as ``cpu 1/4``; empty for ``device`` itself."""

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


def slot_limits(limits: Limits, cores: float | None) -> Limits:
    """Return limits with as many runs at once as fit into a share of the cores; each keeps its own cores.

    Args:
        limits: Of the challenge.
        cores: The share; None for as many as the challenge states.
    """
    if cores is None:
        return limits
    run_cores = limits.cpus / limits.concurrency
    concurrency = max(1, min(limits.concurrency, int(cores / run_cores + _EPSILON)))
    return limits.with_changes(concurrency=concurrency, cpus=run_cores * concurrency)
