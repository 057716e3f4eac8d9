"""What holds for every request: how its body may come, and what browsers may do with its answer."""

from __future__ import annotations

import asyncio
import time
from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from runner.pages.style import content_security_policy
from runner.web.problems import CLOSE, ProblemError

DEFAULT_BODY_BYTES: Final = 64 << 10
"""Of requests that hand nothing in; they are held in memory."""
_BODY: Final = "unlearn.body"
_FORMS_OFF: Final = "form-action 'none'"
_FORMS_HERE: Final = "form-action 'self'; frame-ancestors 'none'"


def service_policy() -> str:
    """Return the policy of pages that the service sends: as of reports, but with forms to itself."""
    policy = content_security_policy()
    assert _FORMS_OFF in policy, "the policy of reports allows no forms"
    return policy.replace(_FORMS_OFF, _FORMS_HERE)


class SecurityHeaders:
    """Adds the headers; a route may only make the cache policy weaker."""

    def __init__(self, app: ASGIApp, *, encrypted: bool) -> None:
        """Wrap an application.

        Args:
            app: The application.
            encrypted: Whether browsers reach it by TLS only.
        """
        self._app = app
        self._headers = {
            "Content-Security-Policy": service_policy(),
            "Referrer-Policy": "same-origin",
            "X-Content-Type-Options": "nosniff",
            "X-Frame-Options": "DENY",
            "Cross-Origin-Opener-Policy": "same-origin",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
        }
        if encrypted:
            self._headers["Strict-Transport-Security"] = "max-age=31536000"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers[name] = value
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        await self._app(scope, receive, send_with_headers)


class HeadAsGet:
    """Answers HEAD as GET, without the body: the routes need not know it."""

    def __init__(self, app: ASGIApp) -> None:
        """Wrap an application."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return

        async def send_without_body(message: Message) -> None:
            await send({**message, "body": b""} if message["type"] == "http.response.body" else message)

        await self._app({**scope, "method": "GET"}, receive, send_without_body)


class BodyLimits:
    """Ends requests whose bodies are too large, or come too slowly.

    A body has `DEFAULT_BODY_BYTES` at most, unless its route allows more before it reads it (`allow_body`).

    Slowness is bounded on average over the whole body, which a client that sends one byte now and then cannot
    stretch. Only the time that is spent waiting for the client counts.
    """

    def __init__(self, app: ASGIApp, *, grace_seconds: float, bytes_per_second: float) -> None:
        """Wrap an application.

        Args:
            app: The application.
            grace_seconds: Which a body may take in any case.
            bytes_per_second: The least speed after that.
        """
        self._app, self._grace, self._speed = app, grace_seconds, bytes_per_second

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        body = _Body(receive, grace_seconds=self._grace, bytes_per_second=self._speed)
        scope[_BODY] = body
        await self._app(scope, body.receive, send)


def allow_body(request: Request, most: int) -> None:
    """Let the body of a request have more bytes than usual.

    Args:
        request: Whose body was not read yet.
        most: Bytes that it may have.
    """
    body: _Body = request.scope[_BODY]
    body.most = most


class _Body:
    """The body of one request, while it comes."""

    def __init__(self, receive: Receive, *, grace_seconds: float, bytes_per_second: float) -> None:
        self.most = DEFAULT_BODY_BYTES
        self._receive, self._grace, self._speed = receive, grace_seconds, bytes_per_second
        self._waited, self._size, self._is_complete = 0.0, 0, False

    async def receive(self) -> Message:
        """Return the next part of the body.

        Raises:
            ProblemError: it is too large (413), or too slow (408).
        """
        if self._is_complete:  # what comes then is the end of the connection, for which there is no hurry
            return await self._receive()
        begun = time.monotonic()
        try:
            async with asyncio.timeout(self._grace + self._size / self._speed - self._waited):
                message = await self._receive()
        except TimeoutError:
            self._is_complete = True
            raise ProblemError(
                408, "The request came too slowly; try again with a better connection.", headers=CLOSE
            ) from None
        self._waited += time.monotonic() - begun
        self._size += len(message.get("body", b""))
        self._is_complete = not message.get("more_body", False)
        if self._size > self.most:
            raise ProblemError(413, f"The request has more than {self.most} bytes.", headers=CLOSE)
        return message
