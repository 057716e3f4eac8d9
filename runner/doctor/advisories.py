"""Published container escapes: the versions of runc, crun, gVisor and the GPU toolkit that fix them.

As known in November 2026; later advisories are missing. A version below the fix is either vulnerable or
unknown: distributions backport fixes and keep the old version number, so the number of their packages
does not show whether the fix is included.

Sources: the advisories of runc for CVE-2025-31133, CVE-2025-52565 and CVE-2025-52881 (fixed in
1.2.8, 1.3.3 and 1.4.0-rc.3); NVIDIA's bulletin of July 2025 for CVE-2025-23266 (fixed in 1.17.8);
crun's advisory for CVE-2025-24965 (fixed in 1.20) and its issue 1906, where its maintainers could
not reproduce the three of runc.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final

Version = tuple[int, int, int, int]
"""Major, minor, patch and release candidate; the last is `_FINAL` for a final release."""

_FINAL: Final = 1_000_000
_NUMBER: Final = re.compile(r"(\d+)\.(\d+)(?:\.(\d+))?(?:[-~.]?rc\.?(\d+))?")
_DISTRIBUTION: Final = re.compile(r"\+ds|dfsg|deb\d|ubuntu|\.el\d|\.fc\d|\.amzn|\.azl|\.cm\d|suse|~")
"""Marks of packages of Debian, Ubuntu, Red Hat, Fedora, Amazon, Azure and SUSE."""
_DATE: Final = re.compile(r"(20\d{6})")

RUNC_FIXED: Final[tuple[Version, ...]] = ((1, 2, 8, _FINAL), (1, 3, 3, _FINAL), (1, 4, 0, 3))
RUNC_CVES: Final = "CVE-2025-31133, CVE-2025-52565, CVE-2025-52881"
TOOLKIT_FIXED: Final[tuple[Version, ...]] = ((1, 17, 8, _FINAL),)
TOOLKIT_CVES: Final = "CVE-2025-23266"
KNOWN_UNTIL: Final = "November 2026"
GPU_TOOLKIT_LEAST: Final[tuple[Version, ...]] = ((1, 20, 1, _FINAL),)
"""Can leave out sockets of daemons. Which version fixes CVE-2026-24260 (July 2026) is not known here."""
DRIVER_BULLETIN: Final = "5821, of May 2026"
DRIVER_CVES: Final = "CVE-2026-24190, CVE-2026-24196, CVE-2026-24199"
CRUN_FIXED: Final[tuple[Version, ...]] = ((1, 20, 0, 0),)
CRUN_CVES: Final = "CVE-2025-24965"
GVISOR_RECENT: Final = 2025_01_01
"""gVisor publishes fixes in new releases only, and its version is the date of the release."""


class PatchStatus(StrEnum):
    """Whether a version includes the fixes for known vulnerabilities."""

    FIXED = "fixed"
    VULNERABLE = "vulnerable"
    UNKNOWN = "unknown"


def parse_version(text: str) -> Version | None:
    """Return the first version number in a text, or None if it has none."""
    match = _NUMBER.search(text)
    if match is None:
        return None
    major, minor, patch, candidate = match.groups()
    return int(major), int(minor), int(patch or 0), int(candidate) if candidate else _FINAL


def patch_status(text: str, fixed: tuple[Version, ...]) -> PatchStatus:
    """Return whether a version includes a fix.

    Args:
        text: The version as the program or the engine reports it.
        fixed: The first fixed version of each release line (major and minor) that got the fix, ascending.
    """
    version = parse_version(text)
    if version is None:
        return PatchStatus.UNKNOWN
    lines = {first[:2]: first for first in fixed}
    first_fixed = lines.get(version[:2])
    if (first_fixed is not None and version >= first_fixed) or version[:2] > max(lines):
        return PatchStatus.FIXED
    return PatchStatus.UNKNOWN if _DISTRIBUTION.search(text) else PatchStatus.VULNERABLE


def release_date(text: str) -> int | None:
    """Return the date in a version of gVisor as a number such as 20231218."""
    match = _DATE.search(text)
    return int(match.group(1)) if match else None
