"""The phases of a competition: rules, leaderboard, the form to hand in, the choice for a final."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from starlette.concurrency import run_in_threadpool

from runner.competition.scopes import Scope
from runner.competition.states import EntryState
from runner.contest.audience import frozen_remarks
from runner.contest.team_acts import choose_entries
from runner.leaderboard.final_page import final_view
from runner.leaderboard.page import board_view
from runner.units import size_text
from runner.web.api.entries import PhaseName
from runner.web.api.phases import final_of
from runner.web.context import Context, WebContext
from runner.web.intake.body import declared_length
from runner.web.intake.hand_in import begin_hand_in, phase_of, receive
from runner.web.middleware import allow_body
from runner.web.pages.forms import OVERHEAD_BYTES, read_file_form, small_form
from runner.web.pages.looks import page
from runner.web.pages.visit import require_team
from runner.web.phases import phase_view
from runner.web.problems import CLOSE, ProblemError
from runner.web.sessions import CSRF_FIELD, PageVisitor, require_form, require_same_origin
from runner.web.shown import most_bytes, shown_board, shown_final

router: Final = APIRouter(include_in_schema=False)
_MOST_CHOICES: Final = 100
_NUMBER: Final = re.compile(r"[1-9][0-9]{0,17}")
_EVERY_SECONDS: Final = 60


@router.get("/")
def home(request: Request, context: Context, visitor: PageVisitor) -> Response:
    """Show the phases."""
    phases = [phase_view(context, phase, visitor.team) for phase in context.competition.phases]
    paused = context.store.paused_since(context.contest.name) is not None
    return page(request, context, visitor, "home.html", phases=phases, paused=paused)


@router.get("/phases/{phase}")
def one_phase(request: Request, context: Context, visitor: PageVisitor, phase: PhaseName) -> Response:
    """Show the rules of a phase, and what a team can do in it."""
    selected = phase_of(context, phase)
    view = phase_view(context, selected, visitor.team)
    choices = _choices(context, selected.name, visitor.team) if selected.kind == "final" else []
    return page(
        request,
        context,
        visitor,
        "phase.html",
        phase=view,
        choices=choices,
        may_submit=visitor.team is not None and visitor.may(Scope.SUBMIT),
    )


def _choices(context: WebContext, final: str, team: str | None) -> list[dict[str, object]]:
    """Return the entries that a team may choose for a final, and whether it has."""
    if team is None:
        return []
    rule = phase_of(context, final).final
    assert rule is not None, "a final has its rule"
    chosen = context.store.choices(context.contest.name, final).get(team, ())
    return [
        {"id": entry.id, "file_name": entry.file_name, "is_chosen": entry.id in chosen}
        for entry in context.store.competition_entries(
            context.contest.name, phase=rule.entries_from, team=team
        )
        if entry.state is EntryState.SCORED
    ]


@router.get("/phases/{phase}/leaderboard")
def leaderboard(request: Request, context: Context, visitor: PageVisitor, phase: PhaseName) -> Response:
    """Show the leaderboard that everybody may see; on an anonymous one a team finds its own name."""
    selected = phase_of(context, phase)
    board = None if selected.kind == "final" else shown_board(context, selected, visitor.team)
    snapshot = context.snapshots.get(selected.name)
    results = shown_final(context, selected, visitor.team)
    if results is not None and snapshot is not None:
        view = final_view(results)
        return page(
            request, context, visitor, "final.html", phase=selected, view=view, updated=snapshot.updated
        )
    return page(
        request,
        context,
        visitor,
        "board.html",
        refresh_seconds=_EVERY_SECONDS,
        phase=selected,
        view=None if board is None else board_view(board, with_reports=False),
        updated=None if snapshot is None else snapshot.updated,
        remarks=frozen_remarks(context.competition, selected, context.clock()),
    )


@router.post("/phases/{phase}/entries")
async def hand_in(request: Request, context: Context, visitor: PageVisitor, phase: PhaseName) -> Response:
    """Hand in the file of a form, as the API does with a body."""
    require_same_origin(request, context)
    team = require_team(visitor, Scope.SUBMIT)
    most = await run_in_threadpool(most_bytes, context, phase_of(context, phase))
    allow_body(request, most + OVERHEAD_BYTES)
    declared_length(request, most=most + OVERHEAD_BYTES, what=f"phase {phase}")
    form = await read_file_form(request)
    require_form(request, context, form.fields.get(CSRF_FIELD, ""))
    begun = await run_in_threadpool(begin_hand_in, context, team, phase=phase, file_name=form.file_name)
    handed_in = await receive(begun, _at_most(form.pieces, begun.most), length=None)
    return RedirectResponse(f"/entries/{handed_in.entry.id}", status_code=303)


async def _at_most(pieces: AsyncIterator[bytes], most: int) -> AsyncIterator[bytes]:
    """Yield the pieces of a file.

    Raises:
        ProblemError: it is empty (400), or larger than allowed (413).
    """
    size = 0
    async for piece in pieces:
        size += len(piece)
        if size > most:
            raise ProblemError(
                413, f"The file is larger than the {size_text(most)} that are allowed.", headers=CLOSE
            )
        yield piece
    if size == 0:
        raise ProblemError(400, "The file is empty.")


@router.post("/phases/{phase}/choice")
async def choose(request: Request, context: Context, visitor: PageVisitor, phase: PhaseName) -> Response:
    """Choose the entries that are ticked for a final, in place of an earlier choice."""
    form = await small_form(request, fields=_MOST_CHOICES + 1)
    require_form(request, context, form.get(CSRF_FIELD, ""))
    team = require_team(visitor, Scope.SUBMIT)
    final = final_of(context, phase)
    texts = [str(value) for value in form.getlist("entry")]
    if not all(_NUMBER.fullmatch(text) for text in texts):
        raise ProblemError(422, "An entry is chosen by its number.")
    numbers = [int(text) for text in texts]

    def record() -> None:
        entries = context.store.competition_entries(context.contest.name, team=team)
        for number in set(numbers) - {entry.id for entry in entries}:
            raise ProblemError(404, f"You have no entry {number}.")
        choose_entries(context.contest, team, final, numbers)

    await run_in_threadpool(record)
    return RedirectResponse(f"/phases/{final.name}", status_code=303)
