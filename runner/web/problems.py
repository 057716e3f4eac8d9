"""Errors as answers: RFC 9457 problem details with one sentence. Pages and the API raise the same."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict
from starlette.exceptions import HTTPException

from runner.errors import ConfigurationError, HostNotReadyError
from runner.sanitize import sanitize_line
from runner.tracebacks import save_traceback
from runner.validation import plain_message

MEDIA_TYPE: Final = "application/problem+json"
_TRACEBACKS: Final = 20
_TRACEBACK_SECONDS: Final = 3600.0
"""In which at most so many are saved: requests must not fill the disk."""
CLOSE: Final = {"Connection": "close"}
"""After a body that was not read, nothing more can be understood on its connection."""


class Problem(BaseModel):
    """Why a request was refused (RFC 9457)."""

    model_config = ConfigDict(extra="allow")

    title: str
    """The phrase of the status."""
    status: int
    detail: str
    """One sentence: what is wrong and what to do."""
    remaining: int | None = None
    """Entries that count and may still be handed in, where the request was about that."""
    resets_at: str | None = None
    """When this changes by itself, with the offset of the competition's zone."""


class ProblemError(HTTPException):
    """Ends a request with a problem."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        headers: Mapping[str, str] | None = None,
        retry_after: float | None = None,
        members: Mapping[str, Any] | None = None,
    ) -> None:
        """Describe it.

        Args:
            status: Of the answer.
            detail: One sentence.
            headers: Further ones.
            retry_after: Seconds after which it makes sense to try again.
            members: Further members of the problem.
        """
        wait = {} if retry_after is None else {"Retry-After": str(max(1, math.ceil(retry_after)))}
        super().__init__(status, detail, headers={**(headers or {}), **wait})
        self.members = dict(members or {})


def answer(request: Request, error: ProblemError) -> Response:
    """Return the answer to a problem: a page for browsers, RFC 9457 problem details for all others."""
    as_page: Callable[[Request, ProblemError], Response] | None = getattr(
        request.app.state, "error_page", None
    )
    wants_page = "text/html" in request.headers.get("accept", "")
    if as_page is not None and wants_page and not request.url.path.startswith("/api/"):
        page: Response = as_page(request, error)
        return page
    return problem_response(error)


def problem_response(error: ProblemError) -> JSONResponse:
    """Return problem details."""
    status = error.status_code
    body = {"title": HTTPStatus(status).phrase, "status": status, "detail": error.detail}
    return JSONResponse(
        {**body, **error.members}, status_code=status, headers=error.headers, media_type=MEDIA_TYPE
    )


def add_problem_handlers(app: FastAPI) -> None:
    """Let every error of a route become a problem."""
    saved = deque[float](maxlen=_TRACEBACKS)

    @app.exception_handler(ProblemError)
    async def _problem(request: Request, error: ProblemError) -> Response:
        return answer(request, error)

    @app.exception_handler(HTTPException)
    async def _http(request: Request, error: HTTPException) -> Response:
        phrase = HTTPStatus(error.status_code).phrase
        detail = str(error.detail) if error.detail != phrase else _SENTENCES.get(error.status_code, phrase)
        return answer(request, ProblemError(error.status_code, detail, headers=error.headers))

    @app.exception_handler(RequestValidationError)
    async def _invalid(request: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"][1:]) or "the request"
        detail = sanitize_line(f"{where}: {plain_message(str(first['msg']))}.")
        return answer(request, ProblemError(422, detail))

    @app.exception_handler(ConfigurationError)
    async def _refused(request: Request, error: ConfigurationError) -> Response:
        return answer(request, ProblemError(409, sanitize_line(str(error), 1000)))

    @app.exception_handler(HostNotReadyError)
    async def _not_ready(request: Request, _error: HostNotReadyError) -> Response:
        return answer(request, ProblemError(503, _UNAVAILABLE, retry_after=10))

    @app.exception_handler(Exception)
    async def _unforeseen(request: Request, error: Exception) -> Response:
        now = time.monotonic()
        if len(saved) < _TRACEBACKS or now - saved[0] > _TRACEBACK_SECONDS:
            saved.append(now)
            save_traceback(error)
        return answer(request, ProblemError(500, "A fault on our side; the organizers can see what it was."))


_SENTENCES: Final = {404: "There is nothing at this address.", 405: "This address does not take this method."}
_UNAVAILABLE: Final = "The service cannot reach its store at the moment; try again."


def described(status: int) -> dict[str, Any]:
    """Return the description of a problem for that of the API."""
    return {"model": Problem, "content": {MEDIA_TYPE: {}}, "description": HTTPStatus(status).phrase}


PROBLEMS: Final[dict[int | str, dict[str, Any]]] = {
    status: described(status) for status in (400, 401, 403, 404, 405, 409, 422, 429, 503)
}
"""What every route may answer besides its result, for the description of the API."""
