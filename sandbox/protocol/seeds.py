"""Seeds of the original network and of the references, derived from the seed of a challenge."""

from __future__ import annotations

import hashlib


def original_seed(seed: int) -> int:
    """Return the seed from which a challenge's original network is trained."""
    return _derive(f"original {seed}")


def reference_seed(seed: int, index: int) -> int:
    """Return the seed from which a reference is trained: no two challenges share one."""
    return _derive(f"reference {seed} {index}")


def _derive(source: str) -> int:
    return int.from_bytes(hashlib.sha256(source.encode()).digest()[:8], "big") >> 1
