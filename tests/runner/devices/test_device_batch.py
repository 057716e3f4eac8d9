"""Entries go to the devices in their order; what befalls one of them does not end the others."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from runner.challenge.challenge import Challenge
from runner.challenge.load import load_challenge
from runner.devices.batch import DeviceBatch
from runner.devices.board import Board, DeviceReporter, Event, Waiting
from runner.devices.device_process import DeviceProcess
from runner.devices.protocol import UnforeseenError
from runner.errors import BusyError, HostNotReadyError
from runner.evaluation.batch import BatchResult
from runner.evaluation.entries import HandIn, record_hand_ins
from runner.results.summary import Summary
from runner.store.store import Store
from runner.submission.load import RefusedSubmission, Submission
from tests.runner.conftest import ChallengeFolder
from tests.runner.devices.conftest import NewProcess, task


class ProcessDevice:
    """A fake device's process, as a command has it."""

    def __init__(self, process: DeviceProcess, board: Board) -> None:
        self._process, self._reporter = process, DeviceReporter(board, process.device.name)
        self.name = process.device.name
        self.interrupt, self.kill = process.interrupt, process.kill

    def evaluate(self, submission: Submission) -> Summary:
        return self._process.evaluate(task(submission.name, self._process.device), self._reporter)


class Batch:
    """A batch on two fake devices, over a store in memory."""

    def __init__(self, store: Store, challenge: Challenge, new_process: NewProcess) -> None:
        self.store, self.challenge = store, challenge
        self.reports: list[str] = []
        self.events: list[Event] = []
        self.names = ("cpu 1/2", "cpu 2/2")
        self.batch = DeviceBatch(store, self.reports.append)
        self.board = Board(
            self.names, waiting=lambda: Waiting(self.batch.waiting(), 0), on_event=self.events.append
        )
        self.devices = [ProcessDevice(new_process(name), self.board) for name in self.names]

    def evaluate(self, names: Sequence[str]) -> BatchResult:
        hand_ins = [_hand_in(name) for name in names]
        entries = record_hand_ins(
            self.store,
            hand_ins,
            challenge=self.challenge,
            n=4,
            evaluation_of=lambda each: each.sha256[:12],
        )
        return self.batch.evaluate(self.devices, hand_ins, entries, self.board)


def _hand_in(name: str) -> HandIn:
    if name == "refused":
        refused = RefusedSubmission(name=name, reason="It is no zip.", sha256="0" * 64)
        return HandIn(path=Path(f"{name}.zip"), content=refused)
    content = Submission(name=name, sha256=(name.encode().hex() + "0" * 64)[:64], archive=b"")
    return HandIn(path=Path(f"{name}.zip"), content=content)


@pytest.fixture
def batch(tmp_path: Path, challenge_folder: ChallengeFolder, new_process: NewProcess) -> Iterator[Batch]:
    with closing(Store(f"sqlite:///{tmp_path / 'store.db'}")) as store:
        yield Batch(store, load_challenge(challenge_folder.describe()), new_process)


def outcomes(result: BatchResult) -> list[tuple[str, str]]:
    return [(each.entry.name, str(each.outcome)) for each in result.results]


def test_all_are_evaluated_on_both(batch: Batch, log: Path) -> None:
    """Results are in the order of the command."""
    names = ["ok-a", "refused", "ok-b", "ok-c", "ok-d"]
    expected = [(name, "refused" if name == "refused" else "scored") for name in names]
    assert outcomes(batch.evaluate(names)) == expected
    assert batch.batch.failure is None
    told = [line.split() for line in log.read_text().splitlines()]
    assert {words[1] for words in told} == {"1/2", "2/2"}
    assert sorted(words[2] for words in told) == ["ok-a", "ok-b", "ok-c", "ok-d"]
    state = batch.board.state()
    assert (state.ended, state.failed, state.waiting) == (4, 0, 0)


def test_equal_content_is_one_job(batch: Batch, log: Path) -> None:
    """Two devices never work on one evaluation."""
    assert outcomes(batch.evaluate(["ok-a", "ok-a", "ok-b"])) == [
        ("ok-a", "scored"),
        ("ok-a", "scored"),
        ("ok-b", "scored"),
    ]
    slots = {line.split()[1] for line in log.read_text().splitlines() if line.split()[2] == "ok-a"}
    assert len(slots) == 1


def test_a_killed_process_takes_nobody_with_it(batch: Batch) -> None:
    """Its entry is held with the reason; the others are scored, on both devices."""
    result = batch.evaluate(["die", "ok-b", "ok-c", "lost", "ok-d"])
    assert dict(outcomes(result)) == {
        "die": "held",
        "ok-b": "scored",
        "ok-c": "scored",
        "lost": "held",
        "ok-d": "scored",
    }
    assert any("SIGKILL" in line for line in batch.reports)
    assert result.lost is not None
    assert batch.board.state().failed == 2
    assert len(batch.board.state().failures) == 2


def test_a_bug_ends_the_command_after_the_others(batch: Batch) -> None:
    """With exit code 5, once all others have ended."""
    result = batch.evaluate(["bug", "ok-b", "ok-c"])
    assert dict(outcomes(result)) == {"bug": "held", "ok-b": "scored", "ok-c": "scored"}
    assert isinstance(batch.batch.failure, UnforeseenError)


def test_an_entry_of_another_process_is_left(batch: Batch) -> None:
    """The others are evaluated, and then the command says so."""
    assert outcomes(batch.evaluate(["busy", "ok-b", "ok-c"])) == [("ok-b", "scored"), ("ok-c", "scored")]
    assert isinstance(batch.batch.failure, BusyError)


def test_without_any_device_the_command_ends(batch: Batch) -> None:
    """A host that fails on both of them fails the command; nothing is held for it."""
    result = batch.evaluate(["host-a", "host-b"])
    assert outcomes(result) == []
    assert isinstance(batch.batch.failure, HostNotReadyError)
    assert all(device.retired for device in batch.board.state().devices)


class Scripted:
    """A device in memory that fails on this host."""

    def __init__(self, name: str, fail: Callable[[str], bool]) -> None:
        self.name, self._fail = name, fail
        self.evaluated: list[str] = []

    def evaluate(self, submission: Submission) -> Summary:
        self.evaluated.append(submission.name)
        if self._fail(submission.name):
            raise HostNotReadyError("The device is gone.")
        time.sleep(0.02)
        return Summary(
            evaluation="e", submission="s", challenge="c", n=4, verdicts={}, score=0.5, seconds=1.0
        )

    def interrupt(self) -> None: ...

    def kill(self) -> None: ...


@pytest.mark.parametrize("poison", [False, True])
def test_a_device_that_fails_is_used_no_more(batch: Batch, poison: bool) -> None:
    """Another one evaluates its entry; an entry with which two devices fail is held, and the others go on."""
    devices = [Scripted("d0", lambda name: not poison or name == "a")]
    devices += [Scripted(name, lambda name: poison and name == "a") for name in ("d1", "d2")]
    board = Board([each.name for each in devices], waiting=lambda: Waiting(0, 0))
    names = ["a", "b", "c", "d"]
    hand_ins = [_hand_in(name) for name in names]
    entries = record_hand_ins(
        batch.store, hand_ins, challenge=batch.challenge, n=4, evaluation_of=lambda each: each.sha256[:12]
    )
    result = batch.batch.evaluate(devices, hand_ins, entries, board)
    expected = {name: "held" if poison and name == "a" else "scored" for name in names}
    assert dict(outcomes(result)) == expected
    assert sum(bool(state.retired) for state in board.state().devices) == (2 if poison else 1)
    assert batch.batch.failure is None


def test_ctrl_c_interrupts_once_and_nothing_begins(batch: Batch, log: Path) -> None:
    """Both processes end; the entries that were at work have no outcome, so the command continues them."""

    def interrupt() -> None:
        while len({event.device for event in list(batch.events) if event.event == "progress"}) < 2:
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        batch.evaluate(["wait-a", "wait-b", "ok-c"])
    thread.join()
    assert sorted(event.event for event in batch.events if event.event != "progress") == [
        *("interrupted", "interrupted", "started", "started"),
    ]
    assert len(log.read_text().splitlines()) == 2
    assert [entry.outcome for entry in batch.store.entries()] == [None, None, None]
