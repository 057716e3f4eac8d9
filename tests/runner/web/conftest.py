"""A competition on the web: the application in this process, and tokens of all kinds of visitors."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from fastapi import FastAPI
from httpx2 import Response
from starlette.testclient import TestClient

from runner.competition.scopes import OPERATOR_SCOPES, TEAM_SCOPES, Scope
from runner.contest.opened import open_contest
from runner.contest.service.checker import Checker
from runner.contest.service.publishing import Publisher
from runner.progress import NullReporter
from runner.store.competition.records import Act
from runner.store.paths import uploads_folder
from runner.web.app import make_app
from runner.web.context import WebContext
from runner.web.sessions import load_key
from runner.web.settings import WebSettings
from tests.runner.contest.conftest import NAME, Contest, contest, contest_template, database

__all__ = ["contest", "contest_template", "database"]  # fixtures
ORIGIN: Final = "https://contest.example"
CODE: Final = b"SHIFT = 0.0\ndef unlearning(net, retain, forget, val): ...\n"
VISITORS: Final = (
    "nobody",
    "alpha",
    "beta",
    "reader",
    "organizer",
    "metrics",
    "revoked",
    "expired",
    "of a revoked team",
    "made up",
)
"""alpha owns what is asked for; reader is alpha with a token for reading only."""


def token_of(visitor: str) -> str:
    return hashlib.sha256(visitor.encode()).hexdigest()


def add_tokens(contest: Contest) -> None:
    """Add the token of each visitor but nobody and the one that is made up."""
    act = Act(who="me", act="token", subject="a token")
    past = datetime.now(UTC) - timedelta(seconds=1)
    kinds: dict[str, tuple[str | None, frozenset[Scope], datetime | None]] = {
        "alpha": ("alpha", TEAM_SCOPES, None),
        "beta": ("beta", TEAM_SCOPES, datetime.now(UTC) + timedelta(days=1)),
        "reader": ("alpha", frozenset({Scope.READ}), None),
        "organizer": (None, frozenset({Scope.ORGANIZER}), None),
        "metrics": (None, frozenset({Scope.METRICS}), None),
        "revoked": ("alpha", TEAM_SCOPES, None),
        "expired": ("alpha", TEAM_SCOPES, past),
        "of a revoked team": ("gamma", TEAM_SCOPES, None),
    }
    assert kinds["organizer"][1] | kinds["metrics"][1] == OPERATOR_SCOPES
    with contest.store() as store:
        for visitor, (team, scopes, expires) in kinds.items():
            sha256 = hashlib.sha256(token_of(visitor).encode()).hexdigest()
            token = store.add_token(NAME, team, sha256=sha256, scopes=scopes, expires=expires, act=act)
            if visitor == "revoked":
                store.revoke_token(NAME, token.id, act=act)
        store.revoke_team(NAME, "gamma", act=act)


@dataclass(kw_only=True)
class Site:
    """The web service of a contest in this process."""

    contest: Contest
    context: WebContext
    app: FastAPI
    client: TestClient
    now: list[datetime] = field(default_factory=list)
    """The clock, once a test sets it."""

    def ask(self, method: str, path: str, visitor: str = "alpha", **options: Any) -> Response:
        headers = dict(options.pop("headers", {}))
        if visitor != "nobody":
            headers["Authorization"] = f"Bearer {token_of(visitor)}"
        return self.client.request(method, path, headers=headers, **options)

    def hand_in(
        self, visitor: str = "alpha", code: bytes = CODE, *, name: str = "mine.py", **options: Any
    ) -> Response:
        params = {"file_name": name}
        path = f"/api/v1/phases/{options.pop('phase', 'feedback')}/entries"
        return self.ask("PUT", path, visitor, params=params, content=code, **options)

    @property
    def uploads(self) -> list[Path]:
        folder = uploads_folder(self.contest.store_folder)
        return sorted(folder.iterdir()) if folder.is_dir() else []

    def check(self) -> int:
        """Check what was received, as the evaluating process does."""
        with open_contest(self.contest.folder, self.contest.store_folder) as opened:
            return Checker(contest=opened, report=self.contest.reports.append).check()

    def evaluate(self) -> None:
        """Check, evaluate and publish, as `unlearn competition evaluate` does."""
        self.check()
        self.contest.work()
        self.publish()

    def publish(self) -> None:
        with open_contest(self.contest.folder, self.contest.store_folder) as opened:
            Publisher(contest=opened, reporter=NullReporter(), report=self.contest.reports.append).publish()


@contextmanager
def site_of(contest: Contest, **settings: Any) -> Iterator[Site]:
    """Yield the service of a contest as it is on disk."""
    with ExitStack() as stack:
        opened = stack.enter_context(open_contest(contest.folder, contest.store_folder))
        now: list[datetime] = []
        context = WebContext(
            contest=opened,
            settings=WebSettings(**{"origin": ORIGIN, **settings}),
            key=load_key(contest.store_folder),
            clock=lambda: now[-1] if now else datetime.now(UTC),
        )
        app = make_app(context)
        client = stack.enter_context(TestClient(app, base_url=ORIGIN, raise_server_exceptions=False))
        yield Site(contest=contest, context=context, app=app, client=client, now=now)


@pytest.fixture
def web_contest(contest: Contest) -> Contest:
    """Return a contest with tokens; a test may change its file before the service opens it."""
    add_tokens(contest)
    return contest


@pytest.fixture
def site(web_contest: Contest) -> Iterator[Site]:
    with site_of(web_contest) as opened:
        yield opened
