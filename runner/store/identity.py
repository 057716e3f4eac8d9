"""The name of an evaluation: a hash of what it evaluates, on what, in what, and how often."""

from __future__ import annotations

import hashlib
import json
from typing import Final

WhereRun = tuple[str, str, str]
DEFAULT_WHERE: Final[WhereRun] = ("process", "", "cpu")
"""Isolation, runtime and device that are no part of an evaluation's name: older ones keep theirs."""


def evaluation_id(
    *, submission: str, challenge: str, image: str, n: int, where: WhereRun = DEFAULT_WHERE
) -> str:
    """Return the evaluation's name from hashes, number of runs, and isolation, runtime and device."""
    parts: dict[str, object] = {"submission": submission, "challenge": challenge, "image": image, "n": n}
    if where != DEFAULT_WHERE:
        parts["where"] = where
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:12]
