"""TODO sandbox.protocol.seeds."""

from __future__ import annotations

import hashlib


def original_seed(seed: int) -> int:
    """Return the seed that a challenge's original network is trained from."""
    return _drawn(f"original {seed}")


def reference_seed(seed: int, index: int) -> int:
    """Return the seed that a reference is trained from: no two challenges share one."""
    return _drawn(f"reference {seed} {index}")


def _drawn(source: str) -> int:
    return int.from_bytes(hashlib.sha256(source.encode()).digest()[:8], "big") >> 1
