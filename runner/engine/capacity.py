"""Whether the host has the memory that runs may use: all of it, and what is available at the moment."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import psutil

from runner.challenge.limits import Limits
from runner.engine.api import Engine
from runner.engine.container_spec import all_workers_memory_bytes
from runner.engine.info import EngineInfo
from runner.errors import HostNotReadyError, UnmetRequirementError
from runner.units import MIB

_SAME_HOST: Final = 0.95
"""An engine whose memory differs from this machine's by more than this ratio is on another machine."""
_OVERCOMMIT: Final = Path("/proc/sys/vm/overcommit_memory")
_HEURISTIC, _ALWAYS = "0", "1"
"""Settings with which the kernel refuses at most what is larger than all memory of the host and its swap."""


def require_memory(limits: Limits, info: EngineInfo) -> None:
    """Refuse limits with which runs could exhaust the host before they reach their own limit.

    Args:
        limits: Of the challenge.
        info: What the engine reports; where it reports no memory, nothing is refused.

    Raises:
        UnmetRequirementError: the workers may use more than the host has.
    """
    available, required = info.memory_bytes, all_workers_memory_bytes(limits)
    if not available or required <= available:
        return
    raise UnmetRequirementError(
        f"This host has {available // MIB} MiB of memory; the challenge asks for {required // MIB} MiB: "
        f"{limits.memory_bytes // MIB} MiB a run, {limits.concurrency} at once, each with a supervisor. "
        "Use a larger host, or a challenge that was built with a lower --memory-mib or --concurrency."
    )


def has_memory_for_another(engine: Engine, info: EngineInfo, required: int) -> bool:
    """Return whether further containers fit into what is available at the moment on the engine's host.

    What the containers of all evaluations there may still use, up to their limits, is not available. Where
    the engine is on another machine, nothing is known and they fit. While the engine does not answer, they
    do not fit: it may be restarting, which is no reason to end the runs in progress.

    Args:
        engine: Where they would be started.
        info: What it reports.
        required: Bytes that they may use together.
    """
    memory = psutil.virtual_memory()
    if not info.memory_bytes or not is_this_machine(info.memory_bytes, memory.total):
        return True
    try:
        return required <= memory.available - engine.unused_memory_bytes()
    except HostNotReadyError:
        return False


def is_this_machine(engine_bytes: int, machine_bytes: int) -> bool:
    """Return whether an engine reports about as much memory as this machine has."""
    return min(engine_bytes, machine_bytes) >= _SAME_HOST * max(engine_bytes, machine_bytes)


def may_refuse_reservations(setting: Path = _OVERCOMMIT) -> bool:
    """Return whether this host's kernel may refuse memory to a program because others have reserved it.

    Else a request that is refused was for more than the host has, whatever others do: a lack of memory is a
    kill by the kernel. True where the setting cannot be read.
    """
    try:
        return setting.read_text().strip() not in (_HEURISTIC, _ALWAYS)
    except OSError:
        return True
