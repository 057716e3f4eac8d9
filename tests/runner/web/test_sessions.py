"""Sessions of browsers: a cookie for a token, forms from the configured origin only."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import pytest
from fastapi import APIRouter, Form, Request, Response
from httpx2 import Response as Answer
from sqlalchemy import select

from runner.errors import HostNotReadyError
from runner.store.competition.records import Act
from runner.store.competition.schema import EndedSessionRow
from runner.store.database import as_utc
from runner.web.access import address_of, token_in
from runner.web.context import Context
from runner.web.sessions import (
    KEY_FILE,
    PageVisitor,
    csrf_token,
    end_session,
    load_key,
    remove_cookie,
    require_form,
    require_same_origin,
    start_session,
)
from tests.runner.contest.conftest import NAME, Contest
from tests.runner.web.conftest import ORIGIN, Site, site_of, token_of

router = APIRouter()
HERE = {"Origin": ORIGIN}


@router.post("/test-login")
def log_in(request: Request, response: Response, context: Context, token: Annotated[str, Form()]) -> None:
    require_same_origin(request, context)
    start_session(context, response, token_in(context, token, address_of(request)))


@router.post("/test-logout")
def log_out(
    request: Request, response: Response, context: Context, csrf: Annotated[str, Form()] = ""
) -> None:
    require_form(request, context, csrf)
    end_session(request, context)
    remove_cookie(context, response)


@router.get("/test-me")
def me(request: Request, context: Context, visitor: PageVisitor) -> dict[str, str | None]:
    return {"team": visitor.team, "csrf": csrf_token(request, context)}


@pytest.fixture
def pages(web_contest: Contest) -> Iterator[Site]:
    """Return a service with pages that log in and out."""
    with site_of(web_contest) as site:
        site.app.include_router(router)
        yield site


def login(site: Site, visitor: str = "alpha", headers: dict[str, str] | None = None) -> Answer:
    return site.client.post("/test-login", data={"token": token_of(visitor)}, headers=headers or HERE)


def team(site: Site) -> str | None:
    name: str | None = site.client.get("/test-me").json()["team"]
    return name


def test_a_cookie_stands_for_a_token(pages: Site) -> None:
    """It has all attributes that keep it from scripts, other sites and plain text, and not the token."""
    assert team(pages) is None
    answer = login(pages)
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("__Host-session=")
    for attribute in ("HttpOnly", "Secure", "SameSite=strict", "Path=/"):
        assert attribute.lower() in cookie.lower()
    assert "domain" not in cookie.lower()
    assert token_of("alpha") not in cookie
    assert team(pages) == "alpha"


def test_the_api_takes_no_cookie(pages: Site) -> None:
    """What a browser sends by itself opens nothing there."""
    login(pages)
    assert pages.client.get("/api/v1/entries").status_code == 401


@pytest.mark.parametrize("visitor", ["revoked", "expired", "of a revoked team", "made up"])
def test_only_valid_tokens_begin_a_session(pages: Site, visitor: str) -> None:
    """The others get 401, and no cookie."""
    answer = login(pages, visitor)
    assert answer.status_code == 401
    assert "set-cookie" not in answer.headers


def test_a_revoked_token_ends_its_sessions(pages: Site) -> None:
    """The next request of the session is one of nobody."""
    login(pages)
    act = Act(who="me", act="token revoke", subject="a token")
    number = next(
        token.id
        for token in pages.context.store.tokens(NAME)
        if token.team == "alpha" and token.revoked is None
    )
    pages.context.store.revoke_token(NAME, number, act=act)
    assert team(pages) is None


def test_a_revoked_team_ends_its_sessions(pages: Site) -> None:
    """So does the end of its team."""
    login(pages)
    pages.context.store.revoke_team(NAME, "alpha", act=Act(who="me", act="team revoke", subject="alpha"))
    assert team(pages) is None


@pytest.mark.parametrize("change", ["merge", "delete"])
def test_a_team_that_is_merged_or_deleted_has_no_sessions(pages: Site, change: str) -> None:
    """Nor do its tokens open anything any more; those of the other team do."""
    login(pages)
    store, act = pages.context.store, Act(who="me", act=change, subject="alpha", reason="the same people")
    if change == "merge":
        store.merge_team(NAME, "alpha", "beta", act=act)
    else:
        store.delete_team(NAME, "alpha", act=act)
    assert team(pages) is None
    assert pages.ask("GET", "/api/v1/entries", "alpha").status_code == 401
    assert pages.ask("GET", "/api/v1/entries", "beta").status_code == 200


def test_a_cookie_that_was_changed_is_none(pages: Site) -> None:
    """Of another key, cut, or made up: nobody."""
    login(pages)
    (cookie,) = pages.client.cookies.jar
    for value in ("", "x", str(cookie.value)[:-1], f"x{cookie.value}"):
        pages.client.cookies.clear()
        pages.client.cookies.set("__Host-session", value, domain="contest.example")
        assert team(pages) is None


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://contest.example", ""])
def test_forms_of_other_sites_are_refused(pages: Site, origin: str) -> None:
    """By the configured origin: a Host header that agrees with a false origin changes nothing."""
    headers = {"Origin": origin} if origin else {"X-Forwarded-Host": "contest.example"}
    assert login(pages, headers=headers).status_code == 403


def test_a_form_needs_the_token_of_its_session(pages: Site) -> None:
    """That of another session or of nobody does not do; the right one ends the session here."""
    before = pages.client.get("/test-me").json()["csrf"]
    login(pages)
    first = pages.client.get("/test-me").json()["csrf"]
    login(pages)
    for csrf in ("", before, first):
        assert pages.client.post("/test-logout", data={"csrf": csrf}, headers=HERE).status_code == 403
    csrf = pages.client.get("/test-me").json()["csrf"]
    assert pages.client.post("/test-logout", data={"csrf": csrf}).status_code == 403
    assert pages.client.post("/test-logout", data={"csrf": csrf}, headers=HERE).status_code == 200
    assert team(pages) is None


def test_a_log_out_ends_copies_of_the_cookie(pages: Site) -> None:
    """Whoever has copied it is nobody from then on, and neither begins nor ends anything; other sessions stay."""
    login(pages)
    other = str(next(iter(pages.client.cookies.jar)).value)
    pages.client.cookies.clear()
    login(pages)
    copied = str(next(iter(pages.client.cookies.jar)).value)
    csrf = pages.client.get("/test-me").json()["csrf"]
    assert pages.client.post("/test-logout", data={"csrf": csrf}, headers=HERE).status_code == 200
    for cookie, expected in ((copied, None), (other, "alpha")):
        pages.client.cookies.clear()
        pages.client.cookies.set("__Host-session", cookie, domain="contest.example")
        assert team(pages) == expected


def test_ended_sessions_are_forgotten_once_they_have_expired(pages: Site) -> None:
    """Each is stored for as long as a cookie lasts, and what is no cookie of ours is not stored."""
    for hours in (0, 6, 13):
        pages.now.append(datetime(2026, 12, 1, tzinfo=UTC) + timedelta(hours=hours))
        login(pages)
        csrf = pages.client.get("/test-me").json()["csrf"]
        pages.client.post("/test-logout", data={"csrf": csrf}, headers=HERE)
    pages.client.cookies.set("__Host-session", "made up", domain="contest.example")
    csrf = pages.client.get("/test-me").json()["csrf"]
    assert pages.client.post("/test-logout", data={"csrf": csrf}, headers=HERE).status_code == 200
    with pages.context.store.database.reading() as session:
        rows = session.scalars(select(EndedSessionRow)).all()
        assert [as_utc(row.expires).day for row in rows] == [1, 2]


def test_the_key_is_its_owners(tmp_path: Path) -> None:
    """It is made once, read again, and refused where others can read it or it is damaged."""
    key = load_key(tmp_path)
    assert load_key(tmp_path) == key
    file = tmp_path / KEY_FILE
    assert file.stat().st_mode & 0o777 == 0o600
    assert [each.name for each in tmp_path.iterdir()] == [KEY_FILE]
    file.chmod(0o640)
    with pytest.raises(HostNotReadyError, match="Others can read"):
        load_key(tmp_path)
    file.chmod(0o600)
    file.write_bytes(b"short")
    with pytest.raises(HostNotReadyError, match="damaged"):
        load_key(tmp_path)
    os.truncate(file, 0)
    with pytest.raises(HostNotReadyError, match="damaged"):
        load_key(tmp_path)
