"""Uncounted memory of the kernel: what counters say, and which finding follows."""

from __future__ import annotations

import time
from typing import cast

import pytest

from runner.doctor.attacks import kernel_memory_findings
from runner.doctor.findings import Status
from runner.doctor.gallery import KINDS as QUICK_KINDS
from runner.doctor.kernel_memory import (
    SETTLE_SECONDS,
    Measurement,
    counted_in_statistics,
    host_kernel_bytes,
    measure_kind,
)
from runner.doctor.table import verdict_sentence
from runner.engine.api import Container
from runner.errors import HostNotReadyError, RunnerError, SandboxLostError, SandboxStartError

MEMINFO = """MemTotal:       24684092 kB
SReclaimable:     400000 kB
SUnreclaim:          100 kB
KernelStack:          50 kB
PageTables:           30 kB
VmallocUsed:           7 kB
Percpu:                3 kB
HugePages_Total:       0
"""
VERSION_2 = """anon 5000
kernel 99999
kernel_stack 100
pagetables 20
percpu 3
vmalloc 4000
slab_reclaimable 70000
slab_unreclaimable 50000
"""


def test_the_hosts_kernel_memory_is_what_cannot_be_freed() -> None:
    """Stacks are part of what is mapped, so they are not added again."""
    assert host_kernel_bytes(MEMINFO) == (100 + 30 + 7 + 3) * 1024


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (VERSION_2, 100 + 20 + 3 + 4000 + 50_000),
        (VERSION_2.replace("vmalloc 4000\n", ""), 100 + 20 + 3 + 50_000),
        ("anon 5000\n", None),
        ("", None),
    ],
)
def test_a_groups_kernel_memory_is_the_same_kinds(text: str, expected: int | None) -> None:
    """Older kernels do not have all numbers; without the largest ones there is none."""
    assert counted_in_statistics(text) == expected


def measured(objects: int, uncounted_bytes: int) -> Measurement:
    return Measurement(kind="lock", objects=objects, uncounted_bytes=uncounted_bytes)


@pytest.mark.parametrize(
    ("measurement", "status"),
    [
        (measured(0, 900_000_000), Status.OK),
        (measured(1000, 3_000_000), Status.OK),
        (measured(48_000, 48_000 * 200), Status.WARNING),
        (measured(48_000, 48_000 * 40), Status.OK),
        (measured(100, 100 * 50_000), Status.WARNING),
        (measured(48_000, -5_000_000), Status.OK),
    ],
)
def test_a_finding_tells_growth_from_noise(measurement: Measurement, status: Status) -> None:
    """Refused calls, a few megabytes and trifles are fine; many bytes for each object are not."""
    (finding,) = kernel_memory_findings(lambda: [measured(10, 0), measurement])
    assert finding.status is status
    assert bool(finding.lost_guarantee) == (status is Status.WARNING)


def test_a_host_that_does_not_show_it_has_no_finding() -> None:
    """Another machine's engine, or gVisor."""
    assert kernel_memory_findings(lambda: None) == []


@pytest.mark.parametrize("error", [SandboxStartError("no container"), HostNotReadyError("no container")])
def test_a_container_that_does_not_start_is_broken(error: RunnerError) -> None:
    """With the reason, and no traceback."""

    def fail() -> None:
        raise error

    (finding,) = kernel_memory_findings(fail)
    assert (finding.status, finding.advice) == (Status.BROKEN, "no container")


@pytest.mark.parametrize("reason", ["The program ended early.", "It did not answer within 120 s."])
def test_a_container_that_is_lost_or_slow_is_a_warning(reason: str) -> None:
    """Nothing is known then: a busy host is not broken, and doctor does not end with exit code 3."""

    def fail() -> None:
        raise SandboxLostError(reason)

    (finding,) = kernel_memory_findings(fail)
    assert (finding.status, finding.observation) == (Status.WARNING, "not measured")
    assert finding.advice == f"{reason} Repeat it while the host is quiet."
    assert "memory" in finding.lost_guarantee
    assert verdict_sentence([finding]) == "ready, with 1 warning"


def test_the_kinds_that_doctor_measures_are_a_few() -> None:
    """Two seconds in all, so few objects; that each kind exists is seen where they are measured."""
    assert 0 < len(QUICK_KINDS) <= 6
    assert all(0 < number <= 8000 for number in QUICK_KINDS.values())


class AnsweringContainer:
    """Makes objects of each kind but those that are refused, and keeps what it was sent."""

    identity = "none"

    def __init__(self, refused: set[str]) -> None:
        self.refused, self.lines = refused, list[str]()
        self._answers = list[bytes]()

    def send(self, data: bytes | memoryview) -> None:
        line = bytes(data).decode().strip()
        self.lines.append(line)
        kind, _space, number = line.rpartition(" ")
        self._answers.append(b"%d\n" % (int(number) if line and kind not in self.refused else 0))

    def receive(self, timeout_seconds: float) -> bytes | None:
        assert timeout_seconds > 0
        return self._answers.pop(0)

    def remove(self) -> None:
        pass


def test_kinds_that_are_refused_cost_no_time() -> None:
    """One object is tried; the kernel's counters, which settle slowly, are read for the others only."""
    fake = AnsweringContainer({"lock", "named mapping"})
    container = cast("Container", fake)
    begun = time.monotonic()
    for kind in ("lock", "named mapping"):
        assert measure_kind(container, kind, 4000, 1) == Measurement(kind=kind, objects=0, uncounted_bytes=0)
    assert time.monotonic() - begun < SETTLE_SECONDS
    assert fake.lines == ["lock 1", "", "named mapping 1", ""]
    assert measure_kind(container, "timer", 50, 1).objects == 50
    assert fake.lines[4:] == ["timer 1", "", "timer 50", ""]
