"""What an access token is good for."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Final


class Scope(StrEnum):
    """One permission."""

    READ = "read"
    """See the team's entries, reports and quota."""
    SUBMIT = "submit"
    """Hand in, take back and choose entries."""
    ORGANIZER = "organizer"
    """See the entries of all teams."""
    METRICS = "metrics"
    """Read the figures of the service."""


TEAM_SCOPES: Final = frozenset({Scope.READ, Scope.SUBMIT})
"""Of the tokens of teams."""
OPERATOR_SCOPES: Final = frozenset({Scope.ORGANIZER, Scope.METRICS})
"""Of the tokens that belong to no team."""


def require_scopes(scopes: Iterable[Scope], *, of_team: bool) -> None:
    """Check that a token of a team, or one of no team, may have these scopes.

    Raises:
        ValueError: it may not, or there are none; the message is one sentence.
    """
    allowed, given = TEAM_SCOPES if of_team else OPERATOR_SCOPES, frozenset(scopes)
    if not given or not given <= allowed:
        whose = "A token of a team" if of_team else "A token that belongs to no team"
        raise ValueError(f"{whose} has one or more of these scopes: {', '.join(sorted(allowed))}.")
