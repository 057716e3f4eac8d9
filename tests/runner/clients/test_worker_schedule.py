"""Runs are started one after another, when the caller allows it, and until it has enough."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest

from runner.challenge.challenge import Challenge
from runner.challenge.limits import Limits
from runner.clients.runs import EndedRun
from runner.clients.worker import WorkerClient
from runner.errors import SandboxError, SandboxLostError
from runner.verdict import Verdict
from sandbox.protocol.frames import Frame
from tests.support.fake_stream import Answer, FakeStream
from tests.support.worker_frames import QUIET, READY, SUBMISSION, Begin, finished, planned, verdicts


def test_one_run_at_a_time(begin: Begin) -> None:
    """Whatever the challenge's concurrency: a run has no neighbour in its container; each is started once."""
    active: set[int] = set()

    def on_run(index: int) -> list[Answer]:
        active.add(index)
        assert len(active) == 1
        return [(0.001 * (index % 3), finished(index))]

    worker, stream = begin(on_run, concurrency=3)
    for run in worker.execute(planned(10)):
        active.remove(run.index)
    assert [fields["index"] for fields in stream.sent_fields("run")] == list(range(10))
    assert worker.is_usable


def test_no_runs(begin: Begin) -> None:
    """If none is planned, none is started."""
    worker, stream = begin(lambda index: [(0.0, finished(index))])
    assert list(worker.execute([])) == []
    assert stream.sent_fields("run") == []


def test_runs_wait_for_may_start(begin: Begin) -> None:
    """While ``may_start`` returns False, no run is started, and runs in progress are still received."""
    worker, stream = begin(lambda index: [(0.0, finished(index))])
    calls = 0

    def may_start() -> bool:
        nonlocal calls
        calls += 1
        if calls < 4:
            assert stream.sent_fields("run") == []
            return False
        return calls % 3 == 0

    assert verdicts(worker.execute(planned(4), may_start)) == dict.fromkeys(range(4), Verdict.OK)
    assert calls >= 4 * 3


def test_caller_who_stops_early(begin: Begin) -> None:
    """A caller that stops after the first run has started no other."""
    worker, stream = begin(lambda index: [(0.0, finished(index))])
    runs = worker.execute(planned(10))
    next(runs)
    assert len(stream.sent_fields("run")) == 1


def test_stream_that_breaks_while_sending(
    load_challenge: Callable[[Limits], Challenge],
) -> None:
    """The error of a stream that cannot be written to is raised unchanged: it is no fault of a run."""

    def script(frame: Frame) -> Iterable[Answer]:
        if frame.kind == "run":
            raise SandboxLostError("The container's stream broke while sending.")
        return [(0.0, READY)] if frame.kind == "submission" else QUIET

    challenge = load_challenge(Limits())
    worker = WorkerClient(
        stream=FakeStream(script), challenge=challenge, submission=SUBMISSION, runs=1, first_uid=10_000
    )
    with pytest.raises(SandboxError, match="broke while sending"):
        list(worker.execute(planned(1)))


def test_enough(begin: Begin) -> None:
    """Once the caller has enough, runs in progress are finished and no other is started."""
    worker, stream = begin(lambda index: [(0.0, finished(index))])
    runs: list[EndedRun] = []
    for run in worker.execute(planned(9), enough=lambda: len(runs) >= 3):
        runs.append(run)  # noqa: PERF402 - the worker reads it meanwhile
    assert len(runs) == 3
    assert len(stream.sent_fields("run")) == 3
    assert stream.killed == 0
