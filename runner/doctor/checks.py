"""Which checks there are, in the order of the table: a pure function from facts to findings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from runner.doctor import capacity as doctor_capacity
from runner.doctor import engine as doctor_engine
from runner.doctor import kernel as doctor_kernel
from runner.doctor.facts import Facts, Purpose
from runner.doctor.findings import Finding

Check = Callable[[Facts, Purpose], Finding | None]
"""Looks at one thing; None where the host has nothing of the kind."""

CHECKS: Final[tuple[Check, ...]] = (
    doctor_engine.engine,
    doctor_engine.runtime,
    doctor_engine.runc,
    doctor_engine.crun,
    doctor_engine.gvisor,
    doctor_kernel.seccomp,
    doctor_kernel.mandatory_access,
    doctor_kernel.user_namespaces,
    doctor_kernel.cgroups,
    doctor_kernel.limits,
    doctor_kernel.swap,
    doctor_kernel.core_dumps,
    doctor_kernel.open_files,
    doctor_kernel.kernel,
    doctor_capacity.memory,
    doctor_capacity.cores,
    doctor_capacity.load,
    doctor_capacity.storage,
    doctor_capacity.disk,
    doctor_capacity.restart,
    doctor_engine.gpu,
    doctor_capacity.image,
    doctor_capacity.store,
)

_WITHOUT_ENGINE: Final[tuple[Check, ...]] = (doctor_engine.engine, doctor_capacity.store)
"""All that can be said while no engine answers."""


def examine(facts: Facts, purpose: Purpose) -> list[Finding]:
    """Return what there is to say about a host, for a purpose."""
    checks = _WITHOUT_ENGINE if facts.engine_problem else CHECKS
    return [found for check in checks if (found := check(facts, purpose)) is not None]
