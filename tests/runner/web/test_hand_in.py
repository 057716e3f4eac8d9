"""Handing in over the web: an entry, the same entry again, or one sentence and nothing kept."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from runner.competition.states import EntryState
from tests.runner.contest.conftest import NAME, Contest
from tests.runner.web.conftest import CODE, Site, site_of

Problem = dict[str, Any]


def refused(site: Site, status: int, **options: Any) -> Problem:
    """Require that a file is refused and that nothing of it is kept; return the problem."""
    files, entries = site.uploads, len(site.contest.entries())
    answer = site.hand_in(**options)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert site.uploads == files
    assert len(site.contest.entries()) == entries
    problem: Problem = answer.json()
    assert problem["detail"].endswith(".")
    return problem


def test_a_file_becomes_an_entry(site: Site) -> None:
    """Its bytes are on the disk under their hash, its row is `received`, and its team sees it."""
    answer = site.hand_in()
    assert answer.status_code == 201
    entry = answer.json()["entry"]
    assert (entry["team"], entry["state"], entry["file_name"]) == ("alpha", "received", "mine.py")
    (file,) = site.uploads
    assert file.read_bytes() == CODE
    assert file.name.startswith(hashlib.sha256(CODE).hexdigest())
    (row,) = site.contest.entries()
    assert (row.state, row.upload, row.archive_sha256) == (EntryState.RECEIVED, file.name, None)
    assert site.ask("GET", f"/api/v1/entries/{row.id}").json() == entry


def test_a_large_file_arrives_whole(site: Site) -> None:
    """Many pieces become one file."""
    code = CODE + b"#" * (250 << 10)
    assert site.hand_in(code=code).status_code == 201
    assert site.uploads[0].read_bytes() == code


def test_the_same_file_is_the_same_entry_for_ten_minutes(site: Site) -> None:
    """Within ten minutes it is returned with 200, whatever its name; later, or of another team, it is new."""
    site.now.append(datetime.now(UTC))
    first = site.hand_in()
    site.now.append(site.now[-1] + timedelta(minutes=9, seconds=59))
    again = site.hand_in(name="other.py")
    assert (again.status_code, again.json()["is_new"]) == (200, False)
    assert again.json()["entry"]["id"] == first.json()["entry"]["id"]
    assert len(site.uploads) == 1
    assert site.hand_in("beta").status_code == 201
    site.now.append(site.now[-1] + timedelta(seconds=2))
    assert site.hand_in().status_code == 201


def test_an_entry_that_was_taken_back_is_no_repetition(site: Site) -> None:
    """Who takes an entry back can hand the file in again at once."""
    number = site.hand_in().json()["entry"]["id"]
    assert site.ask("POST", f"/api/v1/entries/{number}/cancel").json()["state"] == "withdrawn"
    assert site.hand_in().status_code == 201


def test_a_key_names_one_file(site: Site) -> None:
    """A request with a known key returns its entry at any time; with another file it is refused."""
    site.now.append(datetime.now(UTC))
    first = site.hand_in(headers={"Idempotency-Key": "k"})
    site.now.append(site.now[-1] + timedelta(hours=1))
    again = site.hand_in(headers={"Idempotency-Key": "k"})
    assert (again.status_code, again.json()["entry"]["id"]) == (200, first.json()["entry"]["id"])
    problem = refused(site, 422, code=CODE + b"#", headers={"Idempotency-Key": "k"})
    assert "another file" in problem["detail"]
    assert site.hand_in("beta", headers={"Idempotency-Key": "k"}).status_code == 201  # its own key
    assert site.hand_in(headers={"Idempotency-Key": "k2"}).status_code == 201


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        "a/b.py",
        "../a.py",
        "a\\b.py",
        "a.txt",
        "a\x00.py",
        "a\n.py",
        "a\u202e.py",
        "x" * 200 + ".py",
    ],
)
def test_a_name_that_could_be_a_path_is_refused(site: Site, name: str) -> None:
    """The name is shown, and is a plain name with .zip or .py at its end."""
    assert "file_name" in refused(site, 422, name=name)["detail"]


@pytest.mark.parametrize("length", ["", "x", "-1", "1e3", "9" * 30, "\u0662"])
def test_a_length_is_required(site: Site, length: str) -> None:
    """Without a number of bytes nothing is read: 411; with nonsense: 400."""
    headers = {"Content-Length": length.encode()} if length else {"Transfer-Encoding": "chunked"}
    refused(site, 400 if length else 411, headers=headers)


def test_an_empty_file_is_refused(site: Site) -> None:
    """There is nothing in it."""
    assert "empty" in refused(site, 400, code=b"")["detail"]


def test_a_file_beyond_the_limit_of_the_challenge_is_refused(site: Site) -> None:
    """By its declared length, before it is read; the sentence has both numbers."""
    most = site.ask("GET", "/api/v1/phases/feedback").json()["max_bytes"]
    problem = refused(site, 413, code=b"", headers={"Content-Length": str(most + 1)})
    assert str(most + 1) in problem["detail"]


@pytest.mark.parametrize(("declared", "word"), [(len(CODE) + 1, "shorter"), (len(CODE) - 1, "longer")])
def test_a_false_length_is_refused(site: Site, declared: int, word: str) -> None:
    """What is not as long as declared is not kept."""
    assert word in refused(site, 400, headers={"Content-Length": str(declared)})["detail"]


def quota(contest: Contest, **fields: Any) -> None:
    contest.phase_fields()["quota"] = fields
    contest.write()


def test_every_answer_says_what_remains(web_contest: Contest) -> None:
    """Accepted, repeated and refused: what remains after it, and when that changes, in the contest's zone."""
    web_contest.fields["time_zone"] = "Asia/Kolkata"
    quota(web_contest, per_day=2)
    with site_of(web_contest) as site:
        site.now.append(datetime(2026, 12, 1, 12, 0, tzinfo=UTC))
        reset = "2026-12-02T00:00:00+05:30"
        first, again = site.hand_in().json(), site.hand_in().json()
        second = site.hand_in(code=CODE + b"#").json()
        assert [each["remaining"] for each in (first, again, second)] == [1, 1, 0]
        answer = site.hand_in(code=CODE + b"##")
        assert answer.status_code == 429
        assert (answer.json()["remaining"], answer.json()["resets_at"]) == (0, reset)
        assert answer.headers["retry-after"] == str(6 * 3600 + 1800)
        assert {first["resets_at"], again["resets_at"], second["resets_at"]} == {reset}
        assert "quota is used" in answer.json()["detail"]
        allowance = site.ask("GET", "/api/v1/phases/feedback").json()["allowance"]
        assert (allowance["may_hand_in"], allowance["remaining"]) == (False, 0)


def test_a_repeated_request_is_answered_although_the_quota_is_used(web_contest: Contest) -> None:
    """The answer to the last entry was lost: asking again returns it, and not a refusal."""
    quota(web_contest, per_day=1)
    with site_of(web_contest) as site:
        first = site.hand_in(headers={"Idempotency-Key": "k"}).json()
        for headers in ({}, {"Idempotency-Key": "k"}):
            again = site.hand_in(headers=headers)
            assert (again.status_code, again.json()["entry"]) == (200, first["entry"])
        refused(site, 429, code=CODE + b"#")


def test_a_quota_that_only_an_end_changes_has_no_time(web_contest: Contest) -> None:
    """With one entry in flight there is no moment at which to try again."""
    quota(web_contest, in_flight=1)
    with site_of(web_contest) as site:
        site.hand_in()
        answer = site.hand_in(code=CODE + b"#")
        assert answer.status_code == 429
        assert "retry-after" not in answer.headers


def closed(contest: Contest) -> None:
    contest.phase_fields()["closes"] = datetime.fromisoformat("2021-01-01")


def not_open(contest: Contest) -> None:
    contest.phase_fields()["opens"] = datetime.fromisoformat("2099-01-01")
    contest.phase_fields("final")["opens"] = datetime.fromisoformat("2099-01-02")


@pytest.mark.parametrize(
    ("change", "phase", "status", "word"),
    [
        (closed, "feedback", 409, "closed at 2021-01-01"),
        (not_open, "feedback", 409, "opens at 2099"),
        (lambda _contest: None, "final", 409, "chosen entries only"),
        (lambda _contest: None, "none", 404, "feedback, final"),
        (lambda _contest: None, "..%2f..", 404, "nothing at this address"),
    ],
)
def test_a_phase_that_takes_nothing(
    web_contest: Contest, change: Callable[[Contest], None], phase: str, status: int, word: str
) -> None:
    """The sentence says why."""
    change(web_contest)
    web_contest.write()
    with site_of(web_contest) as site:
        assert word in refused(site, status, phase=phase)["detail"]


def test_a_late_file_is_recorded_where_the_phase_says_so(web_contest: Contest) -> None:
    """Its entry is late; an organizer who admits it lets it be checked, and its bytes are there for that."""
    web_contest.phase_fields().update(closes=datetime.fromisoformat("2021-01-01"), late="record")
    web_contest.write()
    with site_of(web_contest) as site:
        entry = site.hand_in().json()["entry"]
        assert entry["state"] == "late"
        assert "closed at" in entry["reason"]
        assert site.check() == 0
        with web_contest.store() as store:
            assert store.needed_uploads() == {site.uploads[0].name}
            store.move_entry(entry["id"], EntryState.CHECKING, expected={EntryState.LATE})
        assert site.check() == 1
        assert web_contest.states() == {"alpha/mine.py": "queued"}


def test_a_paused_competition_takes_entries(web_contest: Contest) -> None:
    """A pause stops evaluations, as its command says, and is told to everybody."""
    from runner.store.competition.records import Act

    with web_contest.store() as store:
        store.set_paused(NAME, True, act=Act(who="me", act="pause", subject=NAME))
    with site_of(web_contest) as site:
        assert site.hand_in().status_code == 201
        assert site.ask("GET", "/api/v1/phases", "nobody").json()["paused"]


def test_uploads_have_a_rate(web_contest: Contest) -> None:
    """Attempts of a team count, whatever comes of them; those of another team do not."""
    with site_of(web_contest, uploads_per_minute=3) as site:
        site.now.append(datetime.now(UTC))
        assert [site.hand_in().status_code for _ in range(4)] == [201, 200, 200, 429]
        assert site.hand_in("beta").status_code == 201
        site.now.append(site.now[-1] + timedelta(minutes=1))
        assert site.hand_in().status_code == 200


def test_a_full_disk_refuses_files(web_contest: Contest) -> None:
    """Room is left for the store; the sentence names no path."""
    with site_of(web_contest, spare_bytes=1 << 60) as site:
        assert "no room" in refused(site, 503)["detail"]


def test_wrong_tokens_have_a_rate_and_lock_nobody_out(web_contest: Contest) -> None:
    """After so many there is 429 for wrong tokens of the address, and correct ones still work."""
    with site_of(web_contest, failed_logins=3) as site:
        statuses = [site.ask("GET", "/api/v1/entries", f"made up {n}").status_code for n in range(5)]
        assert statuses == [401, 401, 401, 429, 429]
        assert site.ask("GET", "/api/v1/entries").status_code == 200


@pytest.mark.parametrize(
    "header", ["", "Basic YTpi", "Bearer", "Bearer  ", "Bearer a b", "bearer \xff", "Bearer " + "a" * 5000]
)
def test_a_header_that_is_no_token(site: Site, header: str) -> None:
    """It is refused with one sentence, never with an error of ours."""
    answer = site.client.get("/api/v1/entries", headers={b"Authorization": header.encode("latin-1")})
    assert answer.status_code == 401
