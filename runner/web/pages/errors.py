"""Problems as pages, for browsers."""

from __future__ import annotations

from http import HTTPStatus

from fastapi import Request, Response

from runner.web.access import Visitor
from runner.web.context import context_of
from runner.web.pages.looks import page
from runner.web.problems import ProblemError


def error_page(request: Request, error: ProblemError) -> Response:
    """Return a problem as a page with its one sentence."""
    context = context_of(request)
    response = page(
        request,
        context,
        Visitor(),
        "problem.html",
        status=error.status_code,
        title=HTTPStatus(error.status_code).phrase,
        sentence=str(error.detail),
        is_login=error.status_code == HTTPStatus.UNAUTHORIZED,
    )
    response.headers.update(error.headers or {})
    return response
