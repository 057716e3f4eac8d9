"""On which GPUs this project was measured; as long as there is none, `unlearn doctor` says so."""

from __future__ import annotations

from typing import Final

PROVEN_ON: Final[tuple[str, ...]] = ()
"""The names of devices, as torch reports them, whose measurements are in the tree.

A test compares them with the files ``benchmarks/data/gpu-*.json``: neither exists without the other."""
NOT_PROVEN: Final = (
    "Not yet proven on a GPU: what is expected, and a measurement of nine minutes, docs/gpu.md."
)


def add_proof(advice: str, proven_on: tuple[str, ...] = PROVEN_ON) -> str:
    """Return advice about a host's GPUs with a sentence on where this project was measured."""
    sentence = f"Measured on: {', '.join(proven_on)} (docs/gpu.md)." if proven_on else NOT_PROVEN
    return f"{advice} {sentence}".strip()
