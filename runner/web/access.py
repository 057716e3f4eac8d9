"""Who asks: the token in the header ``Authorization``, looked up by its hash."""

from __future__ import annotations

import hashlib
import ipaddress
import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Final

from fastapi import Depends, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from runner.competition.scopes import Scope
from runner.store.competition.records import Token
from runner.web.context import Context, WebContext
from runner.web.problems import ProblemError

_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{20,200}")
_LOGIN_INTERVAL: Final = timedelta(minutes=10)
_BEARER: Final = {"WWW-Authenticate": "Bearer"}
_scheme: Final = HTTPBearer(auto_error=False, description="A token of `unlearn competition team token`.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitor:
    """Who asks: everybody, a team, or an organizer."""

    token: Token | None = None
    """None: everybody."""

    @property
    def team(self) -> str | None:
        """Return the team; None for all others."""
        return None if self.token is None else self.token.team

    def may(self, scope: Scope) -> bool:
        """Return whether the token is good for something."""
        return self.token is not None and scope in self.token.scopes


def token_in(context: WebContext, text: str, address: str) -> Token:
    """Return the token of a text, which a header or a form had.

    Blocking: it reads the store. Only failures are counted, so nobody is locked out by others at an address.

    Raises:
        ProblemError: it is none, was revoked or has expired (401); too many were none (429).
    """
    if _TOKEN.fullmatch(text):
        digest = hashlib.sha256(text.encode()).hexdigest()
        token = context.store.token_of_hash(context.contest.name, digest, context.clock())
        if token is not None:
            return token
    if not context.store.allow(
        f"failed login {_network(address)}",
        most=context.settings.failed_logins,
        interval=_LOGIN_INTERVAL,
        now=context.clock(),
    ):
        raise ProblemError(
            429,
            "Too many tokens from this address were not valid; try again in ten minutes.",
            retry_after=_LOGIN_INTERVAL.total_seconds(),
        )
    raise ProblemError(
        401, "This token is not valid: it is mistyped, was revoked, or has expired.", headers=_BEARER
    )


def address_of(request: Request) -> str:
    """Return the address of the client, as the server or its proxy states it."""
    return request.client.host if request.client is not None else ""


def visitor(
    request: Request,
    context: Context,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Security(_scheme)],
) -> Visitor:
    """Return who asks.

    Raises:
        ProblemError: a token is given and not valid.
    """
    if credentials is None:
        if request.headers.get("authorization"):
            raise ProblemError(401, "Write the header as: Authorization: Bearer TOKEN", headers=_BEARER)
        return Visitor()
    return Visitor(token=token_in(context, credentials.credentials, address_of(request)))


def reader(visitor: Annotated[Visitor, Depends(visitor)]) -> Visitor:
    """Return a team that may read, or an organizer."""
    return _require(visitor, Scope.READ, Scope.ORGANIZER)


def submitter(visitor: Annotated[Visitor, Depends(visitor)]) -> Visitor:
    """Return a team that may hand in."""
    return _require(visitor, Scope.SUBMIT)


def _require(visitor: Visitor, *scopes: Scope) -> Visitor:
    if visitor.token is None:
        raise ProblemError(401, "This needs a token of a team: Authorization: Bearer TOKEN", headers=_BEARER)
    if not any(visitor.may(scope) for scope in scopes):
        raise ProblemError(403, f"This token lacks the scope {' or '.join(scopes)}.")
    return visitor


def _network(address: str) -> str:
    """Return what stands for an address where attempts are counted: of IPv6 the network of a customer."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return "unknown"
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is None:
        return str(ipaddress.ip_network(f"{parsed}/64", strict=False).network_address)
    return str(parsed)


AnyVisitor = Annotated[Visitor, Depends(visitor)]
Reader = Annotated[Visitor, Depends(reader)]
Submitter = Annotated[Visitor, Depends(submitter)]
