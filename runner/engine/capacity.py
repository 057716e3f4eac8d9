"""Refuse a challenge that asks for more memory than the host has. Its limits are its author's choice."""

from __future__ import annotations

from runner.challenge.limits import Limits
from runner.engine.container_spec import all_workers_memory_bytes
from runner.engine.info import EngineInfo
from runner.errors import HostNotReadyError
from runner.units import MIB


def require_memory(limits: Limits, info: EngineInfo) -> None:
    """Refuse limits with which runs could exhaust the host before they reach their own limit.

    Args:
        limits: Of the challenge.
        info: What the engine reports; where it reports no memory, nothing is refused.

    Raises:
        HostNotReadyError: the workers may use more than the host has.
    """
    available, required = info.memory_bytes, all_workers_memory_bytes(limits)
    if not available or required <= available:
        return
    raise HostNotReadyError(
        f"This host has {available // MIB} MiB of memory; the challenge asks for {required // MIB} MiB: "
        f"{limits.memory_bytes // MIB} MiB a run, {limits.concurrency} at once, each with a supervisor. "
        "Use a larger host, or a challenge that was built with a lower --memory-mib or --concurrency."
    )
