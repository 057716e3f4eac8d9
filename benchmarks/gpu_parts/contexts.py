"""Part (c): what a context costs in a forked child, and when its memory is free again after SIGKILL."""

from __future__ import annotations

import os
import resource
import signal
import time
from typing import Any, Final

from benchmarks.gpu_parts.devices import MemoryMeter, ProcessMemoryMeter
from benchmarks.gpu_parts.report import quantiles
from sandbox.gpu_check.children import call_in_child
from sandbox.gpu_check.rules import rules
from sandbox.gpu_check.use import start_using

_RULES: Final = ("nice", "limits", "groups", "uid", "no_new_privs", "session", "filter: all")
_FREE_SECONDS: Final = 30.0
_SLACK_BYTES: Final = 32 << 20


def measure_contexts(
    device: str,
    filters: dict[str, bytes],
    meter: MemoryMeter | ProcessMemoryMeter,
    *,
    times: int,
    seconds: float,
) -> dict[str, Any]:
    """Return time and memory of contexts, and of freeing them.

    Returns:
        ``context_seconds``: from the first call to the first result; ``memory_bytes``: of the device, while
        the context exists; ``host_bytes``: greatest resident size of the child; ``free_seconds``: from
        SIGKILL to the memory being back; ``not_freed``: how often it was not after 30 s.
    """
    every, deadline = rules(filters), time.monotonic() + seconds
    applied = [every[name] for name in _RULES if name in every]
    at_rest = meter.used_bytes()
    spent: list[float] = []
    memory: list[float] = []
    host: list[float] = []
    freed: list[float | None] = []
    errors: list[str] = []

    def use() -> dict[str, Any]:
        for apply in applied:
            apply()
        began = time.monotonic()
        answer = start_using(device)
        context_seconds = time.monotonic() - began
        kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return {**answer, "context": context_seconds, "host": kilobytes << 10}

    for _ in range(times):
        if time.monotonic() > deadline:
            break
        answer = call_in_child(use, 60.0)
        if "error" in answer:
            errors.append(answer["error"])
            continue
        spent.append(answer["context"])
        host.append(answer["host"])
        held = _hold_and_kill(device, meter, at_rest)
        memory.append(held["bytes"])
        freed.append(held["free_seconds"])
    return {
        "times": len(spent),
        "context_seconds": quantiles(spent),
        "memory_bytes": quantiles(memory),
        "host_bytes": quantiles(host),
        "free_seconds": quantiles([value for value in freed if value is not None]),
        "not_freed": sum(value is None for value in freed),
        "errors": sorted(set(errors)),
    }


def _hold_and_kill(device: str, meter: MemoryMeter | ProcessMemoryMeter, at_rest: int) -> dict[str, Any]:
    """Return the memory of a context that a child holds, and how long after SIGKILL it is free."""
    ready, holding = os.pipe()
    process = os.fork()
    if process == 0:
        try:
            start_using(device)
            os.write(holding, b"!")
            time.sleep(600)
        finally:
            os._exit(1)
    os.close(holding)
    os.read(ready, 1)
    os.close(ready)
    held = meter.used_bytes() - at_rest
    os.kill(process, signal.SIGKILL)
    killed_at = time.monotonic()
    os.waitpid(process, 0)
    while meter.used_bytes() > at_rest + _SLACK_BYTES:
        if time.monotonic() - killed_at > _FREE_SECONDS:
            return {"bytes": held, "free_seconds": None}
        time.sleep(0.01)
    return {"bytes": held, "free_seconds": time.monotonic() - killed_at}
