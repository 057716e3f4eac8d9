"""Which versions of what containers rest on have escapes that are known by name.

As known in November 2026; what was found later is not in here. Below a fixed version there
are two answers: distributions mend old versions and keep their number, so of theirs it
cannot be told.

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
"""Major, minor, patch and release candidate, which is `_FINAL` for none."""

_FINAL: Final = 1_000_000
_NUMBER: Final = re.compile(r"(\d+)\.(\d+)(?:\.(\d+))?(?:[-~.]?rc\.?(\d+))?")
_DISTRIBUTION: Final = re.compile(r"\+ds|dfsg|deb\d|ubuntu|\.el\d|\.fc\d|\.amzn|\.azl|\.cm\d|suse|~")
_DATE: Final = re.compile(r"(20\d{6})")

RUNC_FIXED: Final[tuple[Version, ...]] = ((1, 2, 8, _FINAL), (1, 3, 3, _FINAL), (1, 4, 0, 3))
RUNC_HOLES: Final = "CVE-2025-31133, CVE-2025-52565, CVE-2025-52881"
TOOLKIT_FIXED: Final[tuple[Version, ...]] = ((1, 17, 8, _FINAL),)
TOOLKIT_HOLES: Final = "CVE-2025-23266"
CRUN_FIXED: Final[tuple[Version, ...]] = ((1, 20, 0, 0),)
CRUN_HOLES: Final = "CVE-2025-24965"
GVISOR_RECENT: Final = 2025_01_01
"""Fixes of gVisor come in new releases only, and these carry their date."""


class PatchStatus(StrEnum):
    """What a version's text says about holes that are known."""

    FIXED = "fixed"
    OLD = "old"
    CANNOT_BE_TOLD = "cannot be told"


def parse_version(text: str) -> Version | None:
    """Return the first version number in a text, or None if there is none."""
    match = _NUMBER.search(text)
    if match is None:
        return None
    major, minor, patch, candidate = match.groups()
    return int(major), int(minor), int(patch or 0), int(candidate) if candidate else _FINAL


def patch_status(text: str, fixed: tuple[Version, ...]) -> PatchStatus:
    """Tell whether a version is fixed.

    Args:
        text: The version as its program or the engine says it.
        fixed: The first fixed version of each line (major and minor) that was mended, ascending.
    """
    version = parse_version(text)
    if version is None:
        return PatchStatus.CANNOT_BE_TOLD
    lines = {one[:2]: one for one in fixed}
    first = lines.get(version[:2])
    if (first is not None and version >= first) or version[:2] > max(lines):
        return PatchStatus.FIXED
    return PatchStatus.CANNOT_BE_TOLD if _DISTRIBUTION.search(text) else PatchStatus.OLD


def release_date(text: str) -> int | None:
    """Return the date in a version of gVisor as a number such as 20231218."""
    match = _DATE.search(text)
    return int(match.group(1)) if match else None
