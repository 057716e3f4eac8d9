"""Hand in; and the entries of a team: list, one, its report, take back."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Header, Path, Query, Request, Response
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool

from runner.competition.scopes import Scope
from runner.contest.team_acts import cancel_entry
from runner.errors import ConfigurationError
from runner.store.competition.entries import MAX_NUMBER
from runner.store.competition.records import CompetitionEntry
from runner.web.access import Reader, Submitter, Visitor
from runner.web.context import Context, WebContext
from runner.web.entries import EntryView, entry_view
from runner.web.intake.body import declared_length, pieces_of
from runner.web.intake.hand_in import begin_hand_in, phase_of, receive
from runner.web.middleware import allow_body
from runner.web.problems import PROBLEMS, ProblemError, described
from runner.web.shown import own_report

router: Final = APIRouter(tags=["entries"], responses=PROBLEMS)
PhaseName = Annotated[str, Path(description="Name of a phase.", max_length=40)]
EntryNumber = Annotated[int, Path(description="Number of an entry.", ge=1, le=MAX_NUMBER)]
_PAGE: Final = 500


class HandInAnswer(BaseModel):
    """An entry that was handed in, and what remains."""

    entry: EntryView
    is_new: bool
    """False where the same file was handed in before, within ten minutes or under the same key."""
    remaining: int | None
    """Entries that count and may still be handed in today; null without such a limit."""
    resets_at: str | None
    """When that changes by itself, with the offset of the competition's zone."""


class EntryList(BaseModel):
    """Entries, the newest first."""

    entries: list[EntryView]
    more_before: int | None = Field(description="Where the next page begins: its parameter `before`.")


@router.put(
    "/phases/{phase}/entries",
    status_code=201,
    responses={
        200: {"model": HandInAnswer, "description": "It was handed in before."},
        **{status: described(status) for status in (408, 411, 413)},
    },
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
        }
    },
)
async def hand_in(
    request: Request,
    response: Response,
    context: Context,
    visitor: Submitter,
    phase: PhaseName,
    file_name: Annotated[str, Query(description="What the file is called, with .zip or .py at its end.")],
    idempotency_key: Annotated[
        str | None,
        Header(
            description="A random word; a repeated request with it is the same entry.",
            min_length=1,
            max_length=200,
        ),
    ] = None,
) -> HandInAnswer:
    """Hand in a file: the body is its bytes. Content-Length is required."""
    assert visitor.team is not None, "only teams have this scope"
    begun = await run_in_threadpool(
        begin_hand_in, context, visitor.team, phase=phase, file_name=file_name, key=idempotency_key
    )
    length = declared_length(request, most=begun.most, what=f"phase {begun.phase.name}")
    allow_body(request, begun.most)
    handed_in = await receive(begun, pieces_of(request), length=length)
    response.status_code = 201 if handed_in.is_new else 200
    return HandInAnswer(
        entry=await run_in_threadpool(entry_view, context, handed_in.entry),
        is_new=handed_in.is_new,
        remaining=handed_in.remaining,
        resets_at=context.shown(handed_in.resets_at),
    )


@router.get("/entries")
def list_entries(
    context: Context,
    visitor: Reader,
    phase: Annotated[str | None, Query(description="Only those of a phase.", max_length=40)] = None,
    before: Annotated[
        int | None, Query(description="Only those with smaller numbers.", ge=1, le=MAX_NUMBER)
    ] = None,
) -> EntryList:
    """List the entries of the team, or of all teams to an organizer."""
    if phase is not None:
        phase_of(context, phase)
    entries = context.store.last_entries(
        context.contest.name, phase=phase, team=_team_of(visitor), before=before, most=_PAGE + 1
    )
    shown = entries[:_PAGE]
    return EntryList(
        entries=[entry_view(context, entry) for entry in shown],
        more_before=shown[-1].id if len(entries) > len(shown) else None,
    )


@router.get("/entries/{entry}")
def one_entry(context: Context, visitor: Reader, entry: EntryNumber) -> EntryView:
    """Return an entry of the team."""
    return entry_view(context, visible_entry(context, visitor, entry))


@router.get("/entries/{entry}/report")
def entry_report(context: Context, visitor: Reader, entry: EntryNumber) -> dict[str, Any]:
    """Return the report of an entry that has ended, as far as the feedback policy allows."""
    current = visible_entry(context, visitor, entry)
    report = own_report(context, current)
    if report is None:
        raise ProblemError(404, f"Entry {entry} is {current.state}; there is no report of it.")
    return report


@router.post("/entries/{entry}/cancel")
def cancel(context: Context, visitor: Submitter, entry: EntryNumber) -> EntryView:
    """Take an entry back, which is possible until it runs; it uses no quota any more."""
    current = visible_entry(context, visitor, entry)
    assert visitor.team is not None, "only teams have this scope"
    return entry_view(context, cancel_entry(context.contest, visitor.team, current.id))


def visible_entry(context: WebContext, visitor: Visitor, number: int) -> CompetitionEntry:
    """Return an entry of the visitor; an organizer may see those of all teams.

    Raises:
        ProblemError: there is none that the visitor may see, and nothing says whether others have it.
    """
    try:
        entry = context.store.competition_entry(context.contest.name, number)
    except ConfigurationError:
        entry = None
    team = _team_of(visitor)
    if entry is None or entry.pending or (team is not None and entry.team != team):
        raise ProblemError(404, f"You have no entry {number}.")
    return entry


def _team_of(visitor: Visitor) -> str | None:
    """Return whose entries a visitor sees; None for those of all teams.

    Raises:
        ProblemError: the visitor is neither.
    """
    if visitor.may(Scope.ORGANIZER):
        return None
    if visitor.team is None:
        raise ProblemError(403, "This token belongs to no team.")
    return visitor.team
