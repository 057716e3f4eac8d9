"""Does the host's side of a worker judge truthfully, whatever the other side says or does not say?"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import numpy as np
import pytest
from safetensors.numpy import save

from runner.challenge.challenge import Challenge
from runner.challenge.limits import Limits
from runner.clients.channel import Channel
from runner.clients.runs import EndedRun, PlannedRun
from runner.clients.worker import WorkerClient
from runner.engine.container import ContainerExit
from runner.engine.placement import DEFAULT_PLACEMENT, Placement
from runner.errors import (
    ConfigurationError,
    HostNotReadyError,
    SandboxError,
    SandboxLostError,
    SandboxStartError,
)
from runner.parsers.checkpoint import max_checkpoint_bytes
from runner.submission.load import Submission
from runner.verdict import HOST_GRACE_SECONDS, Verdict
from sandbox.protocol.frames import Frame, Scalar, encode, encode_header
from sandbox.protocol.jobs import WorkerJob
from sandbox.protocol.messages import from_worker

if TYPE_CHECKING:
    from tests.runner.conftest import Answer, Clock, FakeStream, Script

MINE = Submission(name="mine", sha256="a" * 64, archive=b"PK: never opened here")
READY = encode("ready", seconds=0.25)
END: Answer = (0.0, None)
QUIET: list[Answer] = []
CHECKPOINT = save({"weight": np.ones((2, 3), np.float32), "bias": np.ones(2, np.float32)})
CLEARING = 2.0
SHORT = 0.05
"""A limit in seconds; the host waits `HOST_GRACE_SECONDS` more."""


def planned(count: int, first: int = 0) -> list[PlannedRun]:
    """Return runs with seeds that are not their indices."""
    return [PlannedRun(index=index, seed=1000 + index) for index in range(first, first + count)]


def finished(index: int, payload: bytes = CHECKPOINT, **changes: Scalar) -> bytes:
    """Return the frame of a run that went well, with some of it changed."""
    fields: dict[str, Scalar] = {
        "index": index,
        "seconds": 0.5,
        "exit_code": 0,
        "ended_by": "result",
        "oom_kills": 0,
        "result": "checkpoint",
        "log_bytes_dropped": 0,
        "wiped": True,
    }
    return encode("finished", payload, **(fields | changes))


def raised(index: int, **said: object) -> bytes:
    """Return the frame of a run that sent an error."""
    body = {"stage": "call", "type": "ValueError", "message": "no", "traceback": "Traceback …", **said}
    return finished(index, json.dumps(body).encode(), result="error", exit_code=1)


def log(index: int, text: bytes) -> bytes:
    """Return the frame of something that a run printed."""
    return encode("log", text, index=index, stream="out")


def when_ready(on_run: Callable[[int], Iterable[Answer]]) -> Script:
    """Return the script of a worker that becomes ready, then answers each run so."""

    def script(frame: Frame) -> Iterable[Answer]:
        if frame.kind == "submission":
            return [(0.0, READY)]
        return on_run(frame.integer("index")) if frame.kind == "run" else QUIET

    return script


Begin = Callable[..., "tuple[WorkerClient, FakeStream]"]


@pytest.fixture
def begin(fake_stream: type[FakeStream], load_challenge: Callable[[Limits], Challenge]) -> Begin:
    """Return a way to begin with a worker that answers runs by a script."""

    def begin_with(
        on_run: Callable[[int], Iterable[Answer]],
        *,
        ending: ContainerExit | None = None,
        stderr: bytes = b"",
        placement: Placement = DEFAULT_PLACEMENT,
        **limits: float,
    ) -> tuple[WorkerClient, FakeStream]:
        stream = fake_stream(when_ready(on_run), ending=ending, stderr=stderr)
        challenge = load_challenge(Limits.model_validate({"concurrency": 1, **limits}))
        worker = WorkerClient(
            stream=stream,
            challenge=challenge,
            submission=MINE,
            runs=9,
            first_uid=10_000,
            placement=placement,
            clearing_seconds=CLEARING,
            clock=stream.clock,
        )
        return worker, stream

    return begin_with


def verdicts(ended: Iterable[EndedRun]) -> dict[int, Verdict]:
    """Return the verdict on each run."""
    return {run.index: run.judgement.verdict for run in ended}


# What is sent before any run


def test_start(fake_stream: type[FakeStream], load_challenge: Callable[[Limits], Challenge]) -> None:
    """The worker is sent the job, what a submission may see, and the submission; never the test split."""
    challenge = load_challenge(Limits(concurrency=2, cpus=4.0, wall_seconds=7.5))
    stream = fake_stream(when_ready(lambda _index: QUIET))
    worker = WorkerClient(stream=stream, challenge=challenge, submission=MINE, runs=9, first_uid=12_345)
    assert worker.load_seconds == 0.25
    assert [frame.kind for frame in stream.heard] == ["job", "data", "data", "data", "data", "submission"]
    job = WorkerJob.from_json(stream.heard[0].payload)
    assert (job.concurrency, job.threads, job.wall_seconds) == (2, 2, 7.5)
    assert (job.runs, job.first_uid) == (9, 12_345)
    assert job.checkpoint_bytes == max_checkpoint_bytes(challenge.spec)
    data = {frame.text("name"): frame.payload for frame in stream.heard if frame.kind == "data"}
    assert data == {name: challenge.data(name) for name in ("original", "retain", "forget", "val")}
    assert stream.heard[-1].payload == MINE.archive
    private = [challenge.data("test"), (challenge.folder / "private/references.npz").read_bytes()]
    assert not any(secret in frame.payload for frame in stream.heard for secret in private)


def test_container_that_does_not_come_to_work(
    fake_stream: type[FakeStream], load_challenge: Callable[[Limits], Challenge]
) -> None:
    """A container that ends before it is ready is our failure, told with the last that it complained of."""
    stream = fake_stream(
        lambda frame: [END] if frame.kind == "job" else QUIET, stderr=b"first\nno \x1b[1mtorch\n"
    )
    with pytest.raises(SandboxStartError) as caught:
        WorkerClient(
            stream=stream, challenge=load_challenge(Limits()), submission=MINE, runs=1, first_uid=10_000
        )
    assert str(caught.value) == "The container ended early: no \N{REPLACEMENT CHARACTER}[1mtorch."


def test_a_network_of_no_use_is_the_challenges_fault(
    fake_stream: type[FakeStream], load_challenge: Callable[[Limits], Challenge]
) -> None:
    """The container says why; no run is begun, so none is blamed."""
    said = encode("unready", reason="no architecture 'dig\x1b[1mitz'.\nnone")
    stream = fake_stream(lambda frame: [(0.0, said)] if frame.kind == "submission" else QUIET)
    with pytest.raises(ConfigurationError) as caught:
        WorkerClient(
            stream=stream, challenge=load_challenge(Limits()), submission=MINE, runs=1, first_uid=10_000
        )
    assert str(caught.value) == (
        "The challenge's network is of no use: no architecture 'dig\N{REPLACEMENT CHARACTER}[1mitz'. none."
    )


def test_a_host_that_cannot_end_runs_is_not_ready(
    fake_stream: type[FakeStream], load_challenge: Callable[[Limits], Challenge]
) -> None:
    """The container finds out before any run: else each would be blamed for what could not be ended."""
    said = encode("unfit", reason="no process in a container may end another.")
    stream = fake_stream(lambda frame: [(0.0, said)] if frame.kind == "submission" else QUIET)
    with pytest.raises(
        HostNotReadyError, match="under this runtime: no process in a container may end another"
    ):
        WorkerClient(
            stream=stream, challenge=load_challenge(Limits()), submission=MINE, runs=1, first_uid=10_000
        )


@pytest.mark.parametrize(
    "said",
    [
        b"Traceback (most recent call last):\n",
        log(0, b"x"),
        pytest.param(finished(0), id="finished"),
    ],
)
def test_first_frame_that_is_not_ready(
    fake_stream: type[FakeStream], load_challenge: Callable[[Limits], Challenge], said: bytes
) -> None:
    """Before any run it is our own program that speaks, so that anything but ``ready`` is our failure."""
    stream = fake_stream(lambda frame: [(0.0, said)] if frame.kind == "submission" else QUIET)
    with pytest.raises(SandboxStartError):
        WorkerClient(
            stream=stream, challenge=load_challenge(Limits()), submission=MINE, runs=1, first_uid=10_000
        )


# How runs end


def test_ok(begin: Begin) -> None:
    """A valid checkpoint comes back as it was sent, with the run's log and times."""
    worker, stream = begin(
        lambda index: [
            (0.0, log(index, b"one ")),
            (0.0, log(index, b"two")),
            (0.02, finished(index, log_bytes_dropped=3)),
        ]
    )
    (run,) = worker.execute(planned(1, first=5))
    assert run.judgement.verdict is Verdict.OK
    assert run.index == 5
    assert run.checkpoint == CHECKPOINT
    assert run.log == b"one two"
    assert run.log_bytes_dropped == 3
    assert run.run_seconds == 0.5
    assert run.host_seconds == pytest.approx(0.02)
    assert run.traceback == ""
    assert stream.heard_of("run") == [{"index": 5, "seed": 1005}]
    assert stream.killed == 0


def test_error(begin: Begin) -> None:
    """An exception becomes ``crashed`` with its type, message and traceback, and the next run goes on."""
    worker, _stream = begin(lambda index: [(0.0, raised(index) if index == 0 else finished(index))])
    first, second = worker.execute(planned(2))
    assert first.judgement.verdict is Verdict.CRASHED
    assert first.judgement.detail == "ValueError: no"
    assert first.traceback == "Traceback …"
    assert first.checkpoint == b""
    assert second.judgement.verdict is Verdict.OK


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"garbage",
        b"\xff\xfe",
        b"[1, 2]",
        b"null",
        b'{"stage": ["import"], "type": null}',
        b"{}",
        b"[" * 60_000,
        b'{"stage": ' + b"9" * 5000 + b"}",
        b'{"stage": "call", "message": "\\ud800"}',
        *(b'{"message": ' + b"[" * depth + b"]" * depth + b"}" for depth in range(880, 1000, 7)),
    ],
    ids=lambda payload: str(payload[:20]) + str(len(payload)),
)
def test_error_made_up(begin: Begin, payload: bytes) -> None:
    """The description of an exception may be anything; what is malformed counts as empty."""
    worker, _stream = begin(lambda index: [(0.0, finished(index, payload, result="error", exit_code=1))])
    assert verdicts(worker.execute(planned(1))) == {0: Verdict.CRASHED}


@pytest.mark.parametrize(
    ("payload", "detail"),
    [
        (b"", "too short"),
        (b"\x80\x04." + bytes(50), "header claims"),
        (CHECKPOINT + b"\0", "bytes too many"),
        (save({"weight": np.ones((2, 3), np.float32)}), "bias missing"),
        (save({"weight": np.full((2, 3), np.nan, np.float32), "bias": np.ones(2, np.float32)}), "not finite"),
    ],
)
def test_bad_checkpoint(begin: Begin, payload: bytes, detail: str) -> None:
    """What is not the checkpoint that was due is refused with the reason, and is not handed on."""
    worker, _stream = begin(lambda index: [(0.0, finished(index, payload))])
    (run,) = worker.execute(planned(1))
    assert run.judgement.verdict is Verdict.BAD_CHECKPOINT
    assert detail in run.judgement.detail
    assert run.checkpoint == b""


def test_valid_checkpoint_under_another_name(begin: Begin) -> None:
    """A checkpoint that is not called one earns nothing."""
    worker, _stream = begin(lambda index: [(0.0, finished(index, result="none"))])
    (run,) = worker.execute(planned(1))
    assert run.judgement.verdict is Verdict.CRASHED
    assert run.checkpoint == b""


# What breaks the stream

BREAKS: dict[str, Callable[[int], bytes]] = {
    "garbage": lambda _index: b"Hello, I am a submission and have found your stdout.\n",
    "length of 4 GB": lambda _index: b"\xff\xff\xff\xff",
    "unknown kind": lambda index: encode("result", index=index),
    "wrong field": lambda index: encode("log", index=index, stream=1),
    "payload over the limit": lambda index: encode_header("log", (1 << 16) + 1, index=index, stream="out"),
    "checkpoint over the limit": lambda index: finished(index, bytes((1 << 16) + 1)),
    "finished for a run that was never asked for": lambda _index: finished(77),
    "finished for a negative run": lambda _index: finished(-1),
    "log of a run that was never asked for": lambda _index: log(77, b"x"),
    "ready again": lambda _index: READY,
    "log over the budget": lambda index: log(index, bytes(4097)),
    "logs over the budget": lambda index: log(index, bytes(4096)) + log(index, b"x"),
}


@pytest.mark.parametrize("said", BREAKS.values(), ids=BREAKS.keys())
def test_broken_stream(begin: Begin, said: Callable[[int], bytes]) -> None:
    """A frame that is none, or is not due, ends the run as ``protocol`` and the container with it."""
    worker, stream = begin(lambda index: [(0.0, said(index)), (0.0, finished(index))], log_bytes=4096)
    (run,) = worker.execute(planned(3))
    assert run.index == 0
    assert run.judgement.verdict is Verdict.PROTOCOL
    assert run.judgement.detail
    assert run.checkpoint == b""
    assert stream.killed == 1


def test_finished_twice(begin: Begin) -> None:
    """A run that has ended cannot end again, so that a second checkpoint replaces nothing."""
    worker, stream = begin(lambda index: [(0.0, finished(index) + (finished(index) if index == 0 else b""))])
    assert verdicts(worker.execute(planned(2))) == {0: Verdict.OK, 1: Verdict.PROTOCOL}
    assert stream.killed == 1


def test_log_that_uses_up_the_budget(begin: Begin) -> None:
    """The budget itself is allowed, and each run has its own."""
    worker, _stream = begin(lambda index: [(0.0, log(index, bytes(4096)) + finished(index))], log_bytes=4096)
    assert [len(run.log) for run in worker.execute(planned(3))] == [4096] * 3


def test_broken_stream_takes_all_that_go_on_along(begin: Begin) -> None:
    """Who broke the stream cannot be known, so that every run going on ends as ``protocol``."""
    worker, _stream = begin(lambda index: [(0.0, b"\0\0\0\0")] if index == 1 else QUIET, concurrency=2)
    assert verdicts(worker.execute(planned(4))) == {0: Verdict.PROTOCOL, 1: Verdict.PROTOCOL}


# What ends the container


@pytest.mark.parametrize(
    "ending",
    [None, *(ContainerExit(exit_code=code, oom_killed=False) for code in (0, 1, 2, 137))],
)
def test_container_that_ends_by_itself(begin: Begin, ending: ContainerExit | None) -> None:
    """A container that ends in mid-run, with nothing to blame the submission for, is our failure."""
    worker, _stream = begin(lambda _index: [END], ending=ending, stderr=b"segmentation fault\n")
    with pytest.raises(SandboxLostError, match=r"mid-run.*: segmentation fault"):
        list(worker.execute(planned(1)))


def test_a_kernel_in_user_space_is_ended_by_the_run(begin: Begin) -> None:
    """gVisor's kernel panics when a run leaves it no process; that is no second chance."""
    worker, _stream = begin(
        lambda _index: [END],
        ending=ContainerExit(exit_code=2, oom_killed=False),
        placement=Placement(runtime="runsc"),
    )
    assert verdicts(worker.execute(planned(1))) == {0: Verdict.CRASHED}


def test_runs_before_the_end_are_kept(begin: Begin) -> None:
    """What was finished before the container was lost has been yielded by then."""
    worker, _stream = begin(lambda index: [(0.0, finished(index))] if index == 0 else [END])
    runs = worker.execute(planned(2))
    assert next(runs).judgement.verdict is Verdict.OK
    with pytest.raises(SandboxLostError):
        next(runs)


def test_container_killed_for_memory(begin: Begin) -> None:
    """Where the engine says that the kernel killed the container for memory, all runs going on did it."""
    worker, _stream = begin(
        lambda index: [END] if index == 1 else QUIET,
        ending=ContainerExit(exit_code=137, oom_killed=True),
        concurrency=2,
    )
    assert verdicts(worker.execute(planned(4))) == {0: Verdict.MEMORY_LIMIT, 1: Verdict.MEMORY_LIMIT}


def test_memory_killer_of_an_earlier_run(begin: Begin) -> None:
    """The engine remembers that memory ran out once: a later run is not blamed for its container's end."""
    worker, _stream = begin(
        lambda index: (
            [(0.0, finished(index, b"", result="none", exit_code=-9, oom_kills=1, ended_by=""))]
            if index == 0
            else [END]
        ),
        ending=ContainerExit(exit_code=137, oom_killed=True),
    )
    runs = worker.execute(planned(2))
    assert next(runs).judgement.verdict is Verdict.MEMORY_LIMIT
    with pytest.raises(SandboxLostError):
        next(runs)


def test_frame_cut_by_the_end(begin: Begin) -> None:
    """Half a frame before the end is the end, not a result."""
    worker, _stream = begin(lambda index: [(0.0, finished(index)[:-1]), END])
    with pytest.raises(SandboxLostError):
        list(worker.execute(planned(1)))


# Time


def test_silence(begin: Begin) -> None:
    """A run that says nothing is ended by the host's own clock, once limit and grace have passed."""
    worker, stream = begin(lambda index: [(0.0, log(index, b"still here"))], wall_seconds=SHORT)
    begun = stream.clock()
    (run,) = worker.execute(planned(3))
    assert stream.clock() - begun == pytest.approx(SHORT + HOST_GRACE_SECONDS)
    assert run.judgement.verdict is Verdict.TIME_LIMIT
    assert run.judgement.detail == "not finished within 0.05 s"
    assert run.log == b"still here"
    assert stream.killed == 1


def test_supervisor_ends_for_time(begin: Begin) -> None:
    """A run that the supervisor ended is ``time-limit``, though a checkpoint came of it, and others go on."""
    worker, stream = begin(
        lambda index: [(0.0, finished(index, ended_by="time" if index == 0 else "result", exit_code=-9))]
    )
    assert verdicts(worker.execute(planned(2))) == {0: Verdict.TIME_LIMIT, 1: Verdict.OK}
    assert stream.killed == 0


def test_only_the_overdue_run_is_blamed(begin: Begin) -> None:
    """When the container is killed for one run, a younger one beside it is not judged: it is left undone."""
    late = SHORT + 0.6
    worker, stream = begin(
        lambda index: [(late, finished(index))] if index == 1 else QUIET, wall_seconds=SHORT, concurrency=2
    )
    assert verdicts(worker.execute(planned(3))) == {1: Verdict.OK, 0: Verdict.TIME_LIMIT}
    assert [fields["index"] for fields in stream.heard_of("run")] == [0, 1, 2]
    assert stream.killed == 1


def over(index: int) -> bytes:
    """Return the frame that says a run is over, before what it left is cleared away."""
    return encode("ended", index=index)


def test_time_stops_when_a_run_is_over(begin: Begin) -> None:
    """Clearing away what a run has left is not the run's time."""
    late = SHORT + HOST_GRACE_SECONDS + 0.3
    worker, stream = begin(lambda index: [(0.0, over(index)), (late, finished(index))], wall_seconds=SHORT)
    (run,) = worker.execute(planned(1))
    assert run.judgement.verdict is Verdict.OK
    assert run.host_seconds < SHORT
    assert stream.killed == 0


def test_a_run_whose_cleanup_fails(begin: Begin) -> None:
    """The container is killed for it, and the submission is to blame; a second ``ended`` is a violation."""
    worker, stream = begin(lambda index: [(0.0, over(index))], wall_seconds=SHORT)
    (run,) = worker.execute(planned(1))
    assert run.judgement.verdict is Verdict.CRASHED
    assert "cleanup after the run did not finish" in run.judgement.detail
    assert stream.killed == 1
    worker, stream = begin(lambda index: [(0.0, over(index) + over(index))])
    assert verdicts(worker.execute(planned(1))) == {0: Verdict.PROTOCOL}


def test_a_container_in_which_something_is_left_is_not_used_on(begin: Begin) -> None:
    """No run starts in it; the one beside is done, so that no run has another repeated."""
    worker, stream = begin(lambda index: [(0.3 * index, finished(index, wiped=index != 0))], concurrency=2)
    assert verdicts(worker.execute(planned(4))) == {0: Verdict.OK, 1: Verdict.OK}
    assert [fields["index"] for fields in stream.heard_of("run")] == [0, 1]
    assert stream.killed == 1


def test_slow_caller_is_not_the_submissions_fault(begin: Begin) -> None:
    """Runs that had answered in time are ``ok``, however long the host takes to put the first on disk."""
    worker, stream = begin(lambda index: [(0.0, finished(index))], wall_seconds=SHORT, concurrency=2)
    runs = worker.execute(planned(2))
    assert next(runs).judgement.verdict is Verdict.OK
    stream.clock.wait(SHORT + HOST_GRACE_SECONDS + 0.1)
    assert next(runs).judgement.verdict is Verdict.OK


class _Trickle:
    """Gives one byte a millisecond, and so never says that nothing came."""

    stderr = b""

    def __init__(self, said: bytes, clock: Clock) -> None:
        self._left, self.clock = iter(said), clock

    def send(self, data: bytes | memoryview) -> None:
        """Take it."""

    def receive(self, seconds: float) -> bytes | None:
        """Return the next byte."""
        self.clock.wait(0.001)
        return next(self._left).to_bytes()

    def kill(self) -> None:
        """Do nothing."""

    def ending(self, seconds: float = 10.0) -> ContainerExit | None:
        """Return nothing."""
        return None

    def is_running(self) -> bool:
        """Always."""
        return True

    def remove(self) -> None:
        """Do nothing."""


def test_trickle_does_not_stop_the_clock(fake_stream: type[FakeStream]) -> None:
    """A frame that comes byte by byte does not keep the host beyond the time that it gave."""
    clock = fake_stream(lambda _frame: QUIET).clock
    channel = Channel(_Trickle(log(0, bytes(500)), clock), from_worker(checkpoint_bytes=0), clock=clock)
    assert channel.receive(0.1) is None


# How many go on at once


@pytest.mark.parametrize("concurrency", [1, 2, 3])
def test_concurrency(begin: Begin, concurrency: int) -> None:
    """No more runs go on at once than the challenge says, and as many as it says; each is asked for once."""
    going: set[int] = set()
    most = 0
    answers = itertools.count()

    def on_run(index: int) -> list[Answer]:
        nonlocal most
        going.add(index)
        most = max(most, len(going))
        return [(0.001 * (next(answers) % 3), finished(index))]

    worker, stream = begin(on_run, concurrency=concurrency)
    for run in worker.execute(planned(10)):
        going.remove(run.index)
    assert most == concurrency
    assert [fields["index"] for fields in stream.heard_of("run")] == list(range(10))


def test_ends_in_any_order(begin: Begin) -> None:
    """A run is yielded when it ends, with its own log, whichever was asked for first."""
    held: list[int] = []

    def on_run(index: int) -> list[Answer]:
        held.append(index)
        if len(held) < 3:
            return []
        return [(0.0, log(one, b"log of %d" % one) + finished(one)) for one in reversed(held)]

    worker, _stream = begin(on_run, concurrency=3)
    runs = list(worker.execute(planned(3)))
    assert [run.index for run in runs] == [2, 1, 0]
    assert [run.log for run in runs] == [b"log of 2", b"log of 1", b"log of 0"]


def test_no_runs(begin: Begin) -> None:
    """Nothing planned, nothing asked for."""
    worker, stream = begin(lambda index: [(0.0, finished(index))])
    assert list(worker.execute([])) == []
    assert stream.heard_of("run") == []


def test_runs_are_held_back(begin: Begin) -> None:
    """While ``may_start`` says no, no run is asked for, and what goes on is still waited for."""
    worker, stream = begin(lambda index: [(0.0, finished(index))], concurrency=2)
    asked = 0

    def may_start() -> bool:
        nonlocal asked
        asked += 1
        if asked < 4:
            assert stream.heard_of("run") == []
            return False
        return asked % 3 == 0

    assert verdicts(worker.execute(planned(4), may_start)) == dict.fromkeys(range(4), Verdict.OK)
    assert asked >= 4 * 3


def test_caller_who_stops_early(begin: Begin) -> None:
    """Whoever stops after the first run has asked for no more than may go on at once."""
    worker, stream = begin(lambda index: [(0.0, finished(index))], concurrency=2)
    runs = worker.execute(planned(10))
    next(runs)
    assert len(stream.heard_of("run")) == 2


def test_stream_that_breaks_while_sending(
    fake_stream: type[FakeStream], load_challenge: Callable[[Limits], Challenge]
) -> None:
    """A stream that cannot be written to any more is our failure, and is passed on as it is."""

    def script(frame: Frame) -> Iterable[Answer]:
        if frame.kind == "run":
            raise SandboxLostError("The container's stream broke while sending.")
        return [(0.0, READY)] if frame.kind == "submission" else QUIET

    challenge = load_challenge(Limits())
    worker = WorkerClient(
        stream=fake_stream(script), challenge=challenge, submission=MINE, runs=1, first_uid=10_000
    )
    with pytest.raises(SandboxError, match="broke while sending"):
        list(worker.execute(planned(1)))


def test_enough(begin: Begin) -> None:
    """Once the caller has enough, runs that go on are done and no other is started."""
    worker, stream = begin(lambda index: [(0.0, finished(index))])
    ended: list[EndedRun] = []
    for run in worker.execute(planned(9), enough=lambda: len(ended) >= 3):
        ended.append(run)  # noqa: PERF402 - the worker looks at it meanwhile
    assert len(ended) == 3
    assert len(stream.heard_of("run")) == 3
    assert stream.killed == 0
