"""TODO sandbox.protocol.splits."""

from __future__ import annotations

SPLITS = ("retain", "forget", "val", "test")
"""In this order everywhere that counts stand side by side."""

TIMED_SPLITS = ("retain", "val")
"""What a trainer needs to time a retraining."""


def may_share(one: str, other: str) -> bool:
    """Return whether two splits may have persons in common, where the organizer said that persons may."""
    return {one, other} != {"retain", "forget"}
