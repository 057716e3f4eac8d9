"""A worker client on a stream in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

import pytest

from runner.challenge.challenge import Challenge
from runner.challenge.limits import Limits
from runner.clients.worker import WorkerClient
from runner.engine.api import ContainerExit
from runner.engine.placement import DEFAULT_PLACEMENT, Placement
from tests.support.fake_stream import Answer, FakeStream
from tests.support.worker_frames import SUBMISSION, when_ready

CLEANUP_SECONDS: Final = 2.0


@pytest.fixture
def begin(load_challenge: Callable[[Limits], Challenge]) -> Callable[..., tuple[WorkerClient, FakeStream]]:
    """Return a function that creates a client of a worker whose runs are answered by a script."""

    def begin_with(
        on_run: Callable[[int], Iterable[Answer]],
        *,
        ending: ContainerExit | None = None,
        stderr: bytes = b"",
        placement: Placement = DEFAULT_PLACEMENT,
        reached_memory_limit: bool | None = None,
        **limits: float,
    ) -> tuple[WorkerClient, FakeStream]:
        stream = FakeStream(when_ready(on_run), ending=ending, stderr=stderr)
        stream.reached_memory_limit = reached_memory_limit
        worker = WorkerClient(
            stream=stream,
            challenge=load_challenge(Limits.model_validate({"concurrency": 1, **limits})),
            submission=SUBMISSION,
            runs=9,
            first_uid=10_000,
            placement=placement,
            cleanup_seconds=CLEANUP_SECONDS,
            clock=stream.clock,
        )
        return worker, stream

    return begin_with
