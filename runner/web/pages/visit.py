"""Who looks at pages: a token is exchanged for a session, and log-out ends it."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from starlette.concurrency import run_in_threadpool

from runner.competition.scopes import Scope
from runner.web.access import Visitor, address_of, token_in
from runner.web.context import Context
from runner.web.pages.forms import small_form
from runner.web.pages.looks import page
from runner.web.problems import ProblemError
from runner.web.sessions import (
    CSRF_FIELD,
    PageVisitor,
    end_session,
    remove_cookie,
    require_form,
    require_same_origin,
    start_session,
)

router: Final = APIRouter(include_in_schema=False)


@router.get("/login")
def login_form(request: Request, context: Context, visitor: PageVisitor) -> Response:
    """Show the form in which a token is pasted."""
    return page(request, context, visitor, "login.html", wrong="")


@router.post("/login")
async def login(request: Request, context: Context) -> Response:
    """Begin a session for a token. The form has no session yet that could sign it: its origin decides."""
    require_same_origin(request, context)
    form = await small_form(request)
    text = str(form.get("token", "")).strip()
    try:
        token = await run_in_threadpool(token_in, context, text, address_of(request))
    except ProblemError as error:
        return page(
            request, context, Visitor(), "login.html", status=error.status_code, wrong=str(error.detail)
        )
    await run_in_threadpool(end_session, request, context)  # that of the browser before, if it had one
    response = RedirectResponse("/", status_code=303)
    start_session(context, response, token)
    return response


@router.post("/logout")
async def logout(request: Request, context: Context) -> Response:
    """End the session, for copies of its cookie too, and remove the cookie."""
    form = await small_form(request)
    require_form(request, context, form.get(CSRF_FIELD, ""))
    await run_in_threadpool(end_session, request, context)
    response = RedirectResponse("/", status_code=303)
    remove_cookie(context, response)
    return response


def require_team(visitor: Visitor, scope: Scope) -> str:
    """Return the team of a session that is good for something.

    Raises:
        ProblemError: nobody has logged in (401), or it is not good for that (403).
    """
    if visitor.token is None:
        raise ProblemError(401, "Log in with a token of your team first.")
    if visitor.team is None:
        raise ProblemError(403, "This token belongs to no team.")
    if not visitor.may(scope):
        raise ProblemError(403, f"This token lacks the scope {scope}.")
    return visitor.team
