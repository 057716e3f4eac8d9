"""What everybody may know of a phase, and what a team may still hand in."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel

from runner.competition.phase import Phase
from runner.competition.times import moment
from runner.web.context import WebContext
from runner.web.intake.hand_in import quota_of
from runner.web.shown import most_bytes, shown_final


class QuotaView(BaseModel):
    """What a team may hand in; null is no limit."""

    per_day: int | None
    total: int | None
    failed_per_day: int | None
    in_flight: int | None
    interval_seconds: float | None


class PhaseView(BaseModel):
    """A phase, with moments in the competition's zone."""

    name: str
    kind: Literal["practice", "feedback", "final"]
    stage: Literal["not open yet", "open", "closed"]
    opens: str
    closes: str
    freezes: str | None
    """From when on entries change nothing on the leaderboard that participants see."""
    choose_by: str | None
    """Until when teams may choose entries, of a final."""
    entries_per_team: int | None
    """How many they may choose, of a final."""
    runs: int
    """Of each evaluation."""
    max_bytes: int
    """Largest file."""
    late: Literal["refuse", "record"]
    quota: QuotaView
    scores_shown: bool
    names: Literal["teams", "anonymous"]
    """How rows of the leaderboard are called."""
    results_shown: bool
    """Whether everybody may see the results of this final; false of other phases."""


class AllowanceView(BaseModel):
    """What a team may still hand in."""

    may_hand_in: bool
    refusal: str | None
    """Why not; null where it may."""
    remaining: int | None
    resets_at: str | None


class OwnPhaseView(PhaseView):
    """A phase as a team sees it."""

    allowance: AllowanceView | None
    """Null for all others."""


def phase_view(context: WebContext, phase: Phase, team: str | None) -> OwnPhaseView:
    """Return a phase as somebody sees it. Reads the store.

    Args:
        context: What all requests share.
        phase: Of the competition.
        team: Whose allowance is wanted; None for nobody's.
    """
    competition, now = context.competition, context.clock()
    final = phase.final
    return OwnPhaseView(
        name=phase.name,
        kind=phase.kind,
        stage=competition.stage(phase, now),
        opens=competition.opens(phase).astimezone(context.zone).isoformat(),
        closes=competition.closes(phase).astimezone(context.zone).isoformat(),
        freezes=context.shown(competition.freezes(phase)),
        choose_by=None if final is None else context.shown(moment(final.choose_by, context.zone)),
        entries_per_team=None if final is None else final.entries_per_team,
        runs=phase.runs,
        max_bytes=most_bytes(context, phase),
        late=phase.late,
        quota=QuotaView(**phase.quota.model_dump()),
        scores_shown=phase.leaderboard.shown,
        names=phase.leaderboard.names,
        results_shown=shown_final(context, phase, None) is not None,
        allowance=None if team is None else allowance_view(context, phase, team),
    )


def allowance_view(context: WebContext, phase: Phase, team: str) -> AllowanceView:
    """Return what a team may still hand in. Reads the store."""
    decision = quota_of(context, phase, team, context.clock())
    return AllowanceView(
        may_hand_in=decision.state is not None,
        refusal=decision.refusal,
        remaining=decision.remaining,
        resets_at=context.shown(decision.resets_at),
    )
