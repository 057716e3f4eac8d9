"""Sentences on a checkpoint that is accepted; apart, so that whoever shows them needs no numpy."""

from __future__ import annotations

from typing import Final

ANSWERS_UNLIKE: Final = (
    "the network that was returned answers unlike its checkpoint, which is what is evaluated: it has state "
    "outside of its state dict"
)
"""How the host's sentence begins on a network that has more state than its checkpoint."""
