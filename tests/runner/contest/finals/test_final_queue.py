"""The entries of a final are queued once: only when nothing can change the results that they come from."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from runner.competition.states import EntryState
from runner.contest.final import FINAL_ACT, Final, require_choice
from runner.contest.opened import open_contest
from runner.errors import ConfigurationError
from runner.store.competition.records import Act
from tests.runner.contest.conftest import NAME, Contest

ACT = Act(who="me", act="rejudge", subject="", reason="a new image")


@pytest.fixture
def judged(contest: Contest) -> Contest:
    """Return a contest in which alpha (entry 1) and beta (entry 2) have a score."""
    contest.stores = True
    for team, code in (("alpha", "SHIFT = 0.0"), ("beta", "SHIFT = 6.0")):
        contest.hand_in(team, team, code=code)
    contest.sync()
    contest.work()
    return contest


def queue(contest: Contest) -> int:
    with open_contest(contest.folder, contest.store_folder) as opened:
        final = Final(contest=opened, phase=opened.phase("final"))
        return final.queue(who="me", now=datetime.now(UTC))


def acts(contest: Contest) -> list[str]:
    with contest.store() as store:
        return [act.act for act in store.audit(NAME)]


@pytest.mark.parametrize(
    ("steps", "sentence"),
    [
        ((), "Entry 3 of phase feedback is queued"),
        ((EntryState.RUNNING,), "Entry 3 of phase feedback is running"),
        ((EntryState.HELD,), "Entry 3 of phase feedback is held"),
    ],
)
def test_not_while_an_entry_could_still_get_a_score(
    judged: Contest, steps: tuple[EntryState, ...], sentence: str
) -> None:
    """The first of them is named; once it has ended or is out, the final is queued."""
    judged.hand_in("gamma", "gamma", code="SHIFT = 3.0")
    judged.sync()
    judged.close_choice()
    with judged.store() as store:
        store.move_entry(3, *steps)
    with pytest.raises(ConfigurationError, match=sentence):
        queue(judged)
    assert FINAL_ACT not in acts(judged)
    with judged.store() as store:
        store.move_entry(3, EntryState.WITHDRAWN, reason="by mail")
    assert queue(judged) == 4


@pytest.mark.parametrize("end", ["apply", "cancel"])
def test_not_while_entries_are_judged_again(judged: Contest, end: str) -> None:
    """Evaluated or not, it has to be applied or cancelled first."""
    with judged.store() as store:
        store.begin_rejudging(NAME, [1], act=ACT)
    judged.close_choice()
    with pytest.raises(ConfigurationError, match="Rejudging 1 of phase feedback is open"):
        queue(judged)
    judged.work()
    with pytest.raises(ConfigurationError, match="Rejudging 1 of phase feedback is open"):
        queue(judged)
    with judged.store() as store:
        (store.apply_rejudging if end == "apply" else store.cancel_rejudging)(NAME, 1, act=ACT)
    assert queue(judged) == 4


def test_not_without_participants(judged: Contest) -> None:
    """Nothing is recorded, so that it can be queued once somebody takes part."""
    judged.close_choice()
    with judged.store() as store:
        store.revoke_team(NAME, "alpha", act=ACT)
        store.move_entry(2, EntryState.DISQUALIFIED, reason="copied")
    with pytest.raises(ConfigurationError, match="Nobody takes part"):
        queue(judged)
    assert FINAL_ACT not in acts(judged)


def test_it_is_queued_once_and_then_nothing_is_chosen(judged: Contest) -> None:
    """Rows and act are one transaction; a choice afterwards would be ignored, so it is refused."""
    judged.close_choice()
    assert queue(judged) == 4
    with pytest.raises(ConfigurationError, match="queued already"):
        queue(judged)
    assert len(judged.entries(phase="final")) == 4
    assert acts(judged).count(FINAL_ACT) == 1
    with open_contest(judged.folder, judged.store_folder) as opened:
        final = Final(contest=opened, phase=opened.phase("final"))
        with pytest.raises(ConfigurationError, match="queued already"):
            require_choice(final, "alpha", judged.entries(team="alpha"), datetime(2020, 6, 1, tzinfo=UTC))


def test_a_revoked_team_wins_nothing(judged: Contest) -> None:
    """Revoked after the final was evaluated, it has no standing."""
    judged.close_choice()
    queue(judged)
    judged.work()
    with open_contest(judged.folder, judged.store_folder) as opened:
        final = Final(contest=opened, phase=opened.phase("final"))
        assert [each.team for each in final.standings()] == ["alpha", "beta"]
        opened.store.revoke_team(NAME, "alpha", act=ACT)
        assert [(each.team, each.rank) for each in final.standings()] == [("beta", 1)]


def test_what_is_being_judged_again_is_not_chosen(judged: Contest) -> None:
    """Teams do not see it."""
    with judged.store() as store:
        store.begin_rejudging(NAME, [1], act=ACT)
        pending = store.competition_entry(NAME, 3)
    with open_contest(judged.folder, judged.store_folder) as opened:
        final = Final(contest=opened, phase=opened.phase("final"))
        with pytest.raises(ConfigurationError, match="Team alpha has no entry 3"):
            require_choice(final, "alpha", [pending], datetime(2020, 6, 1, tzinfo=UTC))
