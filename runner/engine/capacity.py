"""Has the engine's host the memory that a challenge asks for? Its limits are its maker's choice.

Pure: from limits and what the engine says of its host to nothing, or a sentence that says why not.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from runner.challenge.limits import Limits
from runner.engine.container_spec import worker_memory_bytes
from runner.errors import HostNotReadyError
from runner.units import MIB


def require_memory(limits: Limits, engine_info: Mapping[str, Any]) -> None:
    """Refuse a challenge whose runs could exhaust the host before they reach their own limit.

    Args:
        limits: Of the challenge.
        engine_info: What the engine says of itself and its host (``GET /info``); where it does not tell
            its memory, nothing is refused.

    Raises:
        HostNotReadyError: a worker may use more than there is.
    """
    there, wanted = int(engine_info.get("MemTotal") or 0), worker_memory_bytes(limits)
    if not there or wanted <= there:
        return
    raise HostNotReadyError(
        f"This host has {there // MIB} MiB of memory; the challenge asks for {wanted // MIB} MiB: "
        f"{limits.memory_bytes // MIB} MiB a run, {limits.concurrency} at once, and the supervisor's share. "
        "Use a larger host, or a challenge that was built with a lower --memory-mib or --concurrency."
    )
