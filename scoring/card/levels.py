"""How much a flag matters to whom: its level, from a table by kind.

The module imports nothing, so that a table of evaluations can use it without NumPy.
"""

from collections.abc import Mapping
from typing import Final, Literal

Level = Literal["problem", "suspicion", "note"]
"""``problem``: a mistake that the submission's author should fix. ``suspicion``: rare for an honest
submission, so an organizer should look at it. ``note``: usual for honest submissions too; only the score
card shows it."""

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
}
"""The level of each kind of flag, but for exact duplicates, which are a problem as near-copies are not, and
for runs that are slow beside a short retraining, which is a note."""

FALSE_ALARMS: Final[Mapping[str, str]] = {
    "too-close": (
        "Measured: raised for 8 of 2624 sets of fresh retrainings and "
        "0 of 63 evaluations of other honest methods."
    ),
    "mixture": "Measured: raised for 0 of 63 evaluations of honest methods.",
    "copies": "Measured: raised for 0 of 63 evaluations of honest methods.",
}
"""How often each kind of suspicion is wrong, in one sentence that reports show beside it. The counts are
those of docs/metrics.md."""

SHORT_RETRAINING: Final = "are too short for that rule"
"""Part of the sentence of ``too-slow`` where it is a note. It is stored: never change it."""


def flag_level(kind: str, sentence: str) -> Level:
    """Return the level of a flag.

    Args:
        kind: As in `scoring.card.card.CardFlag`; an unknown kind is a note.
        sentence: The flag's sentence, which tells exact copies from near-copies, and a short retraining from
            others. A stored summary has no other figure of a flag.
    """
    if kind == "duplicates" and " exact" in sentence:
        return "problem"
    if kind == "too-slow" and SHORT_RETRAINING in sentence:
        return "note"
    return LEVELS.get(kind, "note")
