"""The version of NVIDIA's driver on this host, which an evaluation on a GPU records."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

RECORDED: Final = "gpu_driver"
"""Its name among the versions of a manifest; missing for evaluations on the CPU, and where it is unknown."""

_FILE: Final = Path("/proc/driver/nvidia/version")
_VERSION: Final = re.compile(r"^NVRM version:.*?\s(\d{3,4}(?:\.\d+){1,2})\s", re.MULTILINE)
_MAX_CHARACTERS: Final = 10_000


def installed_driver(file: Path = _FILE) -> str:
    """Return the version of the driver that the kernel has loaded; empty if it is not known."""
    try:
        with file.open(encoding="ascii", errors="replace") as stream:
            return driver_version(stream.read(_MAX_CHARACTERS))
    except OSError:
        return ""


def driver_version(text: str) -> str:
    """Return the version in the text of ``/proc/driver/nvidia/version``; empty if it states none."""
    match = _VERSION.search(text)
    return match[1] if match is not None else ""


def change_of_driver(recorded: str, installed: str) -> str:
    """Return a sentence on a driver that is not the recorded one; empty if nothing is known to differ.

    Sums on a GPU may differ from one version of the driver to the next.
    """
    if not recorded or recorded == installed:
        return ""
    now = f"is {installed}" if installed else "is not known"
    ran = f"The evaluation ran under driver {recorded}, and the driver {now} now"
    return f"{ran}: differences may be the driver's."
