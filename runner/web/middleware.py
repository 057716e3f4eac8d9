"""What holds for every request: how slowly its body may come, and what browsers may do with its answer."""

from __future__ import annotations

import asyncio
import time
from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from runner.pages.style import content_security_policy
from runner.web.problems import ProblemError

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


class BodySpeed:
    """Ends requests whose bodies come too slowly.

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
        waited, size, is_complete = 0.0, 0, False

        async def timed_receive() -> Message:
            nonlocal waited, size, is_complete
            if is_complete:  # what comes then is the end of the connection, for which there is no hurry
                return await receive()
            begun = time.monotonic()
            try:
                async with asyncio.timeout(self._grace + size / self._speed - waited):
                    message = await receive()
            except TimeoutError:
                is_complete = True
                raise ProblemError(
                    408,
                    "The request came too slowly; try again with a better connection.",
                    headers={"Connection": "close"},
                ) from None
            waited += time.monotonic() - begun
            size += len(message.get("body", b""))
            is_complete = not message.get("more_body", False)
            return message

        await self._app(scope, timed_receive, send)
