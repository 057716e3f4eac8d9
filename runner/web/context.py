"""What all requests share: the competition, its store, the settings, the key."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from typing import Annotated, cast

from fastapi import Depends, Request

from runner.competition.competition import Competition
from runner.contest.opened import OpenContest
from runner.store.database import utc_now
from runner.store.store import Store
from runner.web.settings import WebSettings
from runner.web.snapshots import Queue, Snapshots


@dataclass(frozen=True, slots=True, kw_only=True)
class WebContext:
    """What all requests share."""

    contest: OpenContest
    settings: WebSettings
    key: bytes
    """Signs cookies and the tokens of forms."""
    clock: Callable[[], datetime] = utc_now
    snapshots: Snapshots = field(init=False)
    """What is shown of results."""
    queue: Queue = field(init=False)
    """The places of waiting entries."""

    def __post_init__(self) -> None:
        """Begin with nothing read."""
        object.__setattr__(self, "snapshots", Snapshots(self.contest.store_folder))
        object.__setattr__(self, "queue", Queue(self.contest))

    @property
    def store(self) -> Store:
        """Return the store."""
        return self.contest.store

    @property
    def competition(self) -> Competition:
        """Return the competition."""
        return self.contest.competition

    @property
    def zone(self) -> tzinfo:
        """Return the one zone in which times are shown."""
        return self.contest.competition.zone

    def shown(self, at: datetime | None) -> str | None:
        """Return a moment as answers have it: in the competition's zone, with its offset."""
        return None if at is None else at.astimezone(self.zone).isoformat()


def context_of(request: Request) -> WebContext:
    """Return what all requests share."""
    return cast("WebContext", request.app.state.context)


Context = Annotated[WebContext, Depends(context_of)]
"""A parameter of routes."""
