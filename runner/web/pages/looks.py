"""Render the pages: templates of this package over those of reports, which bring style and macros."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Final

from fastapi import Request
from fastapi.responses import HTMLResponse

from runner.competition.times import local_text
from runner.pages.environment import environment_over
from runner.units import size_text
from runner.web.access import Visitor
from runner.web.context import WebContext
from runner.web.middleware import service_policy
from runner.web.sessions import CSRF_FIELD, csrf_token

_FOLDER: Final = Path(__file__).parents[1] / "templates"
_FRAMES: Final = "; frame-ancestors 'none'"
"""Of a policy, what works in a header only."""
_environment: Final = cache(
    lambda: environment_over(_FOLDER, policy=service_policy().replace(_FRAMES, ""), size_text=size_text)
)


def service_text(template: str, **values: object) -> str:
    """Return the text of a template; ``base.html`` of the service stands in for that of reports."""
    return _environment().get_template(template).render(**values)


def page(
    request: Request,
    context: WebContext,
    visitor: Visitor,
    template: str,
    *,
    status: int = 200,
    refresh_seconds: int | None = None,
    **values: object,
) -> HTMLResponse:
    """Return a page as an answer.

    Args:
        request: Whose session signs the forms of the page.
        context: What all requests share.
        visitor: Who looks.
        template: Name of a template.
        status: Of the answer.
        refresh_seconds: After which the browser loads the page again; None: it does not.
        values: What the template shows.
    """

    def shown(at: datetime) -> str:
        return local_text(at, context.zone)

    text = service_text(
        template,
        contest=context.contest.name,
        visitor=visitor,
        csrf_field=CSRF_FIELD,
        csrf=csrf_token(request, context),
        moment=shown,
        **values,
    )
    headers = {} if refresh_seconds is None else {"Refresh": str(refresh_seconds)}
    return HTMLResponse(text, status_code=status, headers=headers)
