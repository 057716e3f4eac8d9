"""How much a flag matters to whom: its level, from a table by kind.

The module imports nothing, so that a table of evaluations can use it without NumPy.
"""

from collections.abc import Mapping
from typing import Final, Literal

Level = Literal["problem", "suspicion", "note"]
"""``problem``: a mistake that the submission's author should fix. ``suspicion``: rare for an honest
submission, so an organizer should look at it. ``note``: usual for honest submissions too; only the score
card shows it."""

NOT_UNLEARNING: Final = "not-unlearning"
"""The kind of the flag that compares with control problems, which participants must not know of."""

LEVELS: Final[Mapping[str, Level]] = {
    "joint-attack": "note",
    "too-close": "suspicion",
    "mixture": "suspicion",
    "duplicates": "note",
    "copies": "suspicion",
    "outliers": "note",
    "decided-by-one": "note",
    "certified": "note",
    "too-slow": "problem",
    NOT_UNLEARNING: "suspicion",
}
"""The level of each kind of flag, but for exact duplicates, which are a problem as near-copies are not, and
for runs that are slow by the clock alone, or beside a short retraining, which is a note."""

FALSE_ALARMS: Final[Mapping[str, str]] = {
    "too-close": (
        "Measured with 63 forget examples and no failed retrainings: raised for 8 of 2624 sets of fresh "
        "retrainings and 0 of 198 evaluations of other honest methods."
    ),
    "mixture": (
        "Measured on one data set: raised for 0 of 302 evaluations of honest methods; on two others, for 0 "
        "of 20 with 8 or 16 runs each."
    ),
    "copies": "Measured on one data set: raised for 0 of 302 evaluations of honest methods.",
    NOT_UNLEARNING: (
        "Measured on one data set, with 63 forget examples: raised for 0 of 302 honest submissions."
    ),
}
"""How often each kind of suspicion is wrong, in one sentence that reports show beside it. The counts are
those of docs/integrity.md; of sets of fresh retrainings, those of docs/metrics.md."""

SHORT_RETRAINING: Final = "are too short for that rule"
"""Part of the sentence of ``too-slow`` where it is a note. It is stored: never change it."""
SLOW_BY_THE_CLOCK: Final = "so the runs waited"
"""The same for runs that use little processor time."""


def flag_level(kind: str, sentence: str) -> Level:
    """Return the level of a flag.

    Args:
        kind: As in `scoring.card.card.CardFlag`; an unknown kind is a note.
        sentence: The flag's sentence, which tells exact copies from near-copies, and a short retraining or
            little processor time from others. A stored summary has no other figure of a flag.
    """
    if kind == "duplicates" and " exact" in sentence:
        return "problem"
    if kind == "too-slow" and (SHORT_RETRAINING in sentence or SLOW_BY_THE_CLOCK in sentence):
        return "note"
    return LEVELS.get(kind, "note")
