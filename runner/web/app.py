"""Put the application together: routes, errors, hosts, headers. It is not started here."""

from __future__ import annotations

import importlib.metadata
from typing import Final

from fastapi import FastAPI
from starlette.middleware.trustedhost import TrustedHostMiddleware

from runner.web.api import entries, operations, phases
from runner.web.context import WebContext
from runner.web.middleware import BodyLimits, HeadAsGet, SecurityHeaders
from runner.web.pages import contest, own, visit
from runner.web.pages.errors import error_page
from runner.web.problems import add_problem_handlers

API: Final = "/api/v1"


def make_app(context: WebContext) -> FastAPI:
    """Return the application of a competition.

    Args:
        context: What all requests share; ``app.state.context`` has it.
    """
    app = FastAPI(
        title=f"{context.contest.name}: hand in and results",
        version=importlib.metadata.version("unlearn"),
        openapi_url=f"{API}/openapi.json",
        docs_url=None,  # its pages load scripts of another host
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.context = context
    app.include_router(phases.router, prefix=API)
    app.include_router(entries.router, prefix=API)
    app.include_router(operations.router)
    for pages in (visit, contest, own):
        app.include_router(pages.router)
    app.state.error_page = error_page
    add_problem_handlers(app)
    app.add_middleware(
        BodyLimits,
        grace_seconds=context.settings.body_grace_seconds,
        bytes_per_second=context.settings.body_bytes_per_second,
    )
    app.add_middleware(HeadAsGet)
    app.add_middleware(
        TrustedHostMiddleware, allowed_hosts=context.settings.allowed_hosts, www_redirect=False
    )
    build = app.build_middleware_stack  # outside of what answers to an error that nobody foresaw
    app.build_middleware_stack = lambda: SecurityHeaders(  # type: ignore[method-assign]
        build(), encrypted=context.settings.is_encrypted
    )
    return app
