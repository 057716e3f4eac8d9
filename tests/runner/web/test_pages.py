"""The pages of the web service: log in, hand in by a form, see one's own, and nothing of others."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from httpx2 import Response

from tests.runner.contest.conftest import Contest
from tests.runner.web.conftest import CODE, ORIGIN, Site, site_of, token_of

_HTML = {"Accept": "text/html"}
_FORM = {**_HTML, "Origin": ORIGIN}
_SEERS = ("nobody", "alpha", "reader", "beta", "organizer")


def _row(*statuses: int) -> dict[str, int]:
    return dict(zip(_SEERS, statuses, strict=True))


WHO_SEES_PAGES = {
    ("GET", "/"): _row(200, 200, 200, 200, 200),
    ("GET", "/login"): _row(200, 200, 200, 200, 200),
    ("POST", "/login"): _row(401, 401, 401, 401, 401),
    ("POST", "/logout"): _row(403, 303, 303, 303, 303),
    ("GET", "/phases/{phase}"): _row(200, 200, 200, 200, 200),
    ("GET", "/phases/{phase}/leaderboard"): _row(200, 200, 200, 200, 200),
    ("POST", "/phases/{phase}/entries"): _row(401, 303, 403, 303, 403),
    ("POST", "/phases/{phase}/choice"): _row(403, 303, 403, 404, 403),
    ("GET", "/entries"): _row(401, 200, 200, 200, 403),
    ("GET", "/entries/{entry}"): _row(401, 200, 200, 404, 403),
    ("GET", "/entries/{entry}/report.json"): _row(401, 200, 200, 404, 403),
    ("POST", "/entries/{entry}/cancel"): _row(403, 303, 403, 404, 403),
}
"""The status of the answer to each visitor with a session; a form of nobody has no session that signs it."""


def log_in(site: Site, visitor: str = "alpha") -> Response:
    return site.client.post(
        "/login", data={"token": token_of(visitor)}, headers=_FORM, follow_redirects=False
    )


def get(site: Site, path: str) -> Response:
    return site.client.get(path, headers=_HTML, follow_redirects=False)


def csrf_of(page: str) -> str:
    found = re.search(r'name="csrf" value="([^"]+)"', page)
    assert found, page
    return found[1]


def hand_in(site: Site, *, code: bytes = CODE, name: str = "mine.py", csrf: str | None = None) -> Response:
    token = csrf if csrf is not None else csrf_of(get(site, "/phases/feedback").text)
    return site.client.post(
        "/phases/feedback/entries",
        data={"csrf": token},
        files={"file": (name, code)},
        headers=_FORM,
        follow_redirects=False,
    )


@pytest.fixture
def team(site: Site) -> Site:
    """Return the service with a session of team alpha."""
    assert log_in(site).status_code == 303
    return site


def test_everybody_sees_phases_and_rules_and_no_form(site: Site) -> None:
    home, phase = get(site, "/"), get(site, "/phases/feedback")
    assert 'href="/phases/feedback"' in home.text
    assert "largest file" in phase.text
    assert "<form" not in home.text + phase.text
    assert get(site, "/entries").status_code == 401


def test_a_session_is_a_strict_cookie_and_ends_with_its_token(web_contest: Contest) -> None:
    with site_of(web_contest) as site:
        cookie = log_in(site).headers["set-cookie"].lower()
        for part in ("__host-session=", "httponly", "secure", "samesite=strict", "path=/"):
            assert part in cookie
        assert get(site, "/entries").status_code == 200
        with web_contest.store() as store:
            (token,) = [
                each.id
                for each in store.tokens(site.context.contest.name)
                if each.team == "alpha" and each.revoked is None and each.expires is None
                if len(each.scopes) == 2
            ][:1]
            from runner.store.competition.records import Act

            store.revoke_token(site.context.contest.name, token, act=Act(who="me", act="x", subject="x"))
        assert get(site, "/entries").status_code == 401


@pytest.mark.parametrize("visitor", ["revoked", "expired", "made up", "of a revoked team"])
def test_a_token_that_is_not_valid_begins_no_session(site: Site, visitor: str) -> None:
    answer = log_in(site, visitor)
    assert answer.status_code == 401
    assert "not valid" in answer.text
    assert "set-cookie" not in answer.headers


def test_log_out_ends_the_session(team: Site) -> None:
    page = get(team, "/").text
    answer = team.client.post("/logout", data={"csrf": csrf_of(page)}, headers=_FORM, follow_redirects=False)
    assert answer.status_code == 303
    assert get(team, "/entries").status_code == 401


def test_a_file_is_handed_in_by_the_form_and_its_report_is_shown(team: Site) -> None:
    team.contest.stores = True
    answer = hand_in(team)
    assert answer.status_code == 303, answer.text
    place = answer.headers["location"]
    waiting = get(team, place)
    assert "received" in waiting.text
    assert waiting.headers["refresh"]
    team.evaluate()
    ended = get(team, place)
    assert "scored" in ended.text
    assert "refresh" not in ended.headers
    assert "mine.py" in get(team, "/entries").text
    assert "alpha" in get(team, "/phases/feedback/leaderboard").text
    report = get(team, f"{place}/report.json")
    assert report.headers["content-disposition"].startswith("attachment")
    assert report.json()["verdicts"]


def test_the_form_and_the_api_are_one_intake(team: Site) -> None:
    """The same file within ten minutes is the same entry, however it came."""
    place = hand_in(team).headers["location"]
    again = team.hand_in()
    assert again.status_code == 200
    assert place == f"/entries/{again.json()['entry']['id']}"


@pytest.mark.parametrize("csrf", ["", "wrong", "0" * 43])
def test_a_form_of_another_session_hands_nothing_in(team: Site, csrf: str) -> None:
    assert hand_in(team, csrf=csrf).status_code == 403
    assert team.uploads == []


@pytest.mark.parametrize("origin", [None, "null", "https://evil.example", "http://contest.example"])
@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("/login", {"token": token_of("alpha")}),
        ("/logout", {}),
        ("/phases/final/choice", {"entry": "1"}),
        ("/entries/1/cancel", {}),
    ],
)
def test_forms_of_other_origins_are_refused(
    team: Site, path: str, form: dict[str, str], origin: str | None
) -> None:
    csrf = csrf_of(get(team, "/phases/feedback").text)
    headers = {**_HTML, **({} if origin is None else {"Origin": origin})}
    answer = team.client.post(path, data={**form, "csrf": csrf}, headers=headers, follow_redirects=False)
    assert answer.status_code == 403
    assert get(team, "/entries").status_code == 200, "the session goes on"


def test_a_form_with_a_file_of_another_origin_is_refused_before_its_body(team: Site) -> None:
    csrf = csrf_of(get(team, "/phases/feedback").text)
    answer = team.client.post(
        "/phases/feedback/entries",
        data={"csrf": csrf},
        files={"file": ("mine.py", CODE)},
        headers={**_HTML, "Origin": "https://evil.example"},
    )
    assert answer.status_code == 403
    assert team.uploads == []


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", "multipart/form-data; boundary=x"),
        (b"--x\r\n", "multipart/form-data; boundary=x"),
        (b"nothing of a form", "multipart/form-data; boundary=x"),
        (b"a=b", "application/x-www-form-urlencoded"),
        (b"--x--\r\n", "multipart/form-data; boundary="),
        (
            b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.py"\r\n\r\nlost',
            "multipart/form-data; boundary=x",
        ),
        (
            b'--x\r\nContent-Disposition: form-data; name="csrf"\r\n\r\n' + b"c" * 9000,
            "multipart/form-data; boundary=x",
        ),
        (b"--x\r\n" + b"A: b\r\n" * 100 + b"\r\n", "multipart/form-data; boundary=x"),
    ],
)
def test_what_is_no_form_is_refused_in_a_sentence(team: Site, body: bytes, kind: str) -> None:
    answer = team.client.post(
        "/phases/feedback/entries", content=body, headers={**_FORM, "Content-Type": kind}
    )
    assert answer.status_code in {400, 403, 411, 415}
    assert 'role="alert"' in answer.text
    assert team.uploads == []


def test_a_file_beyond_the_limit_is_refused_and_nothing_is_kept(team: Site) -> None:
    most = team.client.get("/api/v1/phases/feedback").json()["max_bytes"]
    answer = hand_in(team, code=b"#" * (most + 1))
    assert answer.status_code == 413
    assert team.uploads == []
    answer = hand_in(team, code=b"#" * (most + (1 << 20)))
    assert answer.status_code == 413
    assert hand_in(team, code=b"").status_code == 400
    assert team.uploads == []


@pytest.mark.parametrize(
    "name", ["<script>alert(1)</script>.py", "a\u202eyp.b.py", "&amp;.py", "ﬃ" * 50 + ".py"]
)
def test_names_are_shown_and_not_obeyed(team: Site, name: str) -> None:
    answer = hand_in(team, name=name)
    shown = "".join(
        get(team, path).text
        for path in ("/entries", *([answer.headers["location"]] if answer.status_code == 303 else []))
    )
    assert "<script" not in shown
    assert "\u202e" not in shown


def test_entries_of_others_are_not_there(scored_copy: Contest) -> None:
    with site_of(scored_copy) as site:
        log_in(site, "beta")
        for path in ("/entries/1", "/entries/1/report.json", "/entries/999"):
            assert get(site, path).status_code == 404
        csrf = csrf_of(get(site, "/phases/feedback").text)
        taken = site.client.post("/entries/2/cancel", data={"csrf": csrf}, headers=_FORM)
        assert taken.status_code == 404
        assert "mine.py" not in get(site, "/entries").text


@pytest.fixture
def scored_copy(contest_template: Contest, tmp_path: Path) -> Contest:
    """Return a contest in which alpha has an entry that is scored, 1, and one that waits, 2."""
    from tests.runner.web.conftest import add_tokens

    contest = contest_template.copied(tmp_path / "contest")
    contest.stores = True
    add_tokens(contest)
    with site_of(contest) as site:
        site.hand_in(code=CODE)
        site.evaluate()
        site.hand_in(code=b"# other\n" + CODE)
    return contest


def test_a_team_takes_an_entry_back_and_chooses_one(scored_copy: Contest) -> None:
    with site_of(scored_copy) as site:
        log_in(site)
        page = get(site, "/entries/2").text
        answer = site.client.post(
            "/entries/2/cancel", data={"csrf": csrf_of(page)}, headers=_FORM, follow_redirects=False
        )
        assert answer.status_code == 303
        assert "withdrawn" in get(site, "/entries/2").text
        final = get(site, "/phases/final").text
        assert 'value="1"' in final
        answer = site.client.post(
            "/phases/final/choice",
            data={"csrf": csrf_of(final), "entry": ["1"]},
            headers=_FORM,
            follow_redirects=False,
        )
        assert answer.status_code == 303, answer.text
        assert re.search(r'value="1" checked', get(site, "/phases/final").text)


def test_a_reader_sees_and_changes_nothing(scored_copy: Contest) -> None:
    with site_of(scored_copy) as site:
        log_in(site, "reader")
        page = get(site, "/entries/2").text
        assert "Take it back" not in page
        csrf = csrf_of(page)
        for path, form in (("/entries/2/cancel", {}), ("/phases/final/choice", {"entry": "1"})):
            assert site.client.post(path, data={**form, "csrf": csrf}, headers=_FORM).status_code == 403
        assert hand_in(site, csrf=csrf).status_code == 403


@pytest.mark.parametrize("kind", ["multipart/form-data; boundary=B; charset=utf-7", "text/plain", ""])
@pytest.mark.parametrize("path", ["/login", "/logout", "/entries/1/cancel", "/phases/final/choice"])
def test_small_forms_have_one_form(team: Site, path: str, kind: str) -> None:
    """No other encoding is decoded, so none can be one that Python knows and nobody else."""
    body = b'--B\r\nContent-Disposition: form-data; name="csrf"\r\n\r\n+2AA-\r\n--B--\r\n'
    answer = team.client.post(path, content=body, headers={**_FORM, "Content-Type": kind})
    assert answer.status_code == 415
    assert answer.headers["x-frame-options"] == "DENY"


def test_a_boundary_beyond_its_length_is_refused(team: Site) -> None:
    kind = "multipart/form-data; boundary=" + "x" * 300
    answer = team.client.post(
        "/phases/feedback/entries", content=b"--", headers={**_FORM, "Content-Type": kind}
    )
    assert answer.status_code == 400


def test_a_fault_of_ours_has_the_headers_too(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("runner.web.pages.contest.phase_view", fail)
    monkeypatch.setattr("runner.web.problems.save_traceback", lambda _error: "")
    answer = get(site, "/")
    assert answer.status_code == 500
    assert answer.headers["x-frame-options"] == "DENY"
    assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_a_long_name_costs_nobody_else_anything(team: Site) -> None:
    """Characters are no bytes: a name that no file can have is refused, and other entries are checked."""
    assert team.hand_in(name="é" * 190 + ".py").status_code == 422
    assert team.hand_in(name="é" * 90 + ".py").status_code == 201
    assert team.hand_in("beta").status_code == 201
    assert team.check() == 2


def test_the_feed_has_what_has_ended(scored_copy: Contest) -> None:
    """Programs read it with the team's token; there is no address that lets anybody in."""
    with site_of(scored_copy) as site:
        answer = site.ask("GET", "/api/v1/feed.atom", "alpha")
        root = ElementTree.fromstring(answer.text)
        titles = [each.text for each in root.iter("{http://www.w3.org/2005/Atom}title")]
        assert titles[1:] == ["Entry 1, mine.py: scored"]
        assert site.ask("GET", "/api/v1/feed.atom", "nobody").status_code == 401
        assert "mine.py" not in site.ask("GET", "/api/v1/feed.atom", "beta").text
        assert site.ask("GET", "/api/v1/feed.atom", "organizer").status_code == 403


def test_problems_are_pages_for_browsers_and_details_for_programs(site: Site) -> None:
    assert "<h1>Not Found</h1>" in get(site, "/nothing").text
    answer = site.client.get("/nothing", headers={"Accept": "*/*"})
    assert answer.headers["content-type"] == "application/problem+json"
    assert (
        site.client.get("/api/v1/nothing", headers=_HTML).headers["content-type"]
        == "application/problem+json"
    )


def test_who_may_see_each_page(scored_copy: Contest) -> None:
    """Each visitor gets the status of the table; entry 1 is alpha's and scored, 2 is alpha's and waits."""
    for visitor in _SEERS:
        with site_of(scored_copy) as site:
            if visitor != "nobody":
                assert log_in(site, visitor).status_code == 303
                csrf = csrf_of(get(site, "/").text)
            else:
                csrf = "none"
            for (method, path), row in WHO_SEES_PAGES.items():
                if path == "/logout":
                    continue  # the last one, below
                is_choice, entry = path.endswith("/choice"), 2 if path.endswith("/cancel") else 1
                url = path.format(phase="final" if is_choice else "feedback", entry=entry)
                if method == "GET":
                    answer = get(site, url)
                elif path.endswith("{phase}/entries"):
                    answer = hand_in(site, csrf=csrf, code=CODE + visitor.encode())
                else:
                    form = {"csrf": csrf, **({"entry": "1"} if is_choice else {}), "token": "x" * 43}
                    answer = site.client.post(url, data=form, headers=_FORM, follow_redirects=False)
                assert answer.status_code == row[visitor], (visitor, method, path, answer.text)
            answer = site.client.post("/logout", data={"csrf": csrf}, headers=_FORM, follow_redirects=False)
            assert answer.status_code == WHO_SEES_PAGES["POST", "/logout"][visitor]
