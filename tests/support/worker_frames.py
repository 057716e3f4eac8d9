"""The frames of a worker, as scripts of a `tests.support.fake_stream.FakeStream` send them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Final

import numpy as np
from safetensors.numpy import save

from runner.clients.runs import EndedRun, PlannedRun
from runner.clients.worker import WorkerClient
from runner.submission.load import Submission
from runner.verdict import Verdict
from sandbox.protocol.frames import Frame, Scalar, encode
from tests.support.fake_stream import Answer, FakeStream, Script

Begin = Callable[..., tuple[WorkerClient, FakeStream]]
"""Creates a client of a worker that answers its runs by a script; a fixture of the clients' tests."""

SUBMISSION: Final = Submission(name="mine", sha256="a" * 64, archive=b"PK: never opened here")
READY: Final = encode("ready", b'{"mounts": [], "devices": []}', seconds=0.25)
END: Final[Answer] = (0.0, None)
QUIET: Final[list[Answer]] = []
CHECKPOINT: Final = save({"weight": np.ones((2, 3), np.float32), "bias": np.ones(2, np.float32)})
SHORT_SECONDS: Final = 0.05
"""A time limit; the host waits `HOST_GRACE_SECONDS` more."""


def planned(count: int, first: int = 0) -> list[PlannedRun]:
    """Return runs with seeds that are not their indices."""
    return [PlannedRun(index=index, seed=1000 + index) for index in range(first, first + count)]


def finished(index: int, payload: bytes = CHECKPOINT, **changes: Scalar) -> bytes:
    """Return the frame of a run that went well, with some of its fields changed."""
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


def raised(index: int, **changes: object) -> bytes:
    """Return the frame of a run that sent an error."""
    body = {"stage": "call", "type": "ValueError", "message": "no", "traceback": "Traceback …", **changes}
    return finished(index, json.dumps(body).encode(), result="error", exit_code=1)


def log(index: int, text: bytes) -> bytes:
    """Return the frame of something that a run printed."""
    return encode("log", text, index=index, stream="out")


def ended(index: int) -> bytes:
    """Return the frame that reports the end of a run, before the cleanup."""
    return encode("ended", index=index)


def when_ready(on_run: Callable[[int], Iterable[Answer]]) -> Script:
    """Return the script of a worker that becomes ready, then answers each run with ``on_run``."""

    def script(frame: Frame) -> Iterable[Answer]:
        if frame.kind == "submission":
            return [(0.0, READY)]
        return on_run(frame.integer("index")) if frame.kind == "run" else QUIET

    return script


def verdicts(runs: Iterable[EndedRun]) -> dict[int, Verdict]:
    """Return the verdict on each run."""
    return {run.index: run.judgement.verdict for run in runs}
