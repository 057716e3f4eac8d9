"""Decide whether a team may hand in now: from the outcomes of its earlier entries, never from a counter.

What counts:

=====================================  ==================  =======================
state                                  per day, in total   failed ones per day
=====================================  ==================  =======================
on its way, scored, disqualified,      yes                 no
superseded
failed, refused                        no                  yes
held, withdrawn, late                  no                  no
=====================================  ==================  =======================

What is judged again counts as its last result that applies; ``superseded`` is left where that is not known.
After the end of a phase late entries count among themselves, too (`runner.competition.intake`).

An entry on its way counts as used until it ends, so that entries handed in at one moment cannot exceed the
quota together. A day is a calendar day of the competition's time zone (`runner.competition.times`).

The caller reads the entries and inserts the new one in one transaction, with the team's row locked.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Final

from runner.competition.phase import Quota
from runner.competition.states import IN_FLIGHT, EntryState
from runner.competition.times import day_of
from runner.wording import quantity

_COUNTING: Final = IN_FLIGHT | {EntryState.SCORED, EntryState.DISQUALIFIED, EntryState.SUPERSEDED}
_FAILED: Final = frozenset({EntryState.FAILED, EntryState.REFUSED})
_UNCOUNTED: Final = frozenset({EntryState.WITHDRAWN, EntryState.LATE})


@dataclass(frozen=True, slots=True)
class PastEntry:
    """What the quota needs to know of an entry of the team in this phase."""

    received: datetime
    """By the database's clock."""
    state: EntryState


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """Whether a team may hand in now, and what remains to it."""

    refusal: str | None
    """One sentence; None where it may."""
    remaining: int | None
    """Entries that count and may still be handed in today, as things are; None without such a limit."""
    resets_at: datetime | None
    """When something changes by itself: a new day, or the end of the interval. None where only the end of an
    entry, or nothing, changes it."""


def allowance(quota: Quota, entries: Iterable[PastEntry], now: datetime, zone: tzinfo) -> Allowance:
    """Return whether a team may hand in now, and what remains to it.

    Args:
        quota: Of the phase.
        entries: All earlier entries of the team in this phase, in any order.
        now: By the same clock as the times of the entries.
        zone: Of the competition.
    """
    entries = list(entries)
    today = day_of(now, zone)
    counting = [entry for entry in entries if entry.state in _COUNTING]
    counting_today = sum(today.start <= entry.received < today.end for entry in counting)
    failed_today = sum(
        entry.state in _FAILED and today.start <= entry.received < today.end for entry in entries
    )
    in_flight = sum(entry.state in IN_FLIGHT for entry in entries)
    left_in_total = None if quota.total is None else max(0, quota.total - len(counting))
    left_today = None if quota.per_day is None else max(0, quota.per_day - counting_today)
    remaining = min((left for left in (left_in_total, left_today) if left is not None), default=None)

    def answer(refusal: str | None, resets_at: datetime | None) -> Allowance:
        return Allowance(refusal=refusal, remaining=remaining, resets_at=resets_at)

    if left_in_total == 0:
        return answer(f"The quota of this phase is used: {_entries(quota.total)}.", None)
    if left_today == 0:
        return answer(f"Today's quota is used: {_entries(quota.per_day)}.", today.end)
    if quota.failed_per_day is not None and failed_today >= quota.failed_per_day:
        return answer(
            f"{_entries(failed_today)} failed today, and no more are taken; "
            "unlearn check finds such faults in seconds.",
            today.end,
        )
    if quota.in_flight is not None and in_flight >= quota.in_flight:
        waiting = quantity(in_flight, "entry is", "entries are")
        return answer(f"{waiting} on the way; hand in the next when one has ended.", None)
    if (earliest := _earliest(quota, entries)) is not None and now < earliest:
        return answer(
            f"Entries must be {quota.interval_seconds:g} s apart, and the last one is more recent.", earliest
        )
    return answer(None, today.end if quota.per_day is not None else None)


def _entries(number: int | None) -> str:
    return quantity(number or 0, "entry", "entries")


def _earliest(quota: Quota, entries: Iterable[PastEntry]) -> datetime | None:
    """Return when the interval since the last entry ends."""
    if quota.interval_seconds is None:
        return None
    times = [entry.received for entry in entries if entry.state not in _UNCOUNTED]
    return max(times) + timedelta(seconds=quota.interval_seconds) if times else None
