"""What teams see of results: states, reports, leaderboards and choices, by the policies of phases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from runner.contest.audience import anonymous_name
from runner.contest.service.publishing import NOT_SHOWN
from runner.contest.service.snapshot import PhaseSnapshot, snapshot_path
from runner.files import write_atomic
from runner.leaderboard.final_model import FinalResults
from tests.runner.contest.conftest import NAME, Contest
from tests.runner.leaderboard.made_up import made_up_final
from tests.runner.web.conftest import CODE, Site, site_of

CRASH = b"# CRASH\n" + CODE


@pytest.fixture
def evaluated(web_contest: Contest) -> Contest:
    """Return a contest whose evaluations are stored, so that they have scores and reports."""
    web_contest.stores = True
    return web_contest


def board(site: Site, visitor: str = "nobody") -> dict[str, Any]:
    answer: dict[str, Any] = site.ask("GET", "/api/v1/phases/feedback/leaderboard", visitor).json()
    return answer


def teams(answer: dict[str, Any]) -> set[str]:
    return {row["team"] for table in answer["board"]["tables"] for row in table["rows"]}


def test_from_a_file_to_a_score(evaluated: Contest) -> None:
    """Received, queued with its place, scored with its score; the upload is gone, the archive is stored."""
    with site_of(evaluated) as site:
        assert board(site)["board"] is None
        number = site.hand_in().json()["entry"]["id"]
        assert site.check() == 1
        assert site.uploads == []
        queued = site.ask("GET", f"/api/v1/entries/{number}").json()
        assert (queued["state"], queued["position"]) == ("queued", 1)
        site.evaluate()
        scored = site.ask("GET", f"/api/v1/entries/{number}").json()
        assert scored["state"] == "scored"
        assert 0 < scored["score"] <= 1
        report = site.ask("GET", f"/api/v1/entries/{number}/report").json()
        assert (report["entry"], report["submission"]) == (number, "mine.py")
        assert report["score"] == scored["score"]
        assert report["feedback"] == "full"
        assert teams(board(site)) == {"alpha"}


@pytest.mark.parametrize("feedback", ["full", "verdict-only"])
def test_a_failed_entry_shows_verdicts(evaluated: Contest, feedback: str) -> None:
    """Its team reads which runs crashed; what a run wrote is in the report under the policy `full` alone."""
    file = evaluated.folder / "feedback" / "challenge.toml"
    text = file.read_text()
    assert 'feedback = "full"' in text
    file.write_text(text.replace('feedback = "full"', f'feedback = "{feedback}"'))
    with site_of(evaluated) as site:
        number = site.hand_in(code=CRASH).json()["entry"]["id"]
        site.evaluate()
        entry = site.ask("GET", f"/api/v1/entries/{number}").json()
        assert (entry["state"], entry["score"]) == ("failed", None)
        assert "crashed in" in entry["reason"]
        report = site.ask("GET", f"/api/v1/entries/{number}/report")
        assert report.json()["feedback"] == feedback
        assert ("ValueError: no" in report.text) == (feedback == "full")


def test_a_file_that_is_no_submission_is_refused_by_the_check(site: Site) -> None:
    """The web service takes it without looking into it; the check says what is wrong with it."""
    number = site.hand_in(code=b"PK\x03\x04 is no archive", name="a.zip").json()["entry"]["id"]
    assert site.check() == 1
    entry = site.ask("GET", f"/api/v1/entries/{number}").json()
    assert entry["state"] == "refused"
    assert "a.zip" in entry["reason"]
    assert site.ask("GET", f"/api/v1/entries/{number}/report").status_code == 404
    assert site.uploads == []


def test_a_frozen_board_and_hidden_scores(evaluated: Contest) -> None:
    """After the freeze a team sees the state of its entry, and no score: not in the list, not in the report."""
    evaluated.phase_fields()["leaderboard"] = {"freezes": datetime.fromisoformat("2021-01-01")}
    evaluated.write()
    with site_of(evaluated) as site:
        number = site.hand_in().json()["entry"]["id"]
        site.evaluate()
        entry = site.ask("GET", f"/api/v1/entries/{number}").json()
        assert (entry["state"], entry["score"]) == ("scored", None)
        report = site.ask("GET", f"/api/v1/entries/{number}/report").json()
        assert (report["score"], report["no_score"]) == (None, NOT_SHOWN)
        shown = board(site)
        assert teams(shown) == set()
        assert "Frozen: entries received from 2021-01-01" in shown["remarks"][0]


def test_a_phase_that_hides_its_scores(evaluated: Contest) -> None:
    """There is no board at all; states are shown."""
    evaluated.phase_fields()["leaderboard"] = {"shown": False}
    evaluated.write()
    with site_of(evaluated) as site:
        number = site.hand_in().json()["entry"]["id"]
        site.evaluate()
        shown = board(site, "alpha")
        assert shown["board"] is None
        assert shown["remarks"] == ["The scores of this phase are not shown."]
        entry = site.ask("GET", f"/api/v1/entries/{number}").json()
        assert (entry["state"], entry["score"]) == ("scored", None)


def test_on_an_anonymous_board_a_team_finds_itself(evaluated: Contest) -> None:
    """Others' names are hidden from everybody, and its own is not from itself."""
    evaluated.phase_fields()["leaderboard"] = {"names": "anonymous"}
    evaluated.write()
    with site_of(evaluated) as site:
        site.hand_in()
        site.hand_in("beta", CODE + b"#")
        site.evaluate()
        with evaluated.store() as store:
            secret = store.competition_secret(NAME)
        hidden = {team: anonymous_name(secret, team) for team in ("alpha", "beta")}
        assert teams(board(site)) == set(hidden.values())
        assert teams(board(site, "alpha")) == {"alpha", hidden["beta"]}
        assert teams(board(site, "beta")) == {"beta", hidden["alpha"]}
        text = site.ask("GET", "/api/v1/phases/feedback/leaderboard", "beta").text
        assert "alpha" not in text
        assert "mine" not in text


def test_a_list_has_pages(web_contest: Contest) -> None:
    """The newest come first; an organizer sees those of all teams."""
    with site_of(web_contest) as site:
        numbers = [site.hand_in(code=CODE + bytes([65 + n])).json()["entry"]["id"] for n in range(3)]
        site.hand_in("beta")
        listed = site.ask("GET", "/api/v1/entries").json()
        assert [entry["id"] for entry in listed["entries"]] == numbers[::-1]
        assert listed["more_before"] is None
        before = site.ask("GET", "/api/v1/entries", params={"before": numbers[-1]}).json()
        assert [entry["id"] for entry in before["entries"]] == numbers[1::-1]
        all_teams = site.ask("GET", "/api/v1/entries", "organizer").json()["entries"]
        assert {entry["team"] for entry in all_teams} == {"alpha", "beta"}
        assert site.ask("GET", "/api/v1/entries", params={"phase": "none"}).status_code == 404


def test_a_running_entry_cannot_be_taken_back(evaluated: Contest) -> None:
    """What has run has told something; the sentence says so."""
    with site_of(evaluated) as site:
        number = site.hand_in().json()["entry"]["id"]
        site.evaluate()
        answer = site.ask("POST", f"/api/v1/entries/{number}/cancel")
        assert answer.status_code == 409
        assert "cannot be taken back" in answer.json()["detail"]


def test_a_team_chooses_for_the_final(evaluated: Contest) -> None:
    """An entry of its own that is scored; others' and unknown ones are unknown, unscored ones refused."""
    with site_of(evaluated) as site:
        first = site.hand_in().json()["entry"]["id"]
        other = site.hand_in("beta", CODE + b"#").json()["entry"]["id"]
        site.evaluate()
        waiting = site.hand_in(code=CODE + b"##").json()["entry"]["id"]
        path = "/api/v1/phases/final/choice"
        for entries, status in (
            ([first], 200),
            ([other], 404),
            ([999], 404),
            ([waiting], 409),
            ([first, first], 200),
        ):
            assert site.ask("PUT", path, json={"entries": entries}).status_code == status, entries
        assert site.ask("GET", path).json() == {"entries": [first]}
        assert site.ask("GET", path, "beta").json() == {"entries": []}
        assert site.ask("GET", "/api/v1/phases/feedback/choice").status_code == 404
        assert site.ask("GET", "/api/v1/phases/final/leaderboard").json()["board"] is None


@pytest.mark.parametrize("names", ["teams", "anonymous"])
def test_the_results_of_a_final_once_they_are_published(web_contest: Contest, names: str) -> None:
    """To everybody, as JSON and as a page; on an anonymous one a team finds itself; hidden scores stay so."""
    web_contest.phase_fields("final")["leaderboard"] = {"names": names}
    web_contest.write()
    with web_contest.store() as store:
        secret = store.competition_secret(NAME)
    hidden = [anonymous_name(secret, team) for team in ("beta", "alpha")]
    results = made_up_final(hidden if names == "anonymous" else ["beta", "alpha"], who="<b>me</b>")
    path, page = "/api/v1/phases/final/leaderboard", "/phases/final/leaderboard"

    def write(final: FinalResults | None) -> None:
        snapshot = PhaseSnapshot(
            updated=datetime.now(UTC), submission_bytes=1, board=None, results={}, final=final
        )
        write_atomic(snapshot_path(web_contest.store_folder, "final"), snapshot.model_dump_json().encode())

    write(None)
    with site_of(web_contest) as site:
        assert site.ask("GET", path, "nobody").json()["final"] is None
        assert "Organizers announce the results" in site.client.get(page).text
        assert "Results of final" not in site.client.get("/").text
        write(results)
        shown = site.ask("GET", path, "alpha").json()["final"]["rows"]
        own = "alpha" if names == "anonymous" else None
        assert [row["team"] for row in shown] == [results.rows[0].team, own or results.rows[1].team]
        text = site.client.get(page).text
        assert "tug_of_war, higher is better" in text
        assert results.rows[0].team in text
        assert "&lt;b&gt;me&lt;/b&gt;" in text
        assert "<b>me" not in text
        assert "Results of final" in site.client.get("/").text
        assert site.ask("GET", "/api/v1/phases/final").json()["results_shown"]
    web_contest.phase_fields("final")["leaderboard"] = {"shown": False}
    web_contest.write()
    with site_of(web_contest) as site:
        assert site.ask("GET", path, "alpha").json()["final"] is None
        assert results.rows[0].team not in site.client.get(page).text


def test_figures_for_operators(web_contest: Contest) -> None:
    """Entries by phase and state, with a token; behind a proxy not even this machine gets them without one."""
    with site_of(web_contest) as site:
        site.hand_in()
        text = site.ask("GET", "/metrics", "metrics").text
        assert 'phase="feedback",state="received"} 1' in text
        assert "unlearn_competition_disk_free_bytes" in text


def test_old_uploads_without_an_entry_are_removed(site: Site) -> None:
    """After a day, and only then; what an entry needs stays however old it is."""
    import os

    from runner.web.intake.uploads import KEPT_SECONDS, sweep_uploads

    site.hand_in()
    (needed,) = site.uploads
    folder, old = needed.parent, datetime.now(UTC) - timedelta(seconds=KEPT_SECONDS + 60)
    names = ["a" * 64 + "." + "b" * 16, ".partial-x", "somebody's"]
    for name in names:
        (folder / name).write_bytes(b"x")
    for file in (needed, *(folder / name for name in names)):
        os.utime(file, (old.timestamp(), old.timestamp()))
    (folder / ".partial-young").write_bytes(b"x")
    with site.contest.store() as store:
        assert sweep_uploads(folder, store.needed_uploads()) == 2
    assert {file.name for file in site.uploads} == {needed.name, ".partial-young", "somebody's"}
