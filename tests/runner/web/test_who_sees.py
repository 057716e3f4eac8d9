"""Who may ask what: every route has a row, and every visitor a column."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import pytest

from tests.runner.contest.conftest import Contest
from tests.runner.web.conftest import CODE, VISITORS, Site, add_tokens, site_of
from tests.runner.web.test_pages import WHO_SEES_PAGES

_INVALID: Final = {"revoked": 401, "expired": 401, "of a revoked team": 401, "made up": 401}
_PUBLIC: Final = {**dict.fromkeys(VISITORS, 200), **_INVALID}
_OWN: Final = {
    **_INVALID,
    "nobody": 401,
    "alpha": 200,
    "reader": 200,
    "beta": 404,
    "organizer": 200,
    "metrics": 403,
}
_OWN_ACT: Final = {**_OWN, "reader": 403, "organizer": 403}

WHO_SEES: Final[Mapping[tuple[str, str], Mapping[str, int]]] = {
    ("GET", "/healthz"): dict.fromkeys(VISITORS, 200),
    ("GET", "/metrics"): {
        **_INVALID,
        **dict.fromkeys(("alpha", "beta", "reader", "organizer"), 403),
        "nobody": 401,
        "metrics": 200,
    },
    ("GET", "/api/v1/openapi.json"): dict.fromkeys(VISITORS, 200),
    ("GET", "/api/v1/phases"): _PUBLIC,
    ("GET", "/api/v1/phases/{phase}"): _PUBLIC,
    ("GET", "/api/v1/phases/{phase}/leaderboard"): _PUBLIC,
    ("GET", "/api/v1/phases/{phase}/choice"): {**_OWN, "beta": 200, "organizer": 403},
    ("PUT", "/api/v1/phases/{phase}/choice"): {**_OWN_ACT, "alpha": 200, "beta": 404},
    ("PUT", "/api/v1/phases/{phase}/entries"): {**_OWN_ACT, "alpha": 201, "beta": 201},
    ("GET", "/api/v1/entries"): {**_OWN, "beta": 200},
    ("GET", "/api/v1/entries/{entry}"): _OWN,
    ("GET", "/api/v1/entries/{entry}/report"): _OWN,
    ("POST", "/api/v1/entries/{entry}/cancel"): {**_OWN_ACT, "alpha": 200},
    ("GET", "/api/v1/feed.atom"): {**_OWN, "beta": 200, "organizer": 403},
}
"""The status of the answer to each visitor."""


@pytest.fixture(scope="module")
def scored(contest_template: Contest, tmp_path_factory: pytest.TempPathFactory) -> Contest:
    """Return a contest in which alpha has an entry that is scored, 1, and one that waits, 2."""
    contest = contest_template.copied(tmp_path_factory.mktemp("scored") / "contest")
    contest.stores = True
    add_tokens(contest)
    with site_of(contest) as site:
        assert site.hand_in(code=CODE).json()["entry"]["id"] == 1
        site.evaluate()
        assert site.hand_in(code=b"# other\n" + CODE).json()["entry"]["id"] == 2
    return contest


def routes(site: Site) -> set[tuple[str, str]]:
    """Return the methods and paths of all routes."""
    listed: set[tuple[str, str]] = set()
    parts: list[Any]
    for route in site.app.routes:
        parts = route.effective_route_contexts() if hasattr(route, "effective_route_contexts") else [route]
        for part in parts:
            assert part.methods, "a kind of route that this test does not know"
            listed |= {(method, str(part.path)) for method in part.methods if method != "HEAD"}
    return listed


def test_every_route_has_a_row(site: Site) -> None:
    """A new route without a row in this file fails here."""
    assert routes(site) == set(WHO_SEES) | set(WHO_SEES_PAGES)
    assert all(set(row) == set(VISITORS) for row in WHO_SEES.values())


@pytest.mark.parametrize(("method", "path"), WHO_SEES, ids=str)
def test_who_may_ask(
    scored: Contest, tmp_path_factory: pytest.TempPathFactory, method: str, path: str
) -> None:
    """Each visitor gets the status of the table, others' entries look as if there were none."""
    is_choice, entry = path.endswith("/choice"), "2" if path.endswith("/cancel") else "1"
    copy = scored.copied(tmp_path_factory.mktemp("asked") / "contest")
    with site_of(copy) as site:
        url = path.format(phase="final" if is_choice else "feedback", entry=entry)
        for visitor, status in WHO_SEES[method, path].items():
            options: dict[str, Any] = {"json": {"entries": [1]}} if is_choice and method == "PUT" else {}
            if path.endswith("{phase}/entries"):
                options = {"params": {"file_name": "a.py"}, "content": CODE + visitor.encode()}
            answer = site.ask(method, url, visitor, **options)
            assert answer.status_code == status, (visitor, answer.text)
            if status >= 400:
                assert answer.headers["content-type"] == "application/problem+json"
                assert set(answer.json()) >= {"title", "status", "detail"}
            if status == 401:
                assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("visitor", ["nobody", "alpha", "beta"])
def test_head_is_get_without_a_body(scored: Contest, visitor: str) -> None:
    """The same status and headers for the same visitor; where nothing is to be read, 405 as with GET."""
    with site_of(scored) as site:
        for method, path in sorted({*WHO_SEES, *WHO_SEES_PAGES}):
            url = path.format(phase="feedback", entry=1)
            head, get = (site.ask(each, url, visitor) for each in ("HEAD", "GET"))
            assert head.status_code == get.status_code, (method, url)
            assert head.headers == get.headers or url == "/metrics"
            assert (head.content, bool(get.content)) == (b"", True)


def test_entries_of_others_cannot_be_told_from_none(scored: Contest) -> None:
    """The answer about another team's entry differs from that about none in the number alone."""
    with site_of(scored) as site:
        other, none = (site.ask("GET", f"/api/v1/entries/{number}", "beta") for number in (1, 999))
        assert other.json()["detail"].replace("1", "N") == none.json()["detail"].replace("999", "N")
        assert other.status_code == none.status_code
        assert site.ask("GET", "/api/v1/entries", "beta").json()["entries"] == []


def test_every_answer_has_the_headers(scored: Contest) -> None:
    """Whatever is asked, browsers are told to guess, frame and refer nothing; no server is named."""
    with site_of(scored) as site:
        for path in ("/api/v1/phases", "/nothing", "/api/v1/entries", "/healthz"):
            headers = site.ask("GET", path, "nobody").headers
            policy = headers["content-security-policy"]
            assert "form-action 'self'" in policy
            assert "frame-ancestors 'none'" in policy
            assert "default-src 'none'" in policy
            assert headers["referrer-policy"] == "same-origin"
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["cache-control"] == "no-store"
            assert headers["strict-transport-security"]
            assert "server" not in headers


@pytest.mark.parametrize("host", ["evil.example", "contest.example.evil", ""])
def test_other_hosts_are_refused(site: Site, host: str) -> None:
    """A request that addresses another host gets nothing, so no answer is built from its name."""
    assert site.ask("GET", "/api/v1/phases", "nobody", headers={"Host": host}).status_code == 400


@pytest.mark.parametrize(
    "path",
    ["/../store.sqlite", "/api/v1/../../web.key", "/api/v1/phases/..%2f..%2fweb.key", "/static/../web.key"],
)
def test_no_path_leads_out(site: Site, path: str) -> None:
    """Nothing is served from the disk by a path in the address."""
    assert site.ask("GET", path, "nobody").status_code == 404
