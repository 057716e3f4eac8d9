"""Several devices work one queue: fairly, within one budget, and each entry once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from runner.competition.phase import Phase
from runner.competition.states import EntryState
from runner.contest.budget import Budget
from runner.contest.evaluator import EntryEvaluator
from runner.contest.on_devices import Ended, device_of_phase, waiting_in, work_on_devices
from runner.contest.worker import Worker
from runner.devices.board import Board, Waiting
from runner.devices.device import Device
from runner.devices.device_process import DeviceProcess, InterruptedEvaluationError
from runner.errors import ConfigurationError, HostNotReadyError
from runner.store.store import Store
from runner.submission.load import Submission
from tests.runner.contest.conftest import NAME, Contest, Scripted, errors_of
from tests.runner.leaderboard.stored import RUNS


def slots(number: int) -> list[DeviceProcess]:
    """Return devices whose processes are never started."""
    return [
        DeviceProcess(Device(name=f"cpu {each}", requested="cpu", recorded="cpu", cores=1.0))
        for each in range(1, number + 1)
    ]


def work(
    contest: Contest,
    store: Store,
    devices: int,
    *,
    most: int | None = None,
    evaluator: Callable[[DeviceProcess], EntryEvaluator] | None = None,
) -> Ended:
    """Work the queue on devices that evaluate in memory."""
    turn, budget = threading.Lock(), Budget(most)
    processes = slots(devices)
    board = Board([each.device.name for each in processes], waiting=lambda: Waiting(0, 0))

    def new_worker(process: DeviceProcess) -> Worker:
        @contextmanager
        def open_evaluator(_phase: Phase, challenge: str) -> Iterator[EntryEvaluator]:
            yield evaluator(process) if evaluator is not None else contest.script(challenge)

        return Worker(
            store=store,
            folder=contest.store_folder,
            competition_folder=contest.folder,
            competition=contest.competition,
            open_evaluator=open_evaluator,
            report=contest.reports.append,
            turn=turn,
            budget=budget,
            others_go_on=devices > 1,
        )

    return work_on_devices(processes, new_worker, board, budget=budget, drain=True)


@pytest.mark.parametrize("devices", [1, 4])
def test_a_hundred_of_one_team_do_not_hold_up_the_others(contest: Contest, devices: int) -> None:
    """The 49 teams that hand in one each are evaluated before the third of the team that hands in 100.

    What is at work counts as used, or four devices would begin four of that team's at the same moment.
    """
    teams = [f"team-{number:02d}" for number in range(49)]
    with contest.store() as store:
        for team in teams:
            store.add_team(NAME, team, token_sha256=None, who="me")
            (contest.inbox / team).mkdir()
    for number in range(100):
        contest.hand_in("alpha", f"alpha-{number:03d}", code=f"SHIFT = 0.{number:03d}")
    contest.sync()
    for team in teams:
        contest.hand_in(team, team, code=f"# {team}")
    contest.sync()
    script = contest.script()
    script.meanwhile = lambda _submission: time.sleep(0.005)
    with contest.store() as store:
        assert work(contest, store, devices, most=55).evaluations == 55
    others = [at for at, name in enumerate(script.evaluated) if name in teams]
    alpha = [at for at, name in enumerate(script.evaluated) if name.startswith("alpha")]
    assert len(others) == 49
    assert max(others) < alpha[2]


def test_each_entry_is_evaluated_once(contest: Contest) -> None:
    """Whichever device takes it; equal content of two teams is one evaluation at a time."""
    for number in range(12):
        contest.hand_in("alpha", f"a{number}", code=f"SHIFT = 0.{number:02d}")
    contest.hand_in("beta", "same", code="SHIFT = 0.00")
    contest.sync()
    script, at_work = contest.script(), set[str]()
    doubled: list[str] = []

    def meanwhile(submission: Submission) -> None:
        if submission.sha256 in at_work:
            doubled.append(submission.name)
        at_work.add(submission.sha256)
        time.sleep(0.01)
        at_work.discard(submission.sha256)

    script.meanwhile = meanwhile
    with contest.store() as store:
        first = work(contest, store, 4).evaluations
        assert first + work(contest, store, 4).evaluations == 13  # the equal one may have had to wait
    assert not doubled
    assert set(contest.states().values()) == {"scored"}
    assert len(script.evaluated) == 13


def test_the_budget_is_that_of_all_devices(contest: Contest) -> None:
    """`--entries 3` is three evaluations, and not three on each."""
    for number in range(6):
        contest.hand_in("alpha", f"a{number}", code=f"SHIFT = 0.{number}")
    contest.sync()
    with contest.store() as store:
        assert waiting_in(store, contest.competition)() == Waiting(6, 6 * RUNS)
        assert work(contest, store, 4, most=3).evaluations == 3
        assert waiting_in(store, contest.competition)() == Waiting(3, 3 * RUNS)


def test_a_device_that_fails_is_used_no_more(contest: Contest) -> None:
    """The others go on; its entry is held as an attempt that failed, for it may be the cause."""
    for number in range(4):
        contest.hand_in("alpha", f"a{number}", code=f"SHIFT = 0.{number}")
    contest.sync()
    errors_of(contest, "a1", HostNotReadyError("No room."))
    with contest.store() as store:
        ended = work(contest, store, 2)
    assert (ended.evaluations, ended.failure) == (3, None)
    states = contest.states()
    assert states.pop("alpha/a1.py") == "held"
    assert set(states.values()) == {"scored"}
    assert [entry.attempts for entry in contest.entries(states=[EntryState.HELD])] == [1]


def test_without_any_device_the_command_fails(contest: Contest) -> None:
    """With the error of the first."""
    for number in range(3):
        contest.hand_in("alpha", f"a{number}", code=f"SHIFT = 0.{number}")
    contest.sync()
    for number in range(3):
        errors_of(contest, f"a{number}", HostNotReadyError("No room."))
    with contest.store() as store:
        ended = work(contest, store, 2)
    assert ended.evaluations == 0
    assert isinstance(ended.failure, HostNotReadyError)


def test_what_is_interrupted_is_queued_again(contest: Contest) -> None:
    """It is nobody's failed attempt."""
    contest.hand_in("alpha", "a0")
    contest.sync()

    class Interrupted(Scripted):
        def evaluate(self, submission: Submission, before_scoring: Callable[[], object]) -> object:  # type: ignore[override]
            raise InterruptedEvaluationError

    script = Interrupted(contest.store_folder, contest.script().challenge)
    with contest.store() as store:
        ended = work(contest, store, 2, evaluator=lambda _process: script)  # type: ignore[arg-type,return-value]
    assert (ended.evaluations, ended.failure) == (0, None)
    (entry,) = contest.entries()
    assert (entry.state, entry.attempts, entry.reason) == (
        EntryState.QUEUED,
        0,
        "the evaluation was interrupted",
    )


def test_a_phase_uses_a_device_as_it_needs(contest: Contest) -> None:
    """A GPU's share of the cores serves phases on the CPU; a slot serves no phase that needs a GPU."""
    phase = contest.competition.phase("feedback")
    gpu = Device(name="cuda:GPU-1", requested="cuda:GPU-1", recorded="cuda:NVIDIA-H200", cores=4.0)
    slot = Device(name="cpu 1/2", requested="cpu", recorded="cpu", cores=1.0)
    on_gpu = phase.model_copy(update={"device": "cuda"})
    assert device_of_phase(phase, gpu) == Device(
        name="cuda:GPU-1", requested="cpu", recorded="cpu", cores=4.0
    )
    assert device_of_phase(phase, slot) == slot
    assert device_of_phase(on_gpu, gpu) == gpu
    with pytest.raises(ConfigurationError, match="needs a GPU"):
        device_of_phase(on_gpu, slot)


def test_a_closed_budget_stays_closed() -> None:
    """After Ctrl-C nothing begins, although what was interrupted is given back."""
    budget = Budget()
    assert budget.take()
    budget.close()
    budget.give_back()
    assert not budget.take()
    assert budget.is_used_up
