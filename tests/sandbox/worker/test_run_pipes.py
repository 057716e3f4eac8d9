"""The supervisor passes on all of a run's log, in few frames however small the pieces are."""

from __future__ import annotations

import os
import selectors
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, cast

import pytest

from sandbox.protocol.jobs import WorkerJob
from sandbox.stdio import Stdio
from sandbox.worker.run_pipes import RunPipes

LOG_BYTES = 1 << 20


class Host:
    """Records the log."""

    def __init__(self) -> None:
        self.frames: list[tuple[str, bytes]] = []

    def send(self, kind: str, payload: bytes = b"", **fields: Any) -> None:
        """Record a frame."""
        assert kind == "log"
        self.frames.append((fields["stream"], payload))

    def log(self, stream: str) -> bytes:
        """Return what arrived of a stream."""
        return b"".join(payload for name, payload in self.frames if name == stream)


def pass_on(pieces: Sequence[tuple[str, bytes]], log_bytes: int = LOG_BYTES) -> Host:
    """Return the host after each piece was written to its stream, and read on its own."""
    host, selector = Host(), selectors.DefaultSelector()
    ends = {name: os.pipe() for name in ("result", "out", "err")}
    pipes = RunPipes(
        index=0,
        result_fd=ends["result"][0],
        log_fds={name: ends[name][0] for name in ("out", "err")},
        job=cast(WorkerJob, SimpleNamespace(checkpoint_bytes=4, log_bytes=log_bytes)),
        stdio=cast(Stdio, host),
        selector=selector,
        end=lambda _reason: None,
    )
    for stream, piece in pieces:
        os.write(ends[stream][1], piece)
        for key, _events in selector.select(0):
            key.data()
    for _read, write in ends.values():
        os.close(write)
    pipes.drain()
    pipes.send_log_tails()
    selector.close()
    return host


@pytest.mark.parametrize(
    ("pieces", "most"),
    [
        ([("out", b"\n")] * 5_000, 1_010),
        ([("out", b"\n"), ("err", b".\n")] * 2_500, 1_010),
        ([("err", b"x" * 999 + b"\n")] * 500, 505),
        ([("out", b"x" * 4999 + b"\n")] * 90, 95),
    ],
    ids=["single bytes", "both streams", "few lines", "long lines"],
)
def test_a_flood_of_small_pieces_needs_few_frames(pieces: list[tuple[str, bytes]], most: int) -> None:
    """Nothing of it is lost, and each stream keeps its order."""
    host = pass_on(pieces)
    assert len(host.frames) <= most
    for stream in ("out", "err"):
        assert host.log(stream) == b"".join(piece for name, piece in pieces if name == stream)


def test_the_first_pieces_are_not_held_back() -> None:
    """If the container is lost, what an ordinary run has printed until then has arrived."""
    assert pass_on([("out", b"epoch 1\n"), ("out", b"epoch 2\n")]).frames[:2] == [
        ("out", b"epoch 1\n"),
        ("out", b"epoch 2\n"),
    ]


def test_the_head_and_the_tail_of_a_long_flood_arrive() -> None:
    """Within the budget of a stream, which is half of the run's."""
    lines = [b"%06d\n" % number for number in range(6_000)]
    log = pass_on([("out", line) for line in lines], log_bytes=40_000).log("out")
    assert log == b"".join(lines)[:10_000] + b"".join(lines)[-10_000:]
