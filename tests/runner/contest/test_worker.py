"""The queue is worked in its order; what failed on our side is held and attempted again."""

from __future__ import annotations

from contextlib import closing
from datetime import timedelta
from typing import Any

import pytest

from runner.competition.states import EntryState
from runner.contest.queue import queued_entries
from runner.contest.recovery import MAX_ATTEMPTS
from runner.errors import HostNotReadyError, SandboxLostError
from runner.store.competition.records import Act
from runner.store.lease import evaluation_lease
from runner.store.open_store import open_store
from runner.store.paths import archive_path
from runner.submission.load import load_submission
from tests.runner.contest.conftest import NAME, Contest, errors_of

LOST = SandboxLostError("It went away.")


def test_entries_end_as_their_evaluations(contest: Contest) -> None:
    """Scored, failed with its reason, and both of equal content, which is evaluated once."""
    for team in ("alpha", "beta"):
        contest.hand_in(team)
    contest.hand_in("gamma", code="CRASH = True")
    contest.sync()
    assert contest.work() == 3
    assert contest.states() == {
        "alpha/mine.py": "scored",
        "beta/mine.py": "scored",
        "gamma/mine.py": "failed",
    }
    alpha, beta, gamma = contest.entries()
    assert alpha.evaluation == beta.evaluation != gamma.evaluation
    assert "crashed" in (gamma.reason or "")
    assert alpha.seconds > 0
    assert contest.opened == [("feedback", "feedback")]
    assert contest.work() == 0


def test_teams_take_turns(contest: Contest) -> None:
    """A team that hands in much at once does not fill the queue."""
    for number in range(3):
        contest.hand_in("alpha", f"a{number}", code=f"SHIFT = 0.{number}")
    contest.hand_in("beta", "b0", code="SHIFT = 0.5")
    contest.sync()
    with contest.store() as store:
        places = queued_entries(store, contest.folder, contest.competition)
    assert [place.entry.team for place in places] == ["alpha", "beta", "alpha", "alpha"]
    assert {place.starts_in for place in places[1:]} == {None}  # nothing is measured yet
    assert contest.work(2) == 2
    assert contest.script().evaluated == ["a0", "b0"]


def test_expected_times_follow_from_what_was_measured(contest: Contest) -> None:
    """Once an evaluation has ended, the queue says when each is likely to begin."""
    contest.stores = True
    contest.hand_in("alpha", "a0")
    contest.sync()
    contest.work()
    for name in ("a1", "a2"):
        contest.hand_in("alpha", name, code=f"SHIFT = 0.{name[1]}")
    contest.sync()
    with contest.store() as store:
        store.add_seconds(store.evaluations()[0].id, 32.0)
        times = [place.starts_in for place in queued_entries(store, contest.folder, contest.competition)]
    assert times == pytest.approx([0.0, 32.0])


def test_what_failed_on_our_side_is_tried_again(contest: Contest) -> None:
    """A lost sandbox holds the entry, the others go on, and the second attempt counts."""
    for team in ("alpha", "beta"):
        contest.hand_in(team, team)
    errors_of(contest, "alpha", LOST)
    contest.sync()
    assert contest.work() == 2
    assert contest.work(later=timedelta(minutes=4)) == 0
    assert contest.work(later=timedelta(minutes=6)) == 1
    assert contest.script().evaluated == ["alpha", "beta", "alpha"]
    assert set(contest.states().values()) == {"scored"}
    assert contest.entries(team="alpha")[0].attempts == 1


@pytest.mark.parametrize("error", [LOST, KeyError("a bug of ours")], ids=str)
def test_after_some_attempts_an_organizer_decides(contest: Contest, error: Exception) -> None:
    """It stays held with the reason, uses no quota, and no later command tries it by itself."""
    contest.phase_fields()["quota"] = {"in_flight": 1, "total": 1}
    contest.write()
    contest.hand_in("alpha", "alpha")
    contest.hand_in("beta", "beta")
    errors_of(contest, "alpha", *([error] * 10))
    contest.sync()
    assert contest.work(later=timedelta(hours=1)) == MAX_ATTEMPTS + 1
    assert contest.states() == {"alpha/alpha.py": "held", "beta/beta.py": "scored"}
    entry = contest.entries(team="alpha")[0]
    assert entry.attempts == MAX_ATTEMPTS
    assert "away" in (entry.reason or "") or "bug of ours" in (entry.reason or "")
    assert contest.work(later=timedelta(days=1)) == 0
    contest.hand_in("alpha", "second")
    assert sum(file.is_new for file in contest.sync()) == 1


def test_a_host_that_cannot_run_stops_the_command(contest: Contest) -> None:
    """The entry is held without an attempt of its own, the others stay queued, and the next command goes on."""
    for team in ("alpha", "beta"):
        contest.hand_in(team, team)
    errors_of(contest, "alpha", HostNotReadyError("No engine."))
    contest.sync()
    with pytest.raises(HostNotReadyError, match="No engine"):
        contest.work()
    assert contest.states() == {"alpha/alpha.py": "held", "beta/beta.py": "queued"}
    assert contest.entries(team="alpha")[0].attempts == 0
    assert contest.work() == 2
    assert set(contest.states().values()) == {"scored"}


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(130)], ids=type)
def test_an_interrupted_entry_is_queued_again(contest: Contest, error: BaseException) -> None:
    """Ctrl-C costs nobody an attempt."""
    contest.hand_in("alpha", "alpha")
    errors_of(contest, "alpha", error)
    contest.sync()
    with pytest.raises(type(error)):
        contest.work()
    assert [(entry.state, entry.attempts) for entry in contest.entries()] == [("queued", 0)]
    assert contest.work() == 1


def start(contest: Contest, *steps: EntryState, **values: Any) -> int:
    """Hand in, and leave the entry as a process does that is killed at some moment."""
    contest.hand_in("alpha", "alpha")
    (file,) = contest.sync()
    assert file.entry is not None
    with contest.store() as store:
        store.move_entry(file.entry.id, *steps, **values)
    return file.entry.id


@pytest.mark.parametrize(
    "steps", [(EntryState.RUNNING,), (EntryState.RUNNING, EntryState.SCORING)], ids=("running", "scoring")
)
def test_the_entry_of_a_killed_process_is_queued_again(
    contest: Contest, steps: tuple[EntryState, ...]
) -> None:
    """Nobody holds its lease; where somebody does, it is left alone."""
    entry = start(contest, *steps, evaluation="0123456789ab")
    with (
        closing(open_store(contest.store_folder, create=False)) as store,
        evaluation_lease(store.database, contest.store_folder, "entry-0123456789ab"),
    ):
        assert contest.work() == 0
    assert contest.entries()[0].state is steps[-1]
    assert contest.work() == 1
    assert contest.states() == {"alpha/alpha.py": "scored"}
    assert f"entry {entry}: its process has ended, so it is queued again" in contest.reports


def test_another_process_is_not_disturbed(contest: Contest) -> None:
    """An entry whose content somebody evaluates is left in the queue, and the others are evaluated."""
    for team in ("alpha", "beta"):
        contest.hand_in(team, team, code=f"# {team}")
    synced = contest.sync()
    assert synced[0].entry is not None
    with contest.store() as store:
        submission = archive_path(contest.store_folder, synced[0].entry.archive_sha256 or "")
        name = contest.script().evaluation(load_submission(submission))
        with evaluation_lease(store.database, contest.store_folder, f"entry-{name}"):
            assert contest.work() == 1
    assert contest.states() == {"alpha/alpha.py": "queued", "beta/beta.py": "scored"}


@pytest.mark.parametrize("state", [EntryState.WITHDRAWN, EntryState.DISQUALIFIED])
def test_what_an_organizer_does_meanwhile_stands(contest: Contest, state: EntryState) -> None:
    """An entry that is taken out while it runs stays out; its time is its team's."""
    contest.hand_in("alpha", "alpha")
    (file,) = contest.sync()
    assert file.entry is not None
    number = file.entry.id

    def take_out(_submission: object) -> None:
        with contest.store() as store:
            store.move_entry(number, state, reason="by mail", act=Act(who="me", act=state, subject="1"))

    contest.script().meanwhile = take_out
    contest.work()
    (entry,) = contest.entries()
    assert (entry.state, entry.reason) == (state, "by mail")
    assert entry.seconds > 0


@pytest.mark.parametrize("damage", ["missing", "changed"])
def test_a_damaged_archive_is_our_fault(contest: Contest, damage: str) -> None:
    """It is held, and no other entry suffers."""
    for team in ("alpha", "beta"):
        contest.hand_in(team, team, code=f"# {team}")
    contest.sync()
    archives = [archive_path(contest.store_folder, each.archive_sha256 or "") for each in contest.entries()]
    if damage == "missing":
        archives[0].unlink()
    else:
        archives[0].write_bytes(archives[1].read_bytes())
    contest.work()
    assert contest.states() == {"alpha/alpha.py": "held", "beta/beta.py": "scored"}


def test_nothing_starts_during_a_pause(contest: Contest) -> None:
    """What is being evaluated ends; the next begins once the competition goes on."""
    for name in "abc":
        contest.hand_in("alpha", name, code=f"# {name}")
    contest.sync()
    act = Act(who="me", act="pause", subject=NAME)

    def pause(_submission: object) -> None:
        with contest.store() as store:
            store.set_paused(NAME, True, act=act)

    contest.script().meanwhile = pause
    assert contest.work() == 1
    assert contest.work() == 0
    contest.script().meanwhile = lambda _submission: None
    with contest.store() as store:
        store.set_paused(NAME, False, act=act)
    assert contest.work() == 2
