"""The process of a device passes on what it makes, one by one, and holds it back while nobody takes it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from runner.challenge.challenge import Challenge
from runner.challenge.limits import Limits
from runner.clients.runs import PlannedRun
from runner.cluster.node import device as device_module
from runner.cluster.node.challenge_cache import ChallengeCache, challenge_files
from runner.cluster.node.device import DeviceWorker
from runner.cluster.orders import Delivered, Evaluated, Message, Order, Share, Started
from runner.devices.device import Device
from runner.devices.protocol import Failed
from runner.errors import HostNotReadyError, SandboxLostError
from runner.execution.executor import Executor, OutputsSink
from runner.execution.settings import Settings
from runner.parsers.checkpoint import content_sha256
from runner.submission.load import Submission
from tests.support.cluster.fake_worker import SleepingExecutor, SleepingWorker

CPU = Device(name="cpu 1/1", requested="cpu", recorded="cpu", cores=2.0)
RUNS = tuple(PlannedRun(index=index, seed=index) for index in range(30))


@pytest.fixture
def tiny(load_challenge: Callable[[Limits], Challenge]) -> Challenge:
    return load_challenge(Limits())


@pytest.fixture
def worker(tiny: Challenge, tmp_path: Path) -> SleepingWorker:
    ChallengeCache(tmp_path / "cache" / "challenges").store(tiny.sha256, challenge_files(tiny))
    return SleepingWorker(CPU, tmp_path / "cache")


@pytest.fixture
def order(tiny: Challenge) -> Order:
    """Return an order whose runs take no time."""
    return Order(
        evaluation="0123456789ab",
        submission=Submission(name="quick", sha256="a" * 64, archive=b"0"),
        challenge_sha256=tiny.sha256,
        limits=tiny.description.limits.model_dump(),
        image="c" * 64,
        required_device="cpu",
        settings=Settings(n=30, keep_going=True, keep_checkpoints=False),
    )


def indices(messages: Iterator[Message] | list[Message]) -> list[int]:
    return [message.run.ended.index for message in messages if isinstance(message, Delivered)]


def test_each_run_comes_with_its_outputs(worker: SleepingWorker, order: Order, tiny: Challenge) -> None:
    """And with the hash of its checkpoint, which itself stays."""
    messages = list(worker.execute(order, Share(runs=RUNS)))
    assert isinstance(messages[0], Started)
    assert sorted(indices(messages)) == list(range(30))
    for message in messages[1:]:
        assert isinstance(message, Delivered)
        assert message.run.outputs is not None
        assert message.run.ended.checkpoint == b""
        assert message.run.checkpoint_sha256 == content_sha256(tiny.data("original"))


def test_checkpoints_that_are_kept_travel(worker: SleepingWorker, order: Order, tiny: Challenge) -> None:
    """The coordinator keeps them."""
    kept = replace(order, settings=replace(order.settings, keep_checkpoints=True))
    messages = list(worker.execute(kept, Share(runs=RUNS[:1])))
    assert isinstance(messages[-1], Delivered)
    assert messages[-1].run.ended.checkpoint == tiny.data("original")


def test_checkpoints_are_evaluated_without_their_runs(
    worker: SleepingWorker, order: Order, tiny: Challenge
) -> None:
    """Those that were left from another command."""
    share = Share(checkpoints={7: tiny.data("original"), 9: tiny.data("original")})
    messages = list(worker.execute(order, share))
    assert [message.index for message in messages if isinstance(message, Evaluated)] == [7, 9]


def test_what_nobody_takes_is_not_made(worker: SleepingWorker, order: Order) -> None:
    """A few messages wait; then runs do."""
    messages = worker.execute(order, Share(runs=RUNS))
    next(messages)
    deadline = time.monotonic() + 20
    while len(worker.made) < 8:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    time.sleep(0.5)  # in which it would go on
    assert len(worker.made) <= 8 + 2
    assert sorted(indices(messages)) == list(range(30))


def test_a_share_that_is_stopped_starts_no_other_run(worker: SleepingWorker, order: Order) -> None:
    """What has ended still comes."""
    share = Share(runs=RUNS)
    messages = worker.execute(order, share)
    next(messages)
    worker.stop(Share().id)  # another one
    worker.stop(share.id)
    assert len(indices(messages)) < 30


def test_a_share_that_is_aborted_ends(worker: SleepingWorker, order: Order) -> None:
    """In the middle of a run, however long that takes; then another can begin."""
    slow = replace(order, submission=replace(order.submission, archive=b"600"))
    share = Share(runs=RUNS)
    messages = worker.execute(slow, share)
    assert isinstance(next(messages), Started)
    ended: list[Any] = []
    taking = threading.Thread(target=lambda: ended.extend(messages))
    taking.start()
    worker.abort(share.id)
    taking.join(30)
    assert not taking.is_alive()
    assert ended == []
    assert len(indices(worker.execute(order, Share(runs=RUNS)))) == 30


@pytest.mark.parametrize("call", ["stop", "abort"])
def test_a_call_that_comes_late_or_early_concerns_its_own_share(
    worker: SleepingWorker, order: Order, call: str
) -> None:
    """Calls of one device overtake each other: the share that is executed meanwhile is not touched."""
    before, present, after = Share(runs=RUNS), Share(runs=RUNS), Share(runs=RUNS)
    assert len(indices(worker.execute(order, before))) == 30
    messages = worker.execute(order, present)
    assert isinstance(next(messages), Started)
    for other in (before, after):
        getattr(worker, call)(other.id)
    assert len(indices(messages)) == 30
    assert indices(worker.execute(order, after)) == [], "it was ended before it began"


@pytest.mark.parametrize("call", ["abort", "close"])
def test_a_share_that_does_not_end_is_not_reported_as_ended(
    tiny: Challenge, order: Order, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    """Another would be executed beside it: whoever asked has to end the process."""
    monkeypatch.setattr(device_module, "_ABORT_SECONDS", 0.5)
    ChallengeCache(tmp_path / "cache" / "challenges").store(tiny.sha256, challenge_files(tiny))
    stands, goes_on = threading.Event(), threading.Event()

    class Stuck(SleepingExecutor):
        def finish(self) -> None:
            stands.set()
            goes_on.wait(60)

    class StuckWorker(DeviceWorker):
        def new_executor(self, order: Order, sink: OutputsSink) -> Executor:
            return Stuck(self.challenge(order), 0.0, sink)

    worker, share = StuckWorker(CPU, tmp_path / "cache"), Share(runs=RUNS[:1])
    messages = worker.execute(order, share)
    assert isinstance(next(messages), Started)
    assert stands.wait(20)
    arguments = [share.id] if call == "abort" else []
    try:
        with pytest.raises(HostNotReadyError, match="does not end"):
            getattr(worker, call)(*arguments)
        with pytest.raises(HostNotReadyError, match="does not end"):
            list(messages)
    finally:
        goes_on.set()
    getattr(worker, call)(*arguments)


def test_a_device_that_is_closed_begins_nothing(worker: SleepingWorker, order: Order) -> None:
    """Not even a share that waited for its turn."""
    worker.close()
    assert list(worker.execute(order, Share(runs=RUNS))) == []


@pytest.mark.parametrize(
    ("error", "kind"), [(SandboxLostError("It is gone."), SandboxLostError), (ZeroDivisionError(), Exception)]
)
def test_a_failure_is_told_last(
    tiny: Challenge, order: Order, tmp_path: Path, error: Exception, kind: type[Exception]
) -> None:
    """After the runs that had ended, with the error's class where it is one of ours."""
    ChallengeCache(tmp_path / "cache" / "challenges").store(tiny.sha256, challenge_files(tiny))

    class Failing(SleepingExecutor):
        def evaluate(self, index: int) -> None:
            if index == 2:
                raise error
            super().evaluate(index)

    class FailingWorker(DeviceWorker):
        def new_executor(self, order: Order, sink: OutputsSink) -> Executor:
            return Failing(self.challenge(order), 0.0, sink)

    *before, last = FailingWorker(CPU, tmp_path / "cache").execute(order, Share(runs=RUNS))
    assert sorted(indices(before)) == [0, 1]
    assert isinstance(last, Failed)
    assert isinstance(last.as_error(), kind)


def test_a_challenge_that_is_not_there_is_told(tmp_path: Path, order: Order) -> None:
    """The coordinator leaves the device out until the node is examined again."""
    messages = list(SleepingWorker(CPU, tmp_path / "empty").execute(order, Share(runs=RUNS)))
    assert len(messages) == 1
    assert isinstance(messages[0], Failed)
    assert "challenge" in messages[0].sentence
