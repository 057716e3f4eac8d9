"""What verdicts, levels and kinds of notices mean: the words of the docs, in a sentence each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from runner.verdict import Verdict

VERDICTS: Final[Mapping[str, str]] = {
    Verdict.OK: "ended in time with an acceptable checkpoint",
    Verdict.TIME_LIMIT: "took longer than a run may",
    Verdict.MEMORY_LIMIT: "used more memory than a run may",
    Verdict.GPU_MEMORY_LIMIT: "used more memory of the GPU than there is",
    Verdict.OUTPUT_LIMIT: "printed or wrote more than a run may",
    Verdict.CRASHED: "raised an exception, or its process ended",
    Verdict.NO_FUNCTION: "has no function `unlearning` that can be called",
    Verdict.BAD_CHECKPOINT: "returned a network that cannot be accepted",
    Verdict.PROTOCOL: "sent something else than a result",
}

LEVELS: Final[Mapping[str, tuple[str, str]]] = {
    "problem": ("Problems", "Mistakes of the submission that its author should fix."),
    "suspicion": ("Suspicions", "Rare for an honest submission: an organizer should look at it."),
    "note": ("Notes", "Usual for honest submissions too; they help to read the score."),
}
"""Heading and explanation of each level, in the order in which they are shown."""

KINDS: Final[Mapping[str, str]] = {
    "joint-attack": (
        "A classifier that sees all forget examples at once tells checkpoints and references apart. The "
        "score looks at each example alone, so it may miss this."
    ),
    "too-close": (
        "Fresh retrainings differ from the references by chance. These checkpoints differ less, as if they "
        "had been chosen or steered to suit them."
    ),
    "mixture": (
        "The checkpoints fall into two groups, each far worse than both together: two bad methods drawn "
        "at random can score like a good one."
    ),
    "duplicates": "Runs with different seeds gave the same network, or nearly: their spread is not a result.",
    "copies": "Checkpoints equal references, or nearly, as if they had been taken from them.",
    "outliers": "A few checkpoints are far from all others, for example because training diverged.",
    "decided-by-one": "One checkpoint alone makes examples count as always distinguished.",
    "certified": (
        "With 95 % confidence for all of them together, these examples can be distinguished, whatever "
        "distributions the confidences have."
    ),
    "too-slow": "Unlearning is worthwhile only if it is much faster than training again.",
    "unchanged": "The network that came back is the one that was handed over.",
    "equal-seeds": "Runs with different seeds gave one and the same network.",
    "lost-state": "The network answers differently after it is saved and loaded, as a checkpoint is.",
    "other-submission": "Another submission gave the same checkpoints.",
}
"""Explanation of each kind of notice; one that is not here has none."""
