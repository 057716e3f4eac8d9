"""What a run sends is checked, judged and returned; a violation of the stream's rules ends the container."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from safetensors.numpy import save

from runner.verdict import Verdict
from sandbox.protocol.frames import encode, encode_header
from tests.support.worker_frames import (
    CHECKPOINT,
    READY,
    Begin,
    finished,
    log,
    planned,
    raised,
    verdicts,
)


def test_ok(begin: Begin) -> None:
    """A valid checkpoint is returned unchanged, with the run's log and times."""
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
    assert stream.sent_fields("run") == [{"index": 5, "seed": 1005}]
    assert stream.killed == 0


def test_error(begin: Begin) -> None:
    """An exception becomes ``crashed`` with its type, message and traceback; the next run is executed."""
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
def test_invented_error(begin: Begin, payload: bytes) -> None:
    """The description of an exception may be anything; a malformed one counts as empty."""
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
    """A checkpoint of the wrong form is rejected with the reason, and is not returned."""
    worker, _stream = begin(lambda index: [(0.0, finished(index, payload))])
    (run,) = worker.execute(planned(1))
    assert run.judgement.verdict is Verdict.BAD_CHECKPOINT
    assert detail in run.judgement.detail
    assert run.checkpoint == b""


def test_valid_checkpoint_under_another_name(begin: Begin) -> None:
    """A checkpoint that is not declared as one does not count."""
    worker, _stream = begin(lambda index: [(0.0, finished(index, result="none"))])
    (run,) = worker.execute(planned(1))
    assert run.judgement.verdict is Verdict.CRASHED
    assert run.checkpoint == b""


VIOLATIONS: dict[str, Callable[[int], bytes]] = {
    "garbage": lambda _index: b"Hello, I am a submission and have found your stdout.\n",
    "length of 4 GB": lambda _index: b"\xff\xff\xff\xff",
    "unknown kind": lambda index: encode("result", index=index),
    "wrong field": lambda index: encode("log", index=index, stream=1),
    "payload over the limit": lambda index: encode_header("log", (1 << 16) + 1, index=index, stream="out"),
    "checkpoint over the limit": lambda index: finished(index, bytes((1 << 16) + 1)),
    "finished for a run that was not started": lambda _index: finished(77),
    "finished for a negative run": lambda _index: finished(-1),
    "log of a run that was not started": lambda _index: log(77, b"x"),
    "ready again": lambda _index: READY,
    "log over the limit": lambda index: log(index, bytes(4097)),
    "logs over the limit": lambda index: log(index, bytes(4096)) + log(index, b"x"),
}


@pytest.mark.parametrize("violation", VIOLATIONS.values(), ids=VIOLATIONS.keys())
def test_broken_stream(begin: Begin, violation: Callable[[int], bytes]) -> None:
    """An invalid or unexpected frame ends the run as ``protocol``, and the container with it."""
    worker, stream = begin(lambda index: [(0.0, violation(index)), (0.0, finished(index))], log_bytes=4096)
    (run,) = worker.execute(planned(3))
    assert run.index == 0
    assert run.judgement.verdict is Verdict.PROTOCOL
    assert run.judgement.detail
    assert run.checkpoint == b""
    assert stream.killed == 1


def test_finished_twice(begin: Begin) -> None:
    """A run that has ended cannot end again, so a second checkpoint replaces nothing."""
    worker, stream = begin(lambda index: [(0.0, finished(index) + (finished(index) if index == 0 else b""))])
    assert verdicts(worker.execute(planned(2))) == {0: Verdict.OK, 1: Verdict.PROTOCOL}
    assert stream.killed == 1


def test_log_of_the_maximum_length(begin: Begin) -> None:
    """A log of exactly the maximum length is allowed, and each run has a limit of its own."""
    worker, _stream = begin(lambda index: [(0.0, log(index, bytes(4096)) + finished(index))], log_bytes=4096)
    assert [len(run.log) for run in worker.execute(planned(3))] == [4096] * 3


def test_a_broken_stream_ends_the_run_in_progress(begin: Begin) -> None:
    """It ends as ``protocol``, and no other run is started in that container."""
    worker, stream = begin(lambda index: [(0.0, b"\0\0\0\0")] if index == 1 else [(0.0, finished(index))])
    assert verdicts(worker.execute(planned(4))) == {0: Verdict.OK, 1: Verdict.PROTOCOL}
    assert len(stream.sent_fields("run")) == 2
    assert not worker.is_usable
