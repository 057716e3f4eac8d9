"""What tells one version of the project's code from another, by which processes of a cluster must agree."""

from __future__ import annotations

import functools
import hashlib
from pathlib import Path
from typing import Final

_PACKAGES: Final = ("runner", "sandbox", "scoring")


@functools.cache
def code_version() -> str:
    """Return a digest of the project's code, as it is on the disk when this is first called."""
    root = Path(__file__).resolve().parent.parent.parent
    digest = hashlib.sha256()
    for package in _PACKAGES:
        for file in sorted((root / package).rglob("*.py")):
            digest.update(f"{file.relative_to(root)}\0".encode())
            digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()[:16]
