"""A fault of one phase or one entry, or another process, stops nothing else."""

from __future__ import annotations

from contextlib import closing

import pytest

from runner.cli.main import run_words
from runner.competition.states import EntryState
from runner.contest import worker
from runner.errors import (
    BusyError,
    ConfigurationError,
    HostNotReadyError,
    RunnerError,
    StoreLostError,
    TakenOverError,
    UnmetRequirementError,
)
from runner.store.competition.records import Act, NewCompetitionEntry
from runner.store.lease import evaluation_lease
from runner.store.open_store import open_store
from tests.runner.contest.conftest import NAME, Contest, errors_of


@pytest.fixture
def two_phases(contest: Contest) -> Contest:
    """Return a contest with an entry in feedback, and the same in a final, which comes first."""
    contest.hand_in("alpha")
    contest.sync()
    new = NewCompetitionEntry(
        competition=NAME,
        phase="final",
        team="alpha",
        file_name="last.py",
        archive_sha256=contest.entries()[0].archive_sha256,
        bytes=1,
        challenge="final",
        idempotency_key="1",
    )
    with contest.store() as store:
        store.queue_entries(NAME, lambda: [new], act=Act(who="me", act="final", subject="final"))
    return contest


@pytest.mark.parametrize(
    "error",
    [
        ConfigurationError("There is no challenge."),
        ConfigurationError("Phase final needs a GPU."),
        UnmetRequirementError("Phase final is evaluated with another image."),
        UnmetRequirementError("The engine has no such runtime."),
        UnmetRequirementError("This host has no GPU 7."),
    ],
    ids=str,
)
def test_a_phase_that_cannot_be_evaluated_here_stops_no_other(
    two_phases: Contest, error: RunnerError
) -> None:
    """Its entries stay queued for another host, which is reported once."""
    two_phases.unusable["final"] = error
    assert two_phases.work() == 1
    assert two_phases.states() == {"alpha/mine.py": "scored", "alpha/last.py": "queued"}
    assert [str(error) in line for line in two_phases.reports] == [True, False]
    two_phases.unusable.clear()
    assert two_phases.work() == 1


def test_without_an_engine_the_command_stops(two_phases: Contest) -> None:
    """No phase could be evaluated, whichever is the next."""
    two_phases.unusable["final"] = HostNotReadyError("No engine.")
    with pytest.raises(HostNotReadyError, match="No engine"):
        two_phases.work()
    assert set(two_phases.states().values()) == {"queued"}


def test_a_missing_control_problem_costs_no_attempt(two_phases: Contest) -> None:
    """The entry is held with that sentence, no other of its phase is started, and those of others are."""
    two_phases.script("final").errors["last"] = [ConfigurationError("A control problem is missing.")]
    assert two_phases.work() == 1
    (held,) = two_phases.entries(phase="final")
    assert (held.state, held.attempts, held.reason) == ("held", 0, "A control problem is missing.")
    assert two_phases.states()["alpha/mine.py"] == "scored"
    assert two_phases.work() == 1
    assert two_phases.states()["alpha/last.py"] == "scored"


@pytest.mark.parametrize("error", [BusyError("In use."), TakenOverError("Taken over.")], ids=str)
def test_what_another_command_evaluates_is_left(two_phases: Contest, error: RunnerError) -> None:
    """It is queued without an attempt, the others are evaluated, and the next command takes it."""
    errors_of(two_phases, "mine", error)
    assert two_phases.work() == 1
    (entry,) = two_phases.entries(phase="feedback")
    assert (entry.state, entry.attempts, entry.reason) == ("queued", 0, None)
    assert two_phases.states()["alpha/last.py"] == "scored"
    assert two_phases.work() == 1


def test_a_lost_store_costs_an_entry_nothing(two_phases: Contest) -> None:
    """The command ends, and the entry is queued in one step: held in between, it would leave its place in the
    quota to another, and both would count.
    """
    two_phases.phase_fields()["quota"] = {"total": 1}
    two_phases.write()
    errors_of(two_phases, "mine", StoreLostError("The store cannot be used: it is gone."))
    with pytest.raises(StoreLostError):
        two_phases.work()
    (entry,) = two_phases.entries(phase="feedback")
    assert (entry.state, entry.attempts, entry.reason) == ("queued", 0, "the store was lost")
    two_phases.hand_in("alpha", "another", code="# another")
    assert not any(file.is_new for file in two_phases.sync())
    assert two_phases.work() == 1


def test_locks_that_cannot_be_written_are_not_busy(two_phases: Contest) -> None:
    """The command ends with the reason, and not as if another process had all entries."""
    (two_phases.store_folder / "locks").write_text("no folder")
    with pytest.raises(HostNotReadyError, match="cannot be used"):
        two_phases.work()
    assert set(two_phases.states().values()) == {"queued"}


@pytest.mark.parametrize("after", ["in time", "at the end"])
def test_a_process_that_is_killed_later_is_noticed(
    two_phases: Contest, monkeypatch: pytest.MonkeyPatch, after: str
) -> None:
    """Not only when the command begins: also every few minutes, and before the queue counts as empty."""
    if after == "in time":
        monkeypatch.setattr(worker, "_LOOK_SECONDS", 0.0)
    (entry,) = two_phases.entries(phase="feedback")
    with closing(open_store(two_phases.store_folder, create=False)) as store:
        lease = evaluation_lease(store.database, two_phases.store_folder, "entry-0123456789ab")
        lease.__enter__()
        store.move_entry(entry.id, EntryState.RUNNING, evaluation="0123456789ab")
        two_phases.script("final").meanwhile = lambda _submission: lease.__exit__(None, None, None)
        assert two_phases.work() == 2
    assert set(two_phases.states().values()) == {"scored"}


@pytest.mark.parametrize("fault", ["device", "challenge"])
def test_the_command_fails_if_nothing_could_be_done(
    contest: Contest, fault: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its error is the reason for which the entries were left."""
    contest.hand_in("alpha")
    contest.sync()
    if fault == "device":
        contest.phase_fields()["device"] = "cuda"
        contest.write()
    else:
        (contest.folder / "feedback").rename(contest.folder / "moved")
    store = str(contest.store_folder)
    with pytest.raises(ConfigurationError, match="needs a GPU" if fault == "device" else "feedback"):
        run_words(["competition", "evaluate", str(contest.folder), "--drain", "--store", store])
    assert "not evaluated here" in capsys.readouterr().out
    assert contest.states() == {"alpha/mine.py": "queued"}
