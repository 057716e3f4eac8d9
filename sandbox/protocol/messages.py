"""The frames of each conversation: their kinds, fields and size limits.

Each conversation has two tables, one for each direction. The host builds its decoder with limits
that come from the challenge, the container with what it can hold. Kinds and field names are the
wire format: images that were built earlier use them, so they stay as they are.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Final

from sandbox.protocol.frames import FrameRule
from sandbox.protocol.jobs import ARCHITECTURE_BYTES

JOB_BYTES: Final = 1 << 20
_SOURCE_BYTES: Final = 6 * ARCHITECTURE_BYTES
"""The source of an architecture as JSON: at most six bytes for each byte of it."""
ERROR_BYTES: Final = 1 << 16
LOG_CHUNK_BYTES: Final = 1 << 16
HOST_PAYLOAD_BYTES: Final = 1 << 40
"""Limit for what the host sends: the host is trusted, so the container's memory is the actual limit."""

TAG_CHECKPOINT: Final = b"C"
TAG_ERROR: Final = b"E"
STARTED: Final = b"S"
"""The first byte that a run sends, once it is set up and before any code of the submission runs."""
RESULT_HEAD: Final = struct.Struct(">cQ")
"""The header of a run's result in its pipe: a tag and the length of the payload."""

REMARK_OUTSIDE: Final = "outside_state"
"""Metadata of a checkpoint: names of the attributes that make the returned network answer unlike it."""
REMARK_HALF: Final = "overflowed_half"
"""Metadata of a checkpoint: names of tensors that were in half precision and not finite."""

_JOB: Final = FrameRule(payload_bytes=JOB_BYTES + _SOURCE_BYTES)
_DATA: Final = FrameRule(fields={"name": str}, payload_bytes=HOST_PAYLOAD_BYTES)
_READY: Final = FrameRule(fields={"seconds": float}, payload_bytes=1 << 16)
"""Its payload is what `sandbox.surroundings` reports; earlier images send none."""
_UNREADY: Final = FrameRule(fields={"reason": str})
_STOP: Final = FrameRule()

TO_WORKER: Final[Mapping[str, FrameRule]] = {
    "job": _JOB,
    "data": _DATA,
    "submission": FrameRule(payload_bytes=HOST_PAYLOAD_BYTES),
    "run": FrameRule(fields={"index": int, "seed": int}),
    "stop": _STOP,
}

TO_EVALUATOR: Final[Mapping[str, FrameRule]] = {
    "job": _JOB,
    "data": _DATA,
    "checkpoint": FrameRule(fields={"index": int}, payload_bytes=HOST_PAYLOAD_BYTES),
    "side_by_side": FrameRule(fields={"checkpoints": int}),
    "stop": _STOP,
}

SNAPSHOT_PIECE_BYTES: Final = 1 << 23
_SNAPSHOT: Final = FrameRule(fields={"first": int, "last": bool}, payload_bytes=SNAPSHOT_PIECE_BYTES)
"""A piece of a snapshot, so that neither side buffers more than one piece in transit."""

TO_TRAINER: Final[Mapping[str, FrameRule]] = {
    "job": _JOB,
    "measure": _JOB,
    "data": _DATA,
    "snapshot": _SNAPSHOT,
}


def from_worker(*, checkpoint_bytes: int) -> Mapping[str, FrameRule]:
    """Return the frames that a worker may send; a checkpoint is at most ``checkpoint_bytes`` long."""
    return {
        "ready": _READY,
        "unready": _UNREADY,
        "unfit": FrameRule(fields={"reason": str}),
        "log": FrameRule(fields={"index": int, "stream": str}, payload_bytes=LOG_CHUNK_BYTES),
        "started": FrameRule(fields={"index": int}),
        "ended": FrameRule(fields={"index": int}),
        "finished": FrameRule(
            fields={
                "index": int,
                "seconds": float,
                "exit_code": int,
                "ended_by": str,
                "oom_kills": int,
                "result": str,
                "wiped": bool,
                "log_bytes_dropped": int,
            },
            later_fields={"started": bool, "frozen_seconds": float, "oom_events": int},
            payload_bytes=max(checkpoint_bytes, ERROR_BYTES),
        ),
    }


def from_evaluator(*, outputs_bytes: int) -> Mapping[str, FrameRule]:
    """Return the frames that an evaluator may send; outputs are at most ``outputs_bytes`` long."""
    return {
        "ready": _READY,
        "unready": _UNREADY,
        "outputs": FrameRule(fields={"index": int}, payload_bytes=outputs_bytes),
        "rejected": FrameRule(fields={"index": int, "reason": str}),
        "exhausted": FrameRule(),
        "progress": FrameRule(),
    }


def from_trainer() -> Mapping[str, FrameRule]:
    """Return the frames that a trainer may send: it runs our code on our data, so the limits are generous."""
    return {
        "ready": _READY,
        "progress": FrameRule(fields={"stage": str, "done": int, "total": int}),
        "file": FrameRule(fields={"name": str}, payload_bytes=1 << 34),
        "original": FrameRule(payload_bytes=1 << 34),
        "group": FrameRule(fields={"first": int, "count": int}, payload_bytes=1 << 34),
        "snapshot": _SNAPSHOT,
        "facts": FrameRule(payload_bytes=JOB_BYTES),
        "measured": FrameRule(payload_bytes=JOB_BYTES),
        "failed": FrameRule(fields={"reason": str}),
        "unready": _UNREADY,
        "done": FrameRule(),
    }
