"""Hand in; and the entries of a team: list, one, take back."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Header, Path, Query, Request, Response
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool

from runner.store.competition.entries import MAX_NUMBER
from runner.web.access import Submitter
from runner.web.context import Context
from runner.web.entries import EntryView, entry_view
from runner.web.intake.body import declared_length, pieces_of
from runner.web.intake.hand_in import begin_hand_in, receive
from runner.web.problems import PROBLEMS

router: Final = APIRouter(tags=["entries"], responses=PROBLEMS)
PhaseName = Annotated[str, Path(description="Name of a phase.", max_length=40)]
EntryNumber = Annotated[int, Path(description="Number of an entry.", ge=1, le=MAX_NUMBER)]


class HandInAnswer(BaseModel):
    """An entry that was handed in, and what remains."""

    entry: EntryView
    is_new: bool
    """False where the same file was handed in before, within ten minutes or under the same key."""
    remaining: int | None
    """Entries that count and may still be handed in today; null without such a limit."""
    resets_at: str | None
    """When that changes by itself, with the offset of the competition's zone."""


@router.put(
    "/phases/{phase}/entries",
    status_code=201,
    responses={200: {"model": HandInAnswer, "description": "It was handed in before."}},
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
        Header(description="A random word; a repeated request with it is the same entry.", max_length=200),
    ] = None,
) -> HandInAnswer:
    """Hand in a file: the body is its bytes. Content-Length is required."""
    assert visitor.team is not None, "only teams have this scope"
    begun = await run_in_threadpool(
        begin_hand_in, context, visitor.team, phase=phase, file_name=file_name, key=idempotency_key
    )
    length = declared_length(request, most=begun.most, what=f"phase {begun.phase.name}")
    handed_in = await receive(begun, pieces_of(request, context.settings), length=length)
    response.status_code = 201 if handed_in.is_new else 200
    return HandInAnswer(
        entry=await run_in_threadpool(entry_view, context, handed_in.entry),
        is_new=handed_in.is_new,
        remaining=handed_in.remaining,
        resets_at=context.shown(handed_in.resets_at),
    )
