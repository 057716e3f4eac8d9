"""Runs are started up to the challenge's concurrency, when the caller allows it, and until it has enough."""

from __future__ import annotations

import itertools
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
from tests.support.worker_frames import QUIET, READY, SUBMISSION, Begin, finished, log, planned, verdicts


@pytest.mark.parametrize("concurrency", [1, 2, 3])
def test_concurrency(begin: Begin, concurrency: int) -> None:
    """Exactly as many runs are in progress as the challenge allows; each run is started once."""
    active: set[int] = set()
    maximum = 0
    answers = itertools.count()

    def on_run(index: int) -> list[Answer]:
        nonlocal maximum
        active.add(index)
        maximum = max(maximum, len(active))
        return [(0.001 * (next(answers) % 3), finished(index))]

    worker, stream = begin(on_run, concurrency=concurrency)
    for run in worker.execute(planned(10)):
        active.remove(run.index)
    assert maximum == concurrency
    assert [fields["index"] for fields in stream.sent_fields("run")] == list(range(10))


def test_ends_in_any_order(begin: Begin) -> None:
    """A run is yielded when it ends, with its own log, whichever was started first."""
    started: list[int] = []

    def on_run(index: int) -> list[Answer]:
        started.append(index)
        if len(started) < 3:
            return []
        return [(0.0, log(run, b"log of %d" % run) + finished(run)) for run in reversed(started)]

    worker, _stream = begin(on_run, concurrency=3)
    runs = list(worker.execute(planned(3)))
    assert [run.index for run in runs] == [2, 1, 0]
    assert [run.log for run in runs] == [b"log of 2", b"log of 1", b"log of 0"]


def test_no_runs(begin: Begin) -> None:
    """If none is planned, none is started."""
    worker, stream = begin(lambda index: [(0.0, finished(index))])
    assert list(worker.execute([])) == []
    assert stream.sent_fields("run") == []


def test_runs_wait_for_may_start(begin: Begin) -> None:
    """While ``may_start`` returns False, no run is started, and runs in progress are still received."""
    worker, stream = begin(lambda index: [(0.0, finished(index))], concurrency=2)
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
    """A caller that stops after the first run has started no more than may run in parallel."""
    worker, stream = begin(lambda index: [(0.0, finished(index))], concurrency=2)
    runs = worker.execute(planned(10))
    next(runs)
    assert len(stream.sent_fields("run")) == 2


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
