"""Sessions of browsers: a signed cookie that names a token, and the tokens of forms.

The cookie has no rights of its own: with each request the token is looked up, so one that was revoked ends
all its sessions. A log-out is stored until the cookie would have expired, so no copy of the cookie outlives
it. A form is accepted from the configured origin only, with a signature of the session's cookie in the field
`CSRF_FIELD`.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
import secrets
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Final

from fastapi import Depends, Request, Response
from itsdangerous import BadSignature, Signer, URLSafeTimedSerializer

from runner.errors import HostNotReadyError
from runner.store.competition.records import Token
from runner.web.access import Visitor
from runner.web.context import Context, WebContext
from runner.web.problems import ProblemError

CSRF_FIELD: Final = "csrf"
KEY_FILE: Final = "web.key"
_KEY_BYTES: Final = 32
SESSION_SECONDS: Final = 12 * 3600


def load_key(folder: Path) -> bytes:
    """Return the key that signs cookies, and make it first where there is none; only its owner can read it.

    Raises:
        HostNotReadyError: it cannot be read or written, or others can read it.
    """
    file = folder / KEY_FILE
    try:
        if not file.exists():
            temporary = folder / f".{KEY_FILE}.{secrets.token_hex(8)}"
            fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with open(fd, "wb") as new:  # noqa: PTH123 - by its descriptor
                new.write(secrets.token_bytes(_KEY_BYTES))
            with contextlib.suppress(FileExistsError):  # another process was faster
                os.link(temporary, file)
            temporary.unlink()
        if file.stat().st_mode & 0o077:
            raise HostNotReadyError(f"Others can read {file}; remove it, and all sessions begin anew.")
        key = file.read_bytes()
    except OSError as error:
        raise HostNotReadyError(f"{file} cannot be used: {error.strerror}.") from error
    if len(key) != _KEY_BYTES:
        raise HostNotReadyError(f"{file} is damaged; remove it, and all sessions begin anew.")
    return key


def cookie_name(context: WebContext) -> str:
    """Return the name of the cookie; without TLS, on this machine, browsers refuse the prefix."""
    return "__Host-session" if context.settings.is_encrypted else "session"


def start_session(context: WebContext, response: Response, token: Token) -> None:
    """Let a response begin a session for a token."""
    response.set_cookie(
        cookie_name(context),
        _serializer(context).dumps([token.id, secrets.token_hex(16)]),
        max_age=SESSION_SECONDS,
        path="/",
        secure=context.settings.is_encrypted,
        httponly=True,
        samesite="strict",
    )


def end_session(request: Request, context: WebContext) -> None:
    """End the session of a request, if it has one: its cookie and every copy of it are invalid from now on.

    Blocking: it writes to the store.
    """
    session = _session(request, context)
    if session is not None:
        now = context.clock()
        expires = now + timedelta(seconds=SESSION_SECONDS)
        context.store.end_session(session.name_sha256, expires=expires, now=now)


def remove_cookie(context: WebContext, response: Response) -> None:
    """Let a response remove the cookie."""
    response.delete_cookie(
        cookie_name(context),
        path="/",
        secure=context.settings.is_encrypted,
        httponly=True,
        samesite="strict",
    )


def page_visitor(request: Request, context: Context) -> Visitor:
    """Return who looks at a page, by the cookie; everybody where there is no valid one. Reads the store."""
    session = _session(request, context)
    if session is None:
        return Visitor()
    return Visitor(
        token=context.store.token_of_session(
            context.contest.name, session.token, session.name_sha256, context.clock()
        )
    )


PageVisitor = Annotated[Visitor, Depends(page_visitor)]


def csrf_token(request: Request, context: WebContext) -> str:
    """Return the value of the field `CSRF_FIELD` of the forms of a session."""
    return Signer(context.key, salt="form").get_signature(_cookie(request, context)).decode()


def require_same_origin(request: Request, context: WebContext) -> None:
    """Refuse a form that another site sends, or a browser that does not say who does.

    Raises:
        ProblemError: it is not from the configured origin.
    """
    if request.headers.get("origin") != context.settings.origin:
        raise ProblemError(403, f"Forms are taken from {context.settings.origin} only.")


def require_form(request: Request, context: WebContext, given: object) -> None:
    """Refuse a form that no page of this session has sent.

    Raises:
        ProblemError: its origin is another, or its token is not that of the session.
    """
    require_same_origin(request, context)
    if not hmac.compare_digest(str(given).encode(), csrf_token(request, context).encode()):
        raise ProblemError(403, "This form is of an earlier session; load the page again and repeat.")


@dataclass(frozen=True, slots=True)
class _Session:
    """What a valid cookie says."""

    token: int
    """Its number."""
    name_sha256: str


def _session(request: Request, context: WebContext) -> _Session | None:
    """Return the session of a request's cookie; None without a valid one, or after its time."""
    try:
        number, name = _serializer(context).loads(_cookie(request, context), max_age=SESSION_SECONDS)
        return _Session(int(number), hashlib.sha256(str(name).encode()).hexdigest())
    except (BadSignature, ValueError, TypeError):
        return None


def _cookie(request: Request, context: WebContext) -> str:
    return request.cookies.get(cookie_name(context), "")


def _serializer(context: WebContext) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(context.key, salt="session")
