"""A worker is sent what its runs need, and a container that does not become ready blames no submission."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from runner.challenge.challenge import Challenge
from runner.challenge.limits import Limits
from runner.clients.worker import WorkerClient
from runner.errors import ConfigurationError, HostNotReadyError, SandboxStartError
from runner.parsers.checkpoint import max_checkpoint_bytes
from sandbox.protocol.frames import encode
from sandbox.protocol.jobs import WorkerJob
from tests.support.fake_stream import FakeStream
from tests.support.worker_frames import END, QUIET, SUBMISSION, finished, log, when_ready

Load = Callable[[Limits], Challenge]


def begin_one_run(stream: FakeStream, load_challenge: Load) -> WorkerClient:
    return WorkerClient(
        stream=stream, challenge=load_challenge(Limits()), submission=SUBMISSION, runs=1, first_uid=10_000
    )


def test_start(load_challenge: Load) -> None:
    """The worker is sent the job, what a submission may see, and the submission; never the test split."""
    challenge = load_challenge(Limits(concurrency=2, cpus=4.0, wall_seconds=7.5))
    stream = FakeStream(when_ready(lambda _index: QUIET))
    worker = WorkerClient(stream=stream, challenge=challenge, submission=SUBMISSION, runs=9, first_uid=12_345)
    assert worker.load_seconds == 0.25
    assert [frame.kind for frame in stream.sent] == ["job", "data", "data", "data", "data", "submission"]
    job = WorkerJob.from_json(stream.sent[0].payload)
    assert (job.concurrency, job.threads, job.wall_seconds) == (1, 2, 7.5)
    assert (job.runs, job.first_uid) == (9, 12_345)
    assert job.checkpoint_bytes == max_checkpoint_bytes(challenge.spec)
    data = {frame.text("name"): frame.payload for frame in stream.sent if frame.kind == "data"}
    assert data == {name: challenge.data(name) for name in ("original", "retain", "forget", "val")}
    assert stream.sent[-1].payload == SUBMISSION.archive
    private = [challenge.data("test"), (challenge.folder / "private/references.npz").read_bytes()]
    assert not any(secret in frame.payload for frame in stream.sent for secret in private)


def test_a_container_that_ends_before_it_is_ready(
    load_challenge: Load,
) -> None:
    """It is a failure of the sandbox, and the message ends with the last line of the container's stderr."""
    stream = FakeStream(
        lambda frame: [END] if frame.kind == "job" else QUIET, stderr=b"first\nno \x1b[1mtorch\n"
    )
    with pytest.raises(SandboxStartError) as caught:
        begin_one_run(stream, load_challenge)
    assert str(caught.value) == "The container ended early: no \N{REPLACEMENT CHARACTER}[1mtorch."


def test_a_network_that_cannot_be_used_is_the_challenges_fault(
    load_challenge: Load,
) -> None:
    """The container reports why; no run is started, so no submission is blamed."""
    unready = encode("unready", reason="no architecture 'dig\x1b[1mitz'.\nnone")
    stream = FakeStream(lambda frame: [(0.0, unready)] if frame.kind == "submission" else QUIET)
    with pytest.raises(ConfigurationError) as caught:
        begin_one_run(stream, load_challenge)
    assert str(caught.value) == (
        "The challenge's network cannot be used: no architecture 'dig\N{REPLACEMENT CHARACTER}[1mitz'. none."
    )


def test_a_host_that_cannot_end_runs_is_not_ready(
    load_challenge: Load,
) -> None:
    """The container detects it before any run, which would otherwise be blamed for it."""
    unfit = encode("unfit", reason="no process in a container may end another.")
    stream = FakeStream(lambda frame: [(0.0, unfit)] if frame.kind == "submission" else QUIET)
    with pytest.raises(
        HostNotReadyError, match="under this runtime: no process in a container may end another"
    ):
        begin_one_run(stream, load_challenge)


@pytest.mark.parametrize(
    "first",
    [
        b"Traceback (most recent call last):\n",
        log(0, b"x"),
        pytest.param(finished(0), id="finished"),
    ],
)
def test_a_first_frame_that_is_not_ready(load_challenge: Load, first: bytes) -> None:
    """Before any run only this project's program writes, so anything but ``ready`` is its failure."""
    stream = FakeStream(lambda frame: [(0.0, first)] if frame.kind == "submission" else QUIET)
    with pytest.raises(SandboxStartError):
        begin_one_run(stream, load_challenge)
