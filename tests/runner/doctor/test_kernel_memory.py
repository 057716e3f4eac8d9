"""Uncounted memory of the kernel: what counters say, and which finding follows."""

from __future__ import annotations

import pytest

from runner.doctor.attacks import kernel_memory_findings
from runner.doctor.findings import Status
from runner.doctor.gallery import KINDS as QUICK_KINDS
from runner.doctor.kernel_memory import Measurement, counted_in_statistics, host_kernel_bytes
from runner.doctor.table import verdict_sentence
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
    """A second or two in all; that each exists is seen where they are measured."""
    assert 0 < len(QUICK_KINDS) <= 6
