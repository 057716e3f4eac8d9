"""A device's process answers tasks; its end is an error of ours, and it can be interrupted."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from runner.devices.device_process import InterruptedEvaluationError
from runner.devices.protocol import Failed, UnforeseenError
from runner.errors import (
    BusyError,
    EngineAccessError,
    HostNotReadyError,
    RunnerError,
    SandboxLostError,
)
from tests.runner.devices.conftest import NewProcess, task


class Recorded:
    """A reporter that keeps what it is told."""

    def __init__(self) -> None:
        self.steps: list[str] = []
        self.counts: list[tuple[str, int, int]] = []

    def step(self, text: str) -> None:
        self.steps.append(text)

    def count(self, text: str, done: int, total: int) -> None:
        self.counts.append((text, done, total))


def pids(log: Path) -> list[str]:
    return [line.split()[-1] for line in log.read_text().splitlines()]


def test_it_reports_and_answers(new_process: NewProcess, log: Path) -> None:
    """One process answers task after task."""
    process, reporter, scoring = new_process("cpu 1/2"), Recorded(), list[str]()
    for name in ("ok-1", "ok-2"):
        summary = process.evaluate(task(name), reporter, lambda: scoring.append("scoring"))
        assert (summary.submission, summary.score) == (name, 0.5)
    assert reporter.counts[0] == ("ok-1: runs", 0, 4)
    assert reporter.steps == ["ok-1: starting containers", "ok-2: starting containers"]
    assert scoring == ["scoring", "scoring"]
    assert len(set(pids(log))) == 1


@pytest.mark.parametrize(
    ("name", "error", "words"),
    [
        ("lost", SandboxLostError, "It went away"),
        ("host", HostNotReadyError, "does not answer"),
        ("busy", BusyError, "Another process"),
        ("bug", UnforeseenError, "KeyError"),
    ],
)
def test_its_errors_are_raised_here(
    new_process: NewProcess, name: str, error: type[Exception], words: str
) -> None:
    """As what they were, so that they mean the same as without it; the next task is answered."""
    process = new_process("cpu 1/2")
    with pytest.raises(error, match=words):
        process.evaluate(task(name), Recorded())
    assert process.evaluate(task("ok"), Recorded()).score == 0.5


@pytest.mark.parametrize(("name", "words"), [("die", "by SIGKILL"), ("noise", "with exit code 7")])
def test_its_end_fails_one_evaluation(new_process: NewProcess, log: Path, name: str, words: str) -> None:
    """It is nobody's verdict; another process answers the next task."""
    process = new_process("cpu 1/2")
    with pytest.raises(SandboxLostError, match=words):
        process.evaluate(task(name), Recorded())
    assert process.evaluate(task("ok"), Recorded()).score == 0.5
    assert len(set(pids(log))) == 2


def test_it_is_interrupted_once(new_process: NewProcess) -> None:
    """It ends by itself, and no other is started."""
    process, reporter = new_process("cpu 1/2"), Recorded()

    def interrupt() -> None:
        while not reporter.counts:
            time.sleep(0.01)
        process.interrupt()

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(InterruptedEvaluationError):
        process.evaluate(task("wait"), reporter)
    thread.join()
    assert process.pid is None
    with pytest.raises(InterruptedEvaluationError):
        process.evaluate(task("ok"), reporter)


def test_every_error_has_a_message() -> None:
    """So that no error of ours becomes another one in the command."""

    def kinds(error: type[RunnerError]) -> set[type[RunnerError]]:
        return {error, *(each for child in error.__subclasses__() for each in kinds(child))}

    for kind in kinds(RunnerError) - {RunnerError, EngineAccessError}:
        if not kind.__module__.startswith("runner.errors"):
            continue
        again = Failed.of(kind("why")).as_error()
        assert (type(again), str(again)) == (kind, "why")
    assert type(Failed.of(EngineAccessError()).as_error()) is HostNotReadyError
