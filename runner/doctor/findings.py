"""What a check found: a status, what was seen, what to do, and what cannot be promised here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class Status(StrEnum):
    """How a check went."""

    OK = "ok"
    WARNING = "warning"
    """Work can go on; something is weaker, slower or less fair than it could be."""
    BROKEN = "broken"
    """Submissions must not, or cannot, be run like this."""
    NOT_AVAILABLE = "not available"
    """This host does not have it, and not every challenge needs it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """The outcome of one check."""

    id: str
    title: str
    status: Status
    found: str
    advice: str = ""
    """What it means, and what to do about it."""
    lost: str = ""
    """The guarantee that this host cannot give, as a clause that begins with "that"."""


def broken_findings(findings: Iterable[Finding]) -> list[Finding]:
    """Return what keeps submissions from being run."""
    return [one for one in findings if one.status is Status.BROKEN]


def lost_guarantees(findings: Iterable[Finding]) -> list[str]:
    """Return the guarantees that this host cannot give, each once, in the order of the checks."""
    return list(dict.fromkeys(one.lost for one in findings if one.lost))


def findings_json(findings: Iterable[Finding]) -> dict[str, Any]:
    """Return the same as plain values."""
    found = list(findings)
    return {
        "ready": not broken_findings(found),
        "findings": [{**asdict(one), "status": one.status.value} for one in found],
        "guarantees_not_given": lost_guarantees(found),
    }
