"""The phases of the competition, their leaderboards, and what teams choose for a final."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter
from pydantic import BaseModel, Field

from runner.competition.phase import Phase
from runner.contest.audience import frozen_remarks
from runner.contest.team_acts import choose_entries
from runner.leaderboard.final_model import FinalResults
from runner.leaderboard.model import Board
from runner.store.competition.entries import MAX_NUMBER
from runner.web.access import AnyVisitor, Reader, Submitter, Visitor
from runner.web.api.entries import PhaseName
from runner.web.context import Context, WebContext
from runner.web.intake.hand_in import phase_of
from runner.web.phases import OwnPhaseView, phase_view
from runner.web.problems import PROBLEMS, ProblemError
from runner.web.shown import shown_board, shown_final

router: Final = APIRouter(tags=["phases"], responses=PROBLEMS)


class CompetitionView(BaseModel):
    """A competition and its phases."""

    name: str
    time_zone: str
    """Of all moments."""
    now: str
    paused: bool
    """Whether nothing is evaluated at the moment; entries are taken all the same."""
    phases: list[OwnPhaseView]


class BoardAnswer(BaseModel):
    """A leaderboard."""

    board: Board | None
    """Null where no scores are shown, or none has been made yet."""
    final: FinalResults | None = None
    """Of a final, once its results are published."""
    updated: str | None
    """When."""
    remarks: list[str]
    """What it leaves out."""


class Choice(BaseModel):
    """The entries with which a team takes part in a final."""

    entries: list[Annotated[int, Field(ge=1, le=MAX_NUMBER)]] = Field(max_length=100)
    """Empty: its best ones."""


@router.get("/phases")
def phases(context: Context, visitor: AnyVisitor) -> CompetitionView:
    """List the phases; a team also sees what it may still hand in."""
    competition = context.competition
    return CompetitionView(
        name=competition.name,
        time_zone=competition.time_zone,
        now=context.clock().astimezone(context.zone).isoformat(),
        paused=context.store.paused_since(competition.name) is not None,
        phases=[phase_view(context, phase, visitor.team) for phase in competition.phases],
    )


@router.get("/phases/{phase}")
def one_phase(context: Context, visitor: AnyVisitor, phase: PhaseName) -> OwnPhaseView:
    """Return a phase; a team also sees what it may still hand in."""
    return phase_view(context, phase_of(context, phase), visitor.team)


@router.get("/phases/{phase}/leaderboard")
def leaderboard(context: Context, visitor: AnyVisitor, phase: PhaseName) -> BoardAnswer:
    """Return the leaderboard that everybody may see; on an anonymous one a team finds its own name."""
    selected = phase_of(context, phase)
    if selected.kind == "final":
        return _final_answer(context, visitor, selected)
    snapshot = context.snapshots.get(selected.name)
    return BoardAnswer(
        board=shown_board(context, selected, visitor.team),
        updated=None if snapshot is None else context.shown(snapshot.updated),
        remarks=frozen_remarks(context.competition, selected, context.clock()),
    )


def _final_answer(context: WebContext, visitor: Visitor, final: Phase) -> BoardAnswer:
    results, snapshot = shown_final(context, final, visitor.team), context.snapshots.get(final.name)
    if results is None or snapshot is None:
        return BoardAnswer(board=None, updated=None, remarks=["Organizers announce the results of a final."])
    return BoardAnswer(board=None, final=results, updated=context.shown(snapshot.updated), remarks=[])


@router.get("/phases/{phase}/choice")
def choice(context: Context, visitor: Reader, phase: PhaseName) -> Choice:
    """Return what the team has chosen for a final."""
    final = final_of(context, phase)
    if visitor.team is None:
        raise ProblemError(403, "Teams choose; this token belongs to none.")
    chosen = context.store.choices(context.contest.name, final.name)
    return Choice(entries=sorted(chosen.get(visitor.team, ())))


@router.put("/phases/{phase}/choice")
def choose(context: Context, visitor: Submitter, phase: PhaseName, chosen: Choice) -> Choice:
    """Choose entries for a final, in place of an earlier choice."""
    assert visitor.team is not None, "only teams have this scope"
    final = final_of(context, phase)
    known = {entry.id for entry in context.store.competition_entries(context.contest.name, team=visitor.team)}
    for number in chosen.entries:
        if number not in known:
            raise ProblemError(404, f"You have no entry {number}.")
    return Choice(entries=choose_entries(context.contest, visitor.team, final, chosen.entries))


def final_of(context: WebContext, name: str) -> Phase:
    """Return a final by its name.

    Raises:
        ProblemError: there is no such phase, or it is no final.
    """
    phase = phase_of(context, name)
    if phase.kind != "final":
        raise ProblemError(404, f"Phase {phase.name} is no final, so nothing is chosen for it.")
    return phase
