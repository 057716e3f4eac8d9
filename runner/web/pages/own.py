"""The entries of a team: list, one with its report, take back, and a feed of what has ended."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta
from typing import Any, Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from starlette.concurrency import run_in_threadpool

from runner.competition.scopes import Scope
from runner.competition.states import IN_FLIGHT, EntryState, may_cancel
from runner.contest.team_acts import cancel_entry
from runner.web.access import Reader
from runner.web.api.entries import EntryNumber, visible_entry
from runner.web.context import Context
from runner.web.entries import entry_view
from runner.web.pages.forms import small_form
from runner.web.pages.looks import page, service_text
from runner.web.pages.visit import require_team
from runner.web.problems import ProblemError
from runner.web.sessions import CSRF_FIELD, PageVisitor, require_form
from runner.web.shown import own_report

router: Final = APIRouter(include_in_schema=False)
_IN_PROGRESS: Final = IN_FLIGHT | {EntryState.HELD}
"""Pages of such entries are loaded again by the browser."""
_LISTED: Final = 200
_IN_FEED: Final = 50
_REFRESH_SECONDS: Final = 15
_LOGS: Final = 5
"""So many failed runs are shown with what they printed: one is much like the other."""


@router.get("/entries")
def entries(request: Request, context: Context, visitor: PageVisitor) -> Response:
    """List the entries of the team, the newest first."""
    team = require_team(visitor, Scope.READ)
    entries_of_team = context.store.last_entries(
        context.contest.name, phase=None, team=team, before=None, most=_LISTED
    )
    in_progress = any(entry.state in _IN_PROGRESS for entry in entries_of_team)
    return page(
        request,
        context,
        visitor,
        "entries.html",
        refresh_seconds=_REFRESH_SECONDS if in_progress else None,
        entries=[(entry, entry_view(context, entry)) for entry in entries_of_team],
        most=_LISTED,
    )


@router.get("/entries/{entry}")
def one_entry(request: Request, context: Context, visitor: PageVisitor, entry: EntryNumber) -> Response:
    """Show an entry of the team, with its report once it has ended."""
    require_team(visitor, Scope.READ)
    current = visible_entry(context, visitor, entry)
    report = own_report(context, current)
    return page(
        request,
        context,
        visitor,
        "entry.html",
        refresh_seconds=_REFRESH_SECONDS if current.state in _IN_PROGRESS else None,
        entry=current,
        view=entry_view(context, current),
        report=report,
        failed=[] if report is None else _failed_runs(report),
        may_cancel=may_cancel(current.state) and visitor.may(Scope.SUBMIT),
    )


def _failed_runs(report: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the first failed runs of a report of which there is more to say than their verdict."""
    failed = [run for run in report["runs"] if run["verdict"] != "ok"]
    return [run for run in failed if run.get("detail") or run.get("log")][:_LOGS]


@router.get("/entries/{entry}/report.json")
def report_file(context: Context, visitor: PageVisitor, entry: EntryNumber) -> Response:
    """Return the report of an entry as a file to be kept."""
    require_team(visitor, Scope.READ)
    report = own_report(context, visible_entry(context, visitor, entry))
    if report is None:
        raise ProblemError(404, f"There is no report of entry {entry} yet.")
    return Response(
        json.dumps(report, indent=1) + "\n",
        media_type="application/json",
        headers={"Content-Disposition": f'attachment; filename="entry-{entry}.json"'},
    )


@router.post("/entries/{entry}/cancel")
async def cancel(request: Request, context: Context, visitor: PageVisitor, entry: EntryNumber) -> Response:
    """Take an entry back."""
    form = await small_form(request)
    require_form(request, context, form.get(CSRF_FIELD, ""))
    team = require_team(visitor, Scope.SUBMIT)

    def take_back() -> None:
        cancel_entry(context.contest, team, visible_entry(context, visitor, entry).id)

    await run_in_threadpool(take_back)
    return RedirectResponse(f"/entries/{entry}", status_code=303)


@router.get("/api/v1/feed.atom")
def feed(context: Context, visitor: Reader) -> Response:
    """Return a feed (RFC 4287) of the team's entries that have ended, for programs that send its token."""
    if visitor.team is None:
        raise ProblemError(403, "This token belongs to no team.")
    entries_of_team = context.store.last_entries(
        context.contest.name, phase=None, team=visitor.team, before=None, most=_IN_FEED
    )
    ended = [entry for entry in entries_of_team if entry.state not in _IN_PROGRESS]
    newest = max((entry.state_since for entry in ended), default=context.clock() - timedelta(days=1))
    identity = hashlib.sha256(f"{context.contest.name} {visitor.team}".encode()).hexdigest()[:32]
    text = service_text(
        "feed.xml",
        contest=context.contest.name,
        team=visitor.team,
        origin=context.settings.origin,
        identity=identity,
        updated=newest,
        entries=[(entry, entry_view(context, entry)) for entry in ended],
    )
    return Response(text, media_type="application/atom+xml")
