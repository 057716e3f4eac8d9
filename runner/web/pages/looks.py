"""Render the pages: templates of this package over those of reports, which bring style and macros."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Final

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import ChoiceLoader, Environment, FileSystemLoader
from markupsafe import Markup

from runner.competition.times import local_text
from runner.pages.environment import TEMPLATES, page_environment
from runner.units import size_text
from runner.web.access import Visitor
from runner.web.context import WebContext
from runner.web.middleware import service_policy
from runner.web.sessions import CSRF_FIELD, csrf_token

_FOLDER: Final = Path(__file__).parents[1] / "templates"
_FRAMES: Final = "; frame-ancestors 'none'"
"""Of a policy, what works in a header only."""


@lru_cache(maxsize=1)
def service_environment() -> Environment:
    """Return the environment of the service's pages: ``base.html`` there stands in for that of reports."""
    loader = ChoiceLoader([FileSystemLoader(_FOLDER), FileSystemLoader(TEMPLATES)])
    environment = page_environment().overlay(loader=loader)
    policy = service_policy().replace(_FRAMES, "")
    environment.globals = {
        **page_environment().globals,
        "policy": Markup(policy),  # noqa: S704 - a constant, without quotes
        "size_text": size_text,
    }
    return environment


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

    text = (
        service_environment()
        .get_template(template)
        .render(
            contest=context.contest.name,
            visitor=visitor,
            csrf_field=CSRF_FIELD,
            csrf=csrf_token(request, context),
            moment=shown,
            **values,
        )
    )
    headers = {} if refresh_seconds is None else {"Refresh": str(refresh_seconds)}
    return HTMLResponse(text, status_code=status, headers=headers)
