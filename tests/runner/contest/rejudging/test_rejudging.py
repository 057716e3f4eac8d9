"""Rejudging: new results stand beside the old ones until they are applied or cancelled, all of them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from runner.competition.phase import Quota
from runner.competition.quota import allowance
from runner.competition.states import EntryState
from runner.contest.board import phase_board
from runner.contest.final import Final
from runner.contest.opened import open_contest
from runner.contest.rejudging.review import rejudged, selected_entries
from runner.errors import ConfigurationError
from runner.progress import NullReporter
from runner.store.competition.records import Act
from tests.runner.contest.conftest import NAME, Contest

ACT = Act(who="me", act="rejudge", subject="", reason="a new image")


@pytest.fixture
def judged(contest: Contest) -> Contest:
    """Return a contest in which alpha and beta have a score, and gamma failed."""
    for team, code in (("alpha", "SHIFT = 0.0"), ("beta", "SHIFT = 6.0"), ("gamma", "CRASH = 1")):
        contest.hand_in(team, team, code=code)
    contest.stores = True
    contest.sync()
    contest.work()
    return contest


def start(contest: Contest, *numbers: int) -> int:
    with open_contest(contest.folder, contest.store_folder) as opened:
        selected = selected_entries(opened, opened.phase("feedback"), numbers)
        return opened.store.begin_rejudging(NAME, selected, act=ACT)


def scores(contest: Contest) -> dict[str | None, float | None]:
    """Return the score of each team on the board that everybody sees."""
    with open_contest(contest.folder, contest.store_folder) as opened:
        board = phase_board(opened, opened.phase("feedback"), NullReporter()).for_public()
    return {row.team: row.score for row in board.all_rows()}


def shown(contest: Contest, batch: int) -> list[tuple[int, str, bool]]:
    with open_contest(contest.folder, contest.store_folder) as opened:
        return [
            (pair.old.id, str(pair.new.state), pair.is_same_evaluation) for pair in rejudged(opened, batch)
        ]


def test_nothing_changes_before_it_is_applied(judged: Contest) -> None:
    """Boards, quotas and finals know the old results; then the new ones, with the old time of receipt."""
    before, past = scores(judged), judged.entries()
    batch = start(judged)
    assert shown(judged, batch) == [(number, "queued", False) for number in (1, 2, 3)]
    assert scores(judged) == before
    assert judged.entries() == past
    assert judged.work() == 3
    assert [state for _, state, _ in shown(judged, batch)] == ["scored", "scored", "failed"]
    assert judged.entries() == past
    with judged.store() as store:
        quota = store.past_entries(NAME, "feedback", "alpha")
        assert store.apply_rejudging(NAME, batch, act=ACT) == 3
        assert len(store.past_entries(NAME, "feedback", "alpha")) == len(quota) == 1
    assert scores(judged) == before
    states = {entry.id: (str(entry.state), entry.source) for entry in judged.entries()}
    assert states == {
        1: ("superseded", None),
        2: ("superseded", None),
        3: ("superseded", None),
        4: ("scored", 1),
        5: ("scored", 2),
        6: ("failed", 3),
    }
    received = {entry.id: entry.received for entry in judged.entries()}
    assert [received[number + 3] for number in (1, 2, 3)] == [received[number] for number in (1, 2, 3)]
    again = start(judged)
    assert [old for old, _, _ in shown(judged, again)] == [4, 5, 6]


def test_what_failed_uses_no_other_quota_once_it_is_judged_again(contest: Contest) -> None:
    """Its last result that applies counts: a crash stays a crash, and a score uses the quota."""
    for name in ("a", "b"):
        contest.hand_in("alpha", name, code="CRASH = 1")
    contest.hand_in("beta", "b")
    contest.sync()
    contest.work()
    for _again in range(2):
        batch = start(contest)
        contest.work()
        with contest.store() as store:
            store.apply_rejudging(NAME, batch, act=ACT)
    start(contest)  # pending: nothing knows it yet
    states = {}
    with contest.store() as store:
        for team in ("alpha", "beta"):
            past = store.past_entries(NAME, "feedback", team)
            states[team] = [entry.state for entry in past]
            answer = allowance(Quota(total=2), past, datetime.now(UTC), contest.competition.zone)
            assert answer.remaining == {"alpha": 2, "beta": 1}[team]
        store.move_entry(9, EntryState.DISQUALIFIED, reason="copied", act=ACT)
        assert [entry.state for entry in store.past_entries(NAME, "feedback", "beta")] == ["disqualified"]
    assert states == {"alpha": ["failed", "failed"], "beta": ["scored"]}


def test_the_same_evaluation_is_said_to_be_the_same(judged: Contest) -> None:
    """Where neither image nor challenge has changed nothing is executed again."""
    evaluated = len(judged.script().evaluated)
    batch = start(judged, 1)
    judged.work()
    assert len(judged.script().evaluated) == evaluated + 1
    assert shown(judged, batch) == [(1, "scored", True)]


def test_it_is_applied_or_cancelled_as_a_whole(judged: Contest) -> None:
    """Not while an entry has not ended, and not twice; a cancelled one leaves no trace on any board."""
    before = scores(judged)
    batch = start(judged)
    judged.work(2)
    with judged.store() as store:
        with pytest.raises(ConfigurationError, match="has not ended"):
            store.apply_rejudging(NAME, batch, act=ACT)
        with pytest.raises(ConfigurationError, match="already"):
            store.begin_rejudging(NAME, [1], act=ACT)
        store.cancel_rejudging(NAME, batch, act=ACT)
        for change in (store.apply_rejudging, store.cancel_rejudging):
            with pytest.raises(ConfigurationError, match="is over"):
                change(NAME, batch, act=ACT)
            with pytest.raises(ConfigurationError, match="no rejudging"):
                change(NAME, 99, act=ACT)
    assert judged.work() == 0
    assert scores(judged) == before
    assert [entry.id for entry in judged.entries()] == [1, 2, 3]
    second = start(judged, 2)
    assert second == batch + 1


def test_choices_and_disqualifications_follow(judged: Contest) -> None:
    """What a team chose is chosen in its new form; what was taken out meanwhile stays out."""
    with judged.store() as store:
        store.choose_entries(NAME, "final", "alpha", [1], require=lambda _now: None, act=ACT)
    batch = start(judged)
    judged.work()
    with judged.store() as store:
        store.move_entry(2, EntryState.DISQUALIFIED, reason="copied", act=ACT)
        assert store.apply_rejudging(NAME, batch, act=ACT) == 2
        assert store.choices(NAME, "final") == {"alpha": frozenset({4})}
    assert list(scores(judged)) == ["alpha"]
    with open_contest(judged.folder, judged.store_folder) as opened:
        final = Final(contest=opened, phase=opened.phase("final"))
        assert [entry.id for entry in final.participants()] == [4]


def test_a_choice_is_moved_once(judged: Contest) -> None:
    """Where old and new entry are chosen, the new one is chosen afterwards."""
    batch = start(judged, 1)
    judged.work()
    with judged.store() as store:
        store.choose_entries(NAME, "final", "alpha", [1, 4], require=lambda _now: None, act=ACT)
        assert store.apply_rejudging(NAME, batch, act=ACT) == 1
        assert store.choices(NAME, "final") == {"alpha": frozenset({4})}


@pytest.mark.parametrize("state", [EntryState.WITHDRAWN, EntryState.DISQUALIFIED])
@pytest.mark.parametrize("change", ["apply_rejudging", "cancel_rejudging"])
def test_a_new_entry_that_is_out_locks_nothing(judged: Contest, state: EntryState, change: str) -> None:
    """The others are applied or cancelled, its old one counts, and may be judged again."""
    batch = start(judged, 1, 2)
    judged.work()
    with judged.store() as store:
        store.move_entry(4, state, reason="by mistake")
        getattr(store, change)(NAME, batch, act=ACT)
        assert store.competition_entry(NAME, 1).state is EntryState.SCORED
        assert store.competition_entry(NAME, 4).state is state
        with pytest.raises(ConfigurationError, match="is over"):
            store.cancel_rejudging(NAME, batch, act=ACT)
    assert start(judged, 1) == batch + 1


def test_a_moved_challenge_is_judged_where_it_is(judged: Contest) -> None:
    """New entries go to the challenge that the phase names now."""
    with judged.store() as store:
        store.begin_rejudging(NAME, [1], act=ACT, challenge="elsewhere")
        assert store.competition_entry(NAME, 4).challenge == "elsewhere"
        assert store.competition_entry(NAME, 1).challenge == "feedback"


def test_judging_again_costs_no_team_its_turn(judged: Contest) -> None:
    """Time that organizers spend does not count, nor does earlier time count as new."""
    long_ago, applied = datetime(2020, 1, 1, tzinfo=UTC), datetime.now(UTC)
    with judged.store() as store:
        store.move_entry(1, seconds=100.0)
        store.move_entry(2, seconds=100.0)
    batch = start(judged, 1)
    judged.work()
    with judged.store() as store:
        store.move_entry(4, seconds=100.0)
        store.apply_rejudging(NAME, batch, act=ACT)
        assert "alpha" not in store.used_seconds(NAME, applied)
        assert store.used_seconds(NAME, long_ago)["beta"] >= 100.0


def test_what_cannot_be_judged_again(judged: Contest) -> None:
    """A final, entries of other phases, what has not ended, and a phase whose final was queued."""
    judged.hand_in("alpha", "waiting", code="# waiting")
    judged.sync()
    for numbers in ((4,), (99,)):
        with pytest.raises(ConfigurationError):
            start(judged, *numbers)
    judged.work()
    judged.close_choice()
    with open_contest(judged.folder, judged.store_folder) as opened:
        with pytest.raises(ConfigurationError, match="is a final"):
            selected_entries(opened, opened.phase("final"), [])
        Final(contest=opened, phase=opened.phase("final")).queue(who="me", now=datetime.now(UTC))
    with pytest.raises(ConfigurationError, match="already"):
        start(judged)
