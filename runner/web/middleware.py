"""What holds for every answer: headers that tell browsers what they may do with it."""

from __future__ import annotations

from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from runner.pages.style import content_security_policy

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
