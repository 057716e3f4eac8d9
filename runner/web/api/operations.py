"""For those who operate the service: does it work, and its figures."""

from __future__ import annotations

from typing import Final, Literal

from fastapi import APIRouter, Request
from fastapi.responses import PlainTextResponse
from pydantic import BaseModel

from runner.competition.scopes import Scope
from runner.contest.metrics import CONTENT_TYPE, metrics_text
from runner.web.access import AnyVisitor, address_of
from runner.web.context import Context
from runner.web.problems import PROBLEMS, ProblemError
from runner.web.settings import is_local

router: Final = APIRouter(tags=["operations"], responses=PROBLEMS)


class Health(BaseModel):
    """The service works."""

    status: Literal["ok"] = "ok"


@router.get("/healthz")
def health(context: Context) -> Health:
    """Whether the service reaches its store."""
    context.store.paused_since(context.contest.name)
    return Health()


@router.get("/metrics", response_class=PlainTextResponse)
def metrics(request: Request, context: Context, visitor: AnyVisitor) -> PlainTextResponse:
    """Return the figures of the service, to a token of the scope `metrics`, or on this machine."""
    is_here = not context.settings.behind_proxy and is_local(address_of(request))
    if not is_here and not visitor.may(Scope.METRICS):
        status = 401 if visitor.token is None else 403
        raise ProblemError(
            status,
            "This needs a token with the scope metrics.",
            headers={"WWW-Authenticate": "Bearer"} if status == 401 else None,
        )
    return PlainTextResponse(metrics_text(context.contest, context.clock()), media_type=CONTENT_TYPE)
