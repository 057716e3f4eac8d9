"""How well do the references know each split, and which of them fell behind? Pure.

A reference that did not learn is as much a part of the comparison as any other: checkpoints are told
from it with ease, or hide behind it. So an organizer is shown the spread before anybody is judged.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from runner.challenge.challenge import Challenge
from sandbox.protocol.splits import SPLITS

_BEHIND: Final = 0.5
"""Of the median accuracy on retain; a reference below it did not learn what the others did."""
_NAMED: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceAccuracy:
    """Accuracies of a challenge's references."""

    accuracy: Mapping[str, tuple[float, float, float]]
    """By split: the least, the median and the greatest."""
    behind: Sequence[int]
    """Indices of those whose accuracy on retain is below half of the median."""

    def facts(self) -> dict[str, Any]:
        """Return it as plain values, for JSON."""
        names = ("min", "median", "max")
        return {
            "reference_accuracy": {
                split: dict(zip(names, found, strict=True)) for split, found in self.accuracy.items()
            },
            "references_behind": list(self.behind),
        }

    def warning(self) -> str | None:
        """Return a sentence that names the references that fell behind, or None."""
        if not self.behind:
            return None
        named = ", ".join(map(str, self.behind[:_NAMED]))
        more = f" and {len(self.behind) - _NAMED} more" if len(self.behind) > _NAMED else ""
        return (
            f"{len(self.behind)} references fell behind: {named}{more} know less than half as much of retain "
            "as the median; train longer, or with a lower learning rate"
        )


def reference_accuracy(challenge: Challenge) -> ReferenceAccuracy:
    """Return how the accuracies of a challenge's references are spread; of none, where they are held back."""
    if challenge.references is None:
        return ReferenceAccuracy(accuracy={}, behind=())
    counts = challenge.description.class_counts
    sizes = np.array([sum(counts[split]) for split in SPLITS])
    accuracy = challenge.references.correct.sum(axis=2) / sizes
    retain = accuracy[:, SPLITS.index("retain")]
    return ReferenceAccuracy(
        accuracy={
            split: (float(found.min()), float(np.median(found)), float(found.max()))
            for split, found in zip(SPLITS, accuracy.T, strict=True)
        },
        behind=np.flatnonzero(retain < _BEHIND * np.median(retain)).tolist(),
    )
