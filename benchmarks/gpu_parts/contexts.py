"""Part (c): what a context costs in a forked child, and when its memory is free again after SIGKILL."""

from __future__ import annotations

import json
import os
import resource
import select
import signal
import time
from collections.abc import Callable
from typing import Any, Final

from benchmarks.gpu_parts.devices import MemoryMeter, NoMemoryMeter
from benchmarks.gpu_parts.report import quantiles
from sandbox.gpu_check.rules import Rule, rules
from sandbox.gpu_check.use import start_using

_RULES: Final = ("nice", "limits", "groups", "uid", "no_new_privs", "session", "filter: all")
_ROOTS: Final = ("groups", "uid")
_CONTEXT_SECONDS: Final = 60.0
_FREE_SECONDS: Final = 30.0
_SLACK_BYTES: Final = 32 << 20
_ANSWER_BYTES: Final = 1 << 16
_PAUSE_SECONDS: Final = 0.01


def measure_contexts(
    device: str,
    filters: dict[str, bytes],
    meter: MemoryMeter | NoMemoryMeter,
    *,
    times: int,
    seconds: float,
    on_way: Callable[[dict[str, Any]], None] = lambda _values: None,
) -> dict[str, Any]:
    """Return time and memory of contexts, and of freeing them.

    Returns:
        ``context_seconds``: from the first call to the first result; ``memory_bytes``: of the device, while
        the context exists; ``host_bytes``: greatest resident size of the child; ``free_seconds``: from
        SIGKILL to the memory being back; ``not_freed``: how often it was not after 30 s; ``rules``: that the
        child applied before; ``memory_skipped``: why the device's memory was not read, or nothing.
    """
    every, deadline = rules(filters), time.monotonic() + seconds
    names = [name for name in _RULES if name in every and (os.getuid() == 0 or name not in _ROOTS)]
    at_rest = meter.used_bytes()
    answers: list[dict[str, Any]] = []
    errors: list[str] = []

    def values() -> dict[str, Any]:
        freed = [answer["free_seconds"] for answer in answers]
        is_metered = isinstance(meter, MemoryMeter)
        return {
            "times": len(answers),
            "rules": names,
            "context_seconds": quantiles([answer["context"] for answer in answers]),
            "host_bytes": quantiles([answer["host"] for answer in answers]),
            "memory_skipped": meter.reason if isinstance(meter, NoMemoryMeter) else "",
            "memory_bytes": quantiles([answer["held"] for answer in answers]) if is_metered else {},
            "free_seconds": quantiles([value for value in freed if value is not None]),
            "not_freed": sum(value is None for value in freed),
            "errors": sorted(set(errors)),
        }

    for _ in range(times):
        if time.monotonic() > deadline:
            break
        answer = _hold_and_kill(device, [every[name] for name in names], meter, at_rest)
        if "error" in answer:
            errors.append(answer["error"])
        else:
            answers.append(answer)
        on_way(values())
    return values()


def _hold_and_kill(
    device: str, applied: list[Rule], meter: MemoryMeter | NoMemoryMeter, at_rest: int
) -> dict[str, Any]:
    """Return time and memory of a context that a child makes, and how long after SIGKILL it is free."""
    read, write = os.pipe()
    process = os.fork()
    if process == 0:
        _make_and_hold(device, applied, write)
    os.close(write)
    has_answered = bool(select.select([read], [], [], _CONTEXT_SECONDS)[0])
    data = os.read(read, _ANSWER_BYTES) if has_answered else b""
    os.close(read)
    held = meter.used_bytes() - at_rest
    os.kill(process, signal.SIGKILL)
    killed_at, is_gone = time.monotonic(), False
    freed = None
    while freed is None and time.monotonic() - killed_at < _FREE_SECONDS:
        is_gone = is_gone or os.waitpid(process, os.WNOHANG)[0] != 0
        if is_gone and meter.used_bytes() <= at_rest + _SLACK_BYTES:
            freed = time.monotonic() - killed_at
        else:
            time.sleep(_PAUSE_SECONDS)
    if not data:
        return {"error": "no answer" if has_answered else f"no answer within {_CONTEXT_SECONDS:.0f} s"}
    answer: dict[str, Any] = json.loads(data)
    return {**answer, "held": held, "free_seconds": freed}


def _make_and_hold(device: str, applied: list[Rule], write: int) -> None:
    """Apply the rules, make a context, tell its time, and hold it until this process is killed."""
    try:
        try:
            for apply in applied:
                apply()
            began = time.monotonic()
            answer = start_using(device)
            kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            answer |= {"context": time.monotonic() - began, "host": kilobytes << 10}
        except BaseException as error:  # noqa: BLE001 - whatever breaks it is the result
            answer = {"error": f"{type(error).__name__}: {error}"[:500]}
        os.write(write, json.dumps(answer).encode())
        time.sleep(2 * _CONTEXT_SECONDS)
    finally:
        os._exit(1)
