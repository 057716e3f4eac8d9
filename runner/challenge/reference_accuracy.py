"""The accuracy of the references on each split, and which references fell behind. Pure.

A reference that did not learn takes part in the comparison like any other: checkpoints are easily
distinguished from it, or hide behind it. So an organizer sees the range before any submission is judged.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from runner.challenge.challenge import Challenge
from runner.wording import first_of, noun_for, quantity
from sandbox.protocol.splits import SPLITS

_BEHIND: Final = 0.5
"""Fraction of the median accuracy on retain; a reference below it did not learn what the others learned."""
_MAX_NAMED: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceAccuracy:
    """Accuracies of a challenge's references."""

    accuracy: Mapping[str, tuple[float, float, float]]
    """By split: minimum, median and maximum."""
    behind: Sequence[int]
    """Indices of the references whose accuracy on retain is below half of the median."""

    def facts(self) -> dict[str, Any]:
        """Return the accuracies as plain values, for JSON."""
        names = ("min", "median", "max")
        return {
            "reference_accuracy": {
                split: dict(zip(names, values, strict=True)) for split, values in self.accuracy.items()
            },
            "references_behind": list(self.behind),
        }

    def warning(self) -> str | None:
        """Return a sentence that names the references that fell behind, or None."""
        if not self.behind:
            return None
        return (
            f"{quantity(len(self.behind), 'reference')} fell behind: {first_of(self.behind, _MAX_NAMED)} "
            f"{noun_for(len(self.behind), 'has', 'have')} less than half of the median "
            "accuracy on retain; train longer, or with a lower learning rate"
        )


def reference_accuracy(challenge: Challenge) -> ReferenceAccuracy:
    """Return the accuracies of a challenge's references; empty where the references are held back."""
    if challenge.references is None:
        return ReferenceAccuracy(accuracy={}, behind=())
    counts = challenge.description.class_counts
    sizes = np.array([sum(counts[split]) for split in SPLITS])
    accuracy = challenge.references.correct.sum(axis=2) / sizes
    retain = accuracy[:, SPLITS.index("retain")]
    return ReferenceAccuracy(
        accuracy={
            split: (float(values.min()), float(np.median(values)), float(values.max()))
            for split, values in zip(SPLITS, accuracy.T, strict=True)
        },
        behind=np.flatnonzero(retain < _BEHIND * np.median(retain)).tolist(),
    )
