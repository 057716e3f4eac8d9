"""The states of an entry: which may follow which, who has to act, and by when.

::

    received ─> checking ─> queued ─> running ─> scoring ─> scored
                   │          ^          │          │
                   v          │          v          v
                refused       └──────── held <──────┘        failed

``held`` is a fault of ours: it uses no quota, and the entry is queued again. ``late`` is recorded without
being evaluated. An organizer's ``withdrawn``, ``disqualified`` and ``superseded`` may follow any state that
they make sense for; nothing is deleted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal

Owner = Literal["checker", "evaluator", "organizer", "nobody"]
"""Who has to act next: a process of ours, a person, or nobody any more."""


class EntryState(StrEnum):
    """Where an entry is."""

    RECEIVED = "received"
    """The bytes are stored."""
    CHECKING = "checking"
    """The archive is being looked at."""
    QUEUED = "queued"
    """It waits for a device."""
    RUNNING = "running"
    """Its runs are being executed."""
    SCORING = "scoring"
    """Its runs have ended, and are being compared with the references."""
    SCORED = "scored"
    """It has a score."""
    FAILED = "failed"
    """A run of it failed, by its own doing."""
    HELD = "held"
    """The host, the engine or this program failed; it is attempted again."""
    REFUSED = "refused"
    """Its archive cannot be used."""
    WITHDRAWN = "withdrawn"
    """Its team has taken it back before it ran, or an organizer has."""
    LATE = "late"
    """It came after the phase had closed."""
    DISQUALIFIED = "disqualified"
    """An organizer has taken it out of the competition; what is known of it stays."""
    SUPERSEDED = "superseded"
    """It was judged again, and the later result counts."""


@dataclass(frozen=True, slots=True)
class Duty:
    """Who moves an entry on from a state, and when people are told that it is stuck."""

    owner: Owner
    seconds: float | None
    """Until it is stuck; None where it may rest. A running entry has its evaluation's own limits besides."""


_MINUTE: Final = 60.0
_HOUR: Final = 3600.0

DUTIES: Final[Mapping[EntryState, Duty]] = {
    EntryState.RECEIVED: Duty("checker", 10 * _MINUTE),
    EntryState.CHECKING: Duty("checker", 10 * _MINUTE),
    EntryState.QUEUED: Duty("evaluator", 24 * _HOUR),
    EntryState.RUNNING: Duty("evaluator", 24 * _HOUR),
    EntryState.SCORING: Duty("evaluator", _HOUR),
    EntryState.HELD: Duty("organizer", _HOUR),
    **{
        state: Duty("nobody", None)
        for state in (
            EntryState.SCORED,
            EntryState.FAILED,
            EntryState.REFUSED,
            EntryState.WITHDRAWN,
            EntryState.LATE,
            EntryState.DISQUALIFIED,
            EntryState.SUPERSEDED,
        )
    },
}
"""Of every state: none is without an owner and a time."""

_BY_ORGANIZER: Final = frozenset({EntryState.DISQUALIFIED, EntryState.WITHDRAWN})

NEXT: Final[Mapping[EntryState, frozenset[EntryState]]] = {
    EntryState.RECEIVED: frozenset({EntryState.CHECKING}) | _BY_ORGANIZER,
    EntryState.CHECKING: frozenset({EntryState.QUEUED, EntryState.REFUSED, EntryState.HELD}) | _BY_ORGANIZER,
    EntryState.QUEUED: frozenset({EntryState.RUNNING, EntryState.HELD}) | _BY_ORGANIZER,
    EntryState.RUNNING: frozenset({EntryState.SCORING, EntryState.FAILED, EntryState.HELD}) | _BY_ORGANIZER,
    EntryState.SCORING: frozenset({EntryState.SCORED, EntryState.FAILED, EntryState.HELD}) | _BY_ORGANIZER,
    EntryState.HELD: frozenset({EntryState.CHECKING, EntryState.QUEUED}) | _BY_ORGANIZER,
    EntryState.SCORED: frozenset({EntryState.SUPERSEDED}) | _BY_ORGANIZER,
    EntryState.FAILED: frozenset({EntryState.SUPERSEDED}) | _BY_ORGANIZER,
    EntryState.REFUSED: _BY_ORGANIZER,
    EntryState.LATE: frozenset({EntryState.CHECKING}) | _BY_ORGANIZER,
    EntryState.WITHDRAWN: frozenset(),
    EntryState.DISQUALIFIED: frozenset(),
    EntryState.SUPERSEDED: frozenset({EntryState.DISQUALIFIED}),
}
"""What may follow each state. A late entry is let in by an organizer."""

IN_FLIGHT: Final = frozenset(
    {
        EntryState.RECEIVED,
        EntryState.CHECKING,
        EntryState.QUEUED,
        EntryState.RUNNING,
        EntryState.SCORING,
    }
)
"""On its way to an end that its team waits for. ``held`` is not: a fault of ours costs nobody a place."""

OUT: Final = frozenset({EntryState.WITHDRAWN, EntryState.DISQUALIFIED})
"""Taken out of the competition."""

_CANCELLABLE: Final = frozenset({EntryState.RECEIVED, EntryState.CHECKING, EntryState.QUEUED})


def require_step(state: EntryState, following: EntryState) -> None:
    """Check that one state may follow another.

    Raises:
        ValueError: it may not; the message is one sentence.
    """
    if following not in NEXT[state]:
        raise ValueError(f"An entry that is {state} cannot become {following}.")


def may_cancel(state: EntryState) -> bool:
    """Return whether a team may take its entry back: only before it has run."""
    return state in _CANCELLABLE


def is_stuck(state: EntryState, seconds: float) -> bool:
    """Return whether an entry has been in a state for longer than its owner should need."""
    limit = DUTIES[state].seconds
    return limit is not None and seconds > limit
