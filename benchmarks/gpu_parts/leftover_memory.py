"""Part (g): whether a run finds in the device's memory what an earlier run has written there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import torch

from sandbox.gpu_check.children import call_in_child

_PATTERN: Final = 0x5EC2E7A5
_BLOCK: Final = 1 << 26
"""Numbers of a block: 256 MiB."""
_SMALL_BLOCK: Final = 1 << 20


def search_leftovers(
    device: str,
    *,
    seconds: float,
    most_blocks: int = 4096,
    on_way: Callable[[dict[str, Any]], None] = lambda _values: None,
) -> dict[str, Any]:
    """Return how much one child filled with a pattern, and how often the next one found it.

    The second allocates without initializing. Expected are 0 hits: the driver clears memory that is freed.
    ``found_in_own``: hits in a block that holds the pattern, which shows that the search can find it.
    """
    size = _SMALL_BLOCK if device == "cpu" else _BLOCK
    most = 4 if device == "cpu" else most_blocks

    def fill() -> dict[str, Any]:
        blocks, found = [], 0
        for _ in range(most):
            try:
                blocks.append(torch.full((size,), _PATTERN, dtype=torch.int32, device=device))
                found = found or _hits(blocks[0])  # while there is memory for it
            except torch.OutOfMemoryError:
                break
        return {"blocks": len(blocks), "found_in_own": found}

    def search() -> dict[str, Any]:
        blocks, hits, nonzero = [], 0, 0
        for _ in range(most):
            try:
                blocks.append(torch.empty(size, dtype=torch.int32, device=device))
                hits += _hits(blocks[-1])
                nonzero += int((blocks[-1] != 0).sum().item())
            except torch.OutOfMemoryError:
                break
        return {"blocks": len(blocks), "hits": hits, "nonzero": nonzero}

    values = {"block_bytes": size * 4, "filled": call_in_child(fill, seconds / 2)}
    on_way(values)
    return {**values, "searched": call_in_child(search, seconds / 2)}


def _hits(block: torch.Tensor) -> int:
    return int((block == _PATTERN).sum().item())
