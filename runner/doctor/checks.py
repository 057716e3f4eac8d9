"""The list of all checks, in the order of the table: a pure function from facts to findings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from runner.doctor import capacity, engine, kernel
from runner.doctor.facts import Facts, Purpose
from runner.doctor.findings import Finding

Check = Callable[[Facts, Purpose], Finding | None]
"""Examines one subject; returns None if the host has nothing of the kind."""

CHECKS: Final[tuple[Check, ...]] = (
    engine.check_engine,
    engine.check_runtime,
    engine.check_runc,
    engine.check_crun,
    engine.check_gvisor,
    kernel.check_seccomp,
    kernel.check_mandatory_access,
    kernel.check_user_namespaces,
    kernel.check_cgroups,
    kernel.check_limits,
    kernel.check_swap,
    kernel.check_overcommit,
    kernel.check_core_dumps,
    kernel.check_open_files,
    kernel.check_kernel,
    capacity.check_memory,
    capacity.check_cores,
    capacity.check_load,
    capacity.check_storage,
    capacity.check_disk,
    capacity.check_restart,
    engine.check_gpu,
    capacity.check_image,
    capacity.check_store,
)

_WITHOUT_ENGINE: Final[tuple[Check, ...]] = (engine.check_engine, capacity.check_store)
"""The checks that need no answer from an engine."""


def examine(facts: Facts, purpose: Purpose) -> list[Finding]:
    """Return the findings about a host that is to be used for a purpose."""
    checks = _WITHOUT_ENGINE if facts.engine_problem else CHECKS
    return [finding for check in checks if (finding := check(facts, purpose)) is not None]
