"""Decide whether a phase takes a file now: its times, its late rule, and the team's quota."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from runner.competition.competition import Competition
from runner.competition.phase import Phase
from runner.competition.quota import Allowance, PastEntry, allowance
from runner.competition.states import EntryState
from runner.competition.times import local_text


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """What becomes of a file that is handed in."""

    state: EntryState | None
    """The state in which its entry begins; None where it becomes none."""
    refusal: str | None = None
    """One sentence where it becomes none, or a late one."""
    remaining: int | None = None
    """As `Allowance`, before this entry."""
    resets_at: datetime | None = None
    """As `Allowance`."""


def intake(competition: Competition, phase: Phase, past: Iterable[PastEntry], now: datetime) -> Intake:
    """Return what becomes of a file that a team hands in now.

    Args:
        competition: Whose times count.
        phase: Of the competition, and no final.
        past: All earlier entries of the team in this phase.
        now: The present moment.
    """
    if phase.kind == "final":
        return Intake(state=None, refusal=f"Phase {phase.name} is a final, and takes chosen entries only.")
    stage = competition.stage(phase, now)
    if stage == "not open yet":
        opens = local_text(competition.opens(phase), competition.zone)
        return Intake(state=None, refusal=f"Phase {phase.name} opens at {opens}.")
    if stage == "closed":
        closed = f"Phase {phase.name} closed at {local_text(competition.closes(phase), competition.zone)}."
        if phase.late == "refuse":
            return Intake(state=None, refusal=closed)
        late = allowance(phase.quota, _with_late(past), now, competition.zone)
        if late.refusal is not None:
            return Intake(
                state=None,
                refusal=f"{closed} {late.refusal}",
                remaining=late.remaining,
                resets_at=late.resets_at,
            )
        return Intake(state=EntryState.LATE, refusal=closed)
    allowed: Allowance = allowance(phase.quota, past, now, competition.zone)
    return Intake(
        state=EntryState.RECEIVED if allowed.refusal is None else None,
        refusal=allowed.refusal,
        remaining=allowed.remaining,
        resets_at=allowed.resets_at,
    )


def _with_late(past: Iterable[PastEntry]) -> list[PastEntry]:
    """Return the entries of a team with late ones as what counts: no more than so many are recorded."""
    return [
        replace(entry, state=EntryState.SCORED) if entry.state is EntryState.LATE else entry for entry in past
    ]
