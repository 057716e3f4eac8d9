"""The result of a check: a status, the observation, the advice and the guarantee that is missing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final


class Status(StrEnum):
    """The status of a check."""

    OK = "ok"
    WARNING = "warning"
    """Submissions can be run; something is weaker, slower or less fair than it could be."""
    BROKEN = "broken"
    """Submissions must not, or cannot, be run on this host."""
    NOT_AVAILABLE = "not available"
    """This host does not have it, and not every challenge needs it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """The result of one check."""

    id: str
    title: str
    status: Status
    observation: str
    """The state of the host, in a few words."""
    advice: str = ""
    """Meaning of the observation, and what to do."""
    lost_guarantee: str = ""
    """The guarantee that this host cannot give, as a clause that begins with "that"."""


TITLES: Final = {
    "engine": "Container engine",
    "runtime": "Container runtime",
    "runc": "Runtime runc",
    "crun": "Runtime crun",
    "gvisor": "Second kernel (gVisor)",
    "seccomp": "System call filter",
    "mandatory-access": "AppArmor or SELinux",
    "user-namespaces": "User namespaces",
    "cgroups": "Control groups",
    "limits": "Limits",
    "swap": "Swap limit",
    "overcommit": "Promised memory",
    "core-dumps": "Core dumps",
    "open-files": "Open files",
    "kernel": "Kernel",
    "memory": "Memory",
    "cores": "Cores",
    "load": "Other load",
    "storage": "Storage driver",
    "disk": "Engine disk space",
    "restart": "Engine restart",
    "gpu": "GPU",
    "gpu-device": "GPU: device",
    "gpu-driver": "GPU: driver",
    "gpu-toolkit": "GPU: toolkit",
    "gpu-nodes": "GPU: device nodes",
    "gpu-modes": "GPU: modes",
    "gpu-cdi": "GPU: CDI",
    "gpu-mig": "GPU: partitions",
    "gpu-scrub": "GPU: memory cleared",
    "gpu-watch": "GPU: watched",
    "gpu-rules": "GPU: rules of a run",
    "image": "Image",
    "store": "Store",
}
"""The title of each check, by its id."""


def make_finding(
    check: str, status: Status, observation: str, advice: str = "", *, lost: str = ""
) -> Finding:
    """Return the finding of a check whose title is in `TITLES`; ``lost`` is the lost guarantee."""
    return Finding(
        id=check,
        title=TITLES[check],
        status=status,
        observation=observation,
        advice=advice,
        lost_guarantee=lost,
    )


def broken_findings(findings: Iterable[Finding]) -> list[Finding]:
    """Return the findings that keep submissions from being run."""
    return [finding for finding in findings if finding.status is Status.BROKEN]


def lost_guarantees(findings: Iterable[Finding]) -> list[str]:
    """Return the guarantees that this host cannot give, without duplicates, in the order of the checks."""
    return list(dict.fromkeys(finding.lost_guarantee for finding in findings if finding.lost_guarantee))


def findings_json(findings: Iterable[Finding]) -> dict[str, Any]:
    """Return the findings as plain values for JSON."""
    all_findings = list(findings)
    return {
        "ready": not broken_findings(all_findings),
        "findings": [
            {
                "id": finding.id,
                "title": finding.title,
                "status": finding.status.value,
                "found": finding.observation,
                "advice": finding.advice,
                "lost": finding.lost_guarantee,
            }
            for finding in all_findings
        ],
        "guarantees_not_given": lost_guarantees(all_findings),
    }
