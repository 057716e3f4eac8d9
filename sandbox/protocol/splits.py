"""The splits of a challenge's data: their names, their order, and which of them may share persons."""

from __future__ import annotations

SPLITS = ("retain", "forget", "val", "test")
"""The order in which counts of the splits are listed everywhere."""

TIMED_SPLITS = ("retain", "val")
"""What a trainer needs to time a retraining."""


def may_share(first: str, second: str) -> bool:
    """Return whether two splits may have persons in common, where the organizer allowed shared persons."""
    return {first, second} != {"retain", "forget"}
