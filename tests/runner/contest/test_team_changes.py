"""A team is merged into another, or deleted: entries, quota, choices, boards and finals follow."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from runner.cli.main import run_words
from runner.competition.phase import Quota
from runner.competition.quota import allowance
from runner.competition.states import EntryState
from runner.contest.board import phase_board
from runner.contest.final import Final
from runner.contest.opened import open_contest
from runner.errors import ConfigurationError
from runner.progress import NullReporter
from runner.store.competition.records import Act, RecordedAct
from tests.runner.contest.conftest import NAME, Contest

ACT = Act(who="me", act="team merge", subject="alpha", reason="the same people")


@pytest.fixture
def judged(contest: Contest) -> Contest:
    """Return a contest in which alpha and beta have a score, and alpha an entry that waits."""
    contest.stores = True
    for team, code in (("alpha", "SHIFT = 0.0"), ("beta", "SHIFT = 6.0")):
        contest.hand_in(team, team, code=code)
    contest.sync()
    contest.work()
    contest.hand_in("alpha", "waits", code="CRASH = 1")
    contest.sync()
    return contest


def typed(contest: Contest, command: str, *words: object) -> None:
    store = ["--store", str(contest.store_folder)]
    run_words(["competition", *command.split(), str(contest.folder), *map(str, words), *store])


def board(contest: Contest) -> list[tuple[str | None, str]]:
    with open_contest(contest.folder, contest.store_folder) as opened:
        shown = phase_board(opened, opened.phase("feedback"), NullReporter()).for_public()
    return [(row.team, row.submission) for row in shown.all_rows()]


def last_act(contest: Contest) -> RecordedAct:
    with contest.store() as store:
        return store.audit(NAME)[-1]


def test_entries_of_a_merged_team_are_those_of_the_other(judged: Contest) -> None:
    """With their time of receipt and their quota; of both its best has a rank, and what waits still runs."""
    before = {entry.id: entry.received for entry in judged.entries()}
    assert board(judged) == [("alpha", "alpha"), ("beta", "beta")]
    typed(judged, "team merge", "alpha", "--into", "beta", "--reason", "the same people")
    assert {entry.team for entry in judged.entries()} == {"beta"}
    assert {entry.id: entry.received for entry in judged.entries()} == before
    assert board(judged) == [("beta", "alpha")]
    assert judged.work() == 1
    with judged.store() as store:
        past = store.past_entries(NAME, "feedback", "beta")
        left = allowance(Quota(total=3), past, datetime.now(UTC), UTC).remaining
        teams = {team.name: team for team in store.teams(NAME)}
    assert (len(past), left) == (3, 1)
    assert teams["alpha"].revoked is not None
    assert teams["alpha"].merged_into == "beta"
    act = last_act(judged)
    assert (act.act, act.subject) == ("team merge", "alpha")
    assert act.reason == "into beta: the same people (2 entries: 1, 3)"


def test_a_merged_team_hands_nothing_in(judged: Contest) -> None:
    """Neither from its folder nor under its name, which stays taken; nor is it merged once more."""
    with judged.store() as store:
        store.merge_team(NAME, "alpha", "beta", act=ACT)
    judged.hand_in("alpha", "again")
    (result,) = (file for file in judged.sync() if file.entry is None)
    assert result.sentence == "Team alpha was merged into beta."
    with judged.store() as store:
        with pytest.raises(ConfigurationError, match="a team alpha already"):
            store.add_team(NAME, "alpha", token_sha256=None, who="me")
        with pytest.raises(ConfigurationError, match="was merged into beta"):
            store.merge_team(NAME, "alpha", "gamma", act=ACT)
        with pytest.raises(ConfigurationError, match="was merged into beta"):
            store.merge_team(NAME, "gamma", "alpha", act=ACT)
        with pytest.raises(ConfigurationError, match="was merged into beta"):
            store.delete_team(NAME, "alpha", act=ACT)
        with pytest.raises(ConfigurationError, match="into itself"):
            store.merge_team(NAME, "beta", "beta", act=ACT)
        with pytest.raises(ConfigurationError, match="no team 'delta'"):
            store.merge_team(NAME, "delta", "beta", act=ACT)


@pytest.mark.parametrize("own", [True, False])
def test_the_choice_of_the_team_that_goes_on_counts(judged: Contest, own: bool) -> None:
    """That of the merged one only where there is no other; a dropped one is in the audit."""
    with judged.store() as store:
        store.choose_entries(NAME, "final", "alpha", [1], require=lambda _now: None, act=ACT)
        if own:
            store.choose_entries(NAME, "final", "beta", [2], require=lambda _now: None, act=ACT)
        change = store.merge_team(NAME, "alpha", "beta", act=ACT)
        assert store.choices(NAME, "final") == {"beta": frozenset({2 if own else 1})}
    assert change.choices == (["final"] if own else [])
    assert ("choice dropped: final" in (last_act(judged).reason or "")) == own


def test_of_a_team_that_is_merged_after_the_final_the_best_has_a_rank(judged: Contest) -> None:
    """Its entries stay in the final; they no longer hold two places."""
    judged.work()
    judged.close_choice()
    with open_contest(judged.folder, judged.store_folder) as opened:
        final = Final(contest=opened, phase=opened.phase("final"))
        final.queue(who="me", now=datetime.now(UTC))
    judged.work()
    with open_contest(judged.folder, judged.store_folder) as opened:
        opened.store.merge_team(NAME, "alpha", "beta", act=ACT)
        final = Final(contest=opened, phase=opened.phase("final"))
        assert [(each.team, each.entry, each.rank) for each in final.standings()] == [
            ("beta", 1, 1),
            ("beta", 2, None),
        ]


def test_entries_of_a_deleted_team_are_withdrawn(judged: Contest) -> None:
    """Also what waits and what is judged again; its choice is dropped, and no board or final has it."""
    with judged.store() as store:
        store.begin_rejudging(NAME, [1], act=ACT)
        store.choose_entries(NAME, "final", "alpha", [1], require=lambda _now: None, act=ACT)
    typed(judged, "team delete", "alpha", "--reason", "at its wish")
    entries = judged.entries(with_pending=True)
    assert {(entry.team, entry.state) for entry in entries} == {
        ("alpha", EntryState.WITHDRAWN),
        ("beta", EntryState.SCORED),
    }
    assert judged.work() == 0
    assert board(judged) == [("beta", "beta")]
    with judged.store() as store:
        assert store.choices(NAME, "final") == {}
        (team,) = (each for each in store.teams(NAME) if each.name == "alpha")
        assert team.deleted == team.revoked is not None
        with pytest.raises(ConfigurationError, match="was deleted"):
            store.delete_team(NAME, "alpha", act=ACT)
    assert last_act(judged).reason == "at its wish (3 entries: 1, 3, 4; choice dropped: final)"
    judged.close_choice()
    with open_contest(judged.folder, judged.store_folder) as opened:
        final = Final(contest=opened, phase=opened.phase("final"))
        assert [entry.team for entry in final.participants()] == ["beta"]


def test_a_deleted_teams_running_entry_ends_without_a_result(judged: Contest) -> None:
    """What the evaluation finds is nobody's any more."""

    def delete(_submission: object) -> None:
        with judged.store() as store:
            store.delete_team(NAME, "alpha", act=ACT)

    judged.script().meanwhile = delete
    judged.work()
    assert judged.states()["alpha/waits.py"] == "withdrawn"
    assert judged.reports[-1] == "entry 3 of alpha: withdrawn while it ran"


def test_superseded_results_of_a_deleted_team_stay_superseded(judged: Contest) -> None:
    """Nothing that was known is lost; the result that counted is withdrawn."""
    with judged.store() as store:
        store.begin_rejudging(NAME, [1], act=ACT)
    judged.work()
    with judged.store() as store:
        store.apply_rejudging(NAME, 1, act=ACT)
        store.delete_team(NAME, "alpha", act=ACT)
        assert store.competition_entry(NAME, 1).state is EntryState.SUPERSEDED
        assert store.competition_entry(NAME, 4).state is EntryState.WITHDRAWN


def test_an_anonymous_export_names_neither_team(judged: Contest) -> None:
    """Of a merged team the other one's name would tell it."""
    typed(judged, "team merge", "alpha", "--into", "beta", "--reason", "the same people")
    typed(judged, "export", judged.folder / "archive", "--anonymous")
    text = (judged.folder / "archive" / "teams.json").read_text()
    text += (judged.folder / "archive" / "audit.json").read_text()
    assert "team merge" in text
    assert '"merged_into": "team-' in text
    assert not [word for word in ("alpha", "beta", "same people") if word in text]
