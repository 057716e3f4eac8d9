"""The name of an evaluation: a hash of submission, challenge, image, number of runs and settings."""

from __future__ import annotations

import hashlib
import json
from typing import Final

WhereRun = tuple[str, str, str]
DEFAULT_WHERE: Final[WhereRun] = ("process", "", "cpu")
"""Isolation, runtime and device that are left out of the hash, so that older evaluations keep their names."""


def evaluation_id(
    *, submission: str, challenge: str, image: str, n: int, where: WhereRun = DEFAULT_WHERE
) -> str:
    """Return the evaluation's name from hashes, number of runs, and isolation, runtime and device."""
    parts: dict[str, object] = {"submission": submission, "challenge": challenge, "image": image, "n": n}
    if where != DEFAULT_WHERE:
        parts["where"] = where
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:12]
