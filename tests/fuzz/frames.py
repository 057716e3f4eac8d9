"""Frames of a worker, as the host decodes them: the whole attack surface between the two."""

from __future__ import annotations

import json
import struct

from sandbox.protocol.frames import Decoder, Frame, ProtocolViolationError, Scalar, encode
from sandbox.protocol.messages import ERROR_BYTES, from_worker

INSTRUMENTED = ("sandbox.protocol.frames", "sandbox.protocol.messages")
RULES = from_worker(checkpoint_bytes=1000)
_FINISHED: dict[str, Scalar] = {
    "index": 1,
    "seconds": 0.5,
    "exit_code": 0,
    "ended_by": "result",
    "oom_kills": 0,
    "result": "checkpoint",
    "wiped": True,
    "log_bytes_dropped": 0,
}


def one_input(data: bytes) -> None:
    """Frames do not depend on how the stream is cut, obey their rules, and survive being sent again.

    The first byte says how long the pieces are, the second whether the rest is a header whose
    length is put before it.
    """
    if len(data) < 2:
        return
    size, mode, stream = data[0] + 1, data[1], data[2:]
    if mode & 1:
        header, _, payload = stream.partition(b"\n")
        stream = struct.pack(">I", len(header)) + header + payload
    whole, why = _decoded([stream])
    pieces, why_in_pieces = _decoded([stream[i : i + size] for i in range(0, len(stream), size)])
    assert (whole, why) == (pieces, why_in_pieces)
    for frame in whole:
        rule = RULES[frame.kind]
        assert len(frame.payload) <= rule.payload_bytes <= max(1000, ERROR_BYTES)
        assert {name: type(value) for name, value in frame.fields.items()} == dict(rule.fields)
    again, _ = _decoded([encode(frame.kind, frame.payload, **frame.fields) for frame in whole])
    assert again == whole


def _decoded(pieces: list[bytes]) -> tuple[list[Frame], str]:
    """Return the frames before the stream ended or broke its rules, and how it broke them."""
    decoder, fed = Decoder(RULES), 0
    found: list[Frame] = []
    try:
        for piece in pieces:
            fed += len(piece)
            for frame in decoder.feed(piece):
                found.append(frame)  # noqa: PERF402 - what came before a violation counts
    except ProtocolViolationError as error:
        assert len(str(error)) < 300
        return found, str(error)
    assert sum(len(frame.payload) for frame in found) <= fed
    return found, ""


def seeds() -> dict[str, bytes]:
    """Return a few streams to begin with."""
    finished = encode("finished", b"weights", **_FINISHED)
    log = encode("log", b"hello\n", index=1, stream="out")
    header = json.dumps({"kind": "log", "bytes": 3, "index": 0, "stream": "err"}).encode()
    return {
        "ready": b"\xff\0" + encode("ready", seconds=2.5),
        "run": b"\x06\0" + log + encode("ended", index=1) + finished,
        "two-runs": b"\x3f\0" + log * 2 + finished * 2,
        "huge-header": b"\0\0\xff\xff\xff\xff{}",
        "huge-payload": b"\0\0"
        + encode("log", b"", index=1, stream="out").replace(b'": 0', b'": 4294967296'),
        "header": b"\x10\1" + header + b"\nabc",
    }
